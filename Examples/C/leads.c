/* SPDX-License-Identifier: Apache-2.0
 * A lead declares what it calls: all that is submitted while it runs carries its seed and runs in its core domain. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tokengate.h>

static tg_operation *child_op;

/* What the lead wants to know of its children. */
typedef struct seen {
    int32_t domain;
    char seed[65];
} seen;

static int32_t child(tg_context *context, void *argument, tg_result *result) {
    seen *mine = argument;
    (void)result;
    mine->domain = tg_context_domain(context);
    return tg_context_get_seed_hex(context, mine->seed) == TG_OK ? 0 : 1;
}

static int32_t lead(tg_context *context, void *argument, tg_result *result) {
    seen children[4];
    tg_token *tokens[4];
    char seed[65];
    int same = 0;
    (void)argument;
    tg_context_get_seed_hex(context, seed);
    /* No extra call: a child inherits seed and domain because it is submitted here. */
    for (int i = 0; i < 4; i++) tg_submit(child_op, &children[i], NULL, &tokens[i], NULL);
    tg_token_wait_all(tokens, 4, TG_FOREVER, NULL);
    tg_token_release_many(tokens, 4);
    for (int i = 0; i < 4; i++) {
        if (children[i].domain == tg_context_domain(context) && strcmp(children[i].seed, seed) == 0) same++;
    }
    result->value.i64 = same;
    return 0;
}

int main(void) {
    tg_coordinator *coordinator;
    tg_operation *lead_op;
    tg_token *token;
    tg_value value;
    tg_statistics statistics = TG_STATISTICS_INIT;
    const char *calls[] = {"child_op"};
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    if (tg_coordinator_create(NULL, &coordinator, NULL) != TG_OK) return 1;
    if (tg_coordinator_start(coordinator, NULL) != TG_OK) return 1;
    tg_operation_create(coordinator, "child_op", child, NULL, &child_op, NULL);
    options.external_calls = calls;
    options.external_call_count = 1;
    tg_operation_create(coordinator, "lead_op", lead, &options, &lead_op, NULL);

    tg_submit(lead_op, NULL, NULL, &token, NULL);
    if (tg_token_wait(token, TG_FOREVER, &value, NULL) == TG_OK) {
        printf("%d of 4 children with the lead's seed, in its domain\n", (int)value.i64);
    }
    tg_token_release(token);
    tg_coordinator_statistics(coordinator, &statistics, NULL);
    printf("leases left: %d\n", (int)(statistics.leases_opened - statistics.leases_released));
    tg_operation_destroy(lead_op, NULL);
    tg_operation_destroy(child_op, NULL);
    tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL);
    tg_coordinator_destroy(coordinator, NULL);
    return 0;
}
