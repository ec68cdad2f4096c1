/* SPDX-License-Identifier: Apache-2.0
 * An operation that never runs more than two bodies at once, on threads enough for ten; what became of its tokens. */
#include <stdatomic.h>
#include <stdio.h>
#include <tokengate.h>

static atomic_int inside, most;

static int32_t print_page(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)result;
    int now = atomic_fetch_add(&inside, 1) + 1, before = atomic_load(&most);
    while (before < now && !atomic_compare_exchange_weak(&most, &before, now)) continue;
    atomic_fetch_sub(&inside, 1);
    return argument == NULL ? 0 : 17;
}

static void show(const tg_execution_record *record, void *user_data) {
    (void)user_data;
    printf("%s: %s, %s\n", record->operation_type, tg_status_name(record->status), record->error ? record->error : "done");
}

int main(void) {
    tg_coordinator *coordinator;
    tg_operation *printing;
    tg_token *tokens[10], *failed;
    tg_config config = TG_CONFIG_INIT;
    config.history_capacity = 100;
    if (tg_coordinator_create(&config, &coordinator, NULL) != TG_OK) return 1;
    if (tg_coordinator_start(coordinator, NULL) != TG_OK) return 1;

    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    options.storage = TG_STORAGE_SLOW;
    options.concurrency = 2;
    options.priority = TG_PRIORITY_LOW;
    tg_operation_create(coordinator, "print_page", print_page, &options, &printing, NULL);
    tg_submit_many(printing, NULL, 10, NULL, tokens, NULL);
    tg_token_wait_all(tokens, 10, TG_FOREVER, NULL);
    tg_token_release_many(tokens, 10);
    tg_submit(printing, &most, NULL, &failed, NULL);
    tg_token_wait(failed, TG_FOREVER, NULL, NULL);
    tg_token_release(failed);
    printf("at most two at once: %s\n", atomic_load(&most) <= 2 ? "yes" : "no");
    tg_coordinator_history(coordinator, 2, show, NULL, NULL);

    tg_operation_destroy(printing, NULL);
    tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL);
    tg_coordinator_destroy(coordinator, NULL);
    return 0;
}
