/* SPDX-License-Identifier: Apache-2.0
 * Never more bodies inside a storage tier than its limit, which may change while they run. */
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <tokengate.h>

static atomic_int inside, most;

static int32_t store(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    int now = atomic_fetch_add(&inside, 1) + 1;
    int seen = atomic_load(&most);
    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now)) {}
    struct timespec pause = {0, 2000000};
    nanosleep(&pause, NULL); /* A slow disk. */
    atomic_fetch_sub(&inside, 1);
    return 0;
}

int main(void) {
    enum { files = 60 };
    tg_coordinator *coordinator;
    tg_operation *writer;
    tg_token *tokens[files];
    tg_config config = TG_CONFIG_INIT;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;

    config.storage_limit_slow = 4;
    if (tg_coordinator_create(&config, &coordinator, NULL) != TG_OK) return 1;
    if (tg_coordinator_start(coordinator, NULL) != TG_OK) return 1;
    options.storage = TG_STORAGE_SLOW;
    tg_operation_create(coordinator, "store", store, &options, &writer, NULL);

    tg_submit_many(writer, NULL, files, NULL, tokens, NULL);
    tg_token_wait_all(tokens, files, TG_FOREVER, NULL);
    tg_token_release_many(tokens, files);
    printf("%d files, never more than 4 at once: %s\n", files, atomic_load(&most) <= 4 ? "yes" : "no");

    atomic_store(&most, 0);
    tg_coordinator_set_storage_limit(coordinator, TG_STORAGE_SLOW, 12, NULL);
    tg_submit_many(writer, NULL, files, NULL, tokens, NULL);
    tg_token_wait_all(tokens, files, TG_FOREVER, NULL);
    tg_token_release_many(tokens, files);
    printf("%d more, never more than 12: %s\n", files, atomic_load(&most) <= 12 ? "yes" : "no");

    tg_operation_destroy(writer, NULL);
    tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL);
    tg_coordinator_destroy(coordinator, NULL);
    return 0;
}
