/* SPDX-License-Identifier: Apache-2.0
 * A kill settles a token at once. Its body is asked to end and not torn down: it must look. */
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <tokengate.h>

static atomic_int begun, ended;

static int32_t search(tg_context *context, void *argument, tg_result *result) {
    struct timespec pause = {0, 1000000};
    (void)argument, (void)result;
    atomic_store(&begun, 1);
    while (tg_context_is_cancelled(context) == 0) nanosleep(&pause, NULL);
    atomic_store(&ended, 1);
    return 0; /* Late: nobody waits for it. */
}

int main(void) {
    struct timespec pause = {0, 1000000};
    tg_coordinator *coordinator;
    tg_operation *operation;
    tg_token *token;
    tg_stop_report report = TG_STOP_REPORT_INIT;
    if (tg_coordinator_create(NULL, &coordinator, NULL) != TG_OK) return 1;
    if (tg_coordinator_start(coordinator, NULL) != TG_OK) return 1;
    tg_operation_create(coordinator, "search", search, NULL, &operation, NULL);
    tg_submit(operation, NULL, NULL, &token, NULL);
    while (atomic_load(&begun) == 0) nanosleep(&pause, NULL);
    printf("after a millisecond: %s\n", tg_status_name(tg_token_wait(token, TG_MILLISECOND, NULL, NULL)));
    tg_token_kill(token, NULL);
    printf("after the kill: %s\n", tg_status_name(tg_token_wait(token, TG_FOREVER, NULL, NULL)));
    tg_token_release(token);
    tg_operation_destroy(operation, NULL);
    tg_coordinator_stop(coordinator, 30 * TG_SECOND, &report, NULL);
    printf("the body ended by itself: %s, threads still inside one: %d\n", atomic_load(&ended) ? "yes" : "no", report.busy_threads);
    tg_coordinator_destroy(coordinator, NULL);
    return 0;
}
