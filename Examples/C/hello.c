/* SPDX-License-Identifier: Apache-2.0
 * The smallest program: an operation, a call, its result. */
#include <stdio.h>
#include <tokengate.h>

static int32_t square(tg_context *context, void *argument, tg_result *result) {
    (void)context;
    const int64_t *number = argument;
    result->value.i64 = *number * *number;
    return 0;
}

int main(void) {
    tg_coordinator *coordinator;
    tg_operation *operation;
    tg_token *token;
    tg_value value;
    tg_error error = TG_ERROR_INIT;
    int64_t seven = 7;

    if (tg_coordinator_create(NULL, &coordinator, &error) != TG_OK || tg_coordinator_start(coordinator, &error) != TG_OK) {
        fprintf(stderr, "error: %s\n", error.message);
        return 1;
    }
    tg_operation_create(coordinator, "square", square, NULL, &operation, NULL);
    tg_submit(operation, &seven, NULL, &token, NULL);
    if (tg_token_wait(token, TG_FOREVER, &value, &error) == TG_OK) printf("7 * 7 = %lld\n", (long long)value.i64);
    tg_token_release(token);
    tg_operation_destroy(operation, NULL);
    tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL);
    tg_coordinator_destroy(coordinator, NULL);
    return 0;
}
