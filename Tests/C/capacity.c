/* SPDX-License-Identifier: Apache-2.0
 * A coordinator that bears so many live tokens and no more: suspend, reject, drop the oldest. */
#include "check.h"

#include <pthread.h>

static gate door;
static int32_t stand(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument;
    gate_pass(&door);
    result->value.i64 = 7;
    return 0;
}

static tg_coordinator *coordinator;
static tg_operation *standing;
static atomic_int destroyed;
static void count_destroyed(void *pointer) {
    (void)pointer;
    destroyed++;
}

static void begin(int32_t overload, int64_t capacity) {
    tg_config config = TG_CONFIG_INIT;
    config.maximum_domains = 1;
    config.capacity = capacity;
    config.overload = overload;
    memset(&door, 0, sizeof door);
    atomic_store(&destroyed, 0);
    NEED(tg_coordinator_create(&config, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_operation_create(coordinator, "standing", stand, NULL, &standing, NULL));
}

static tg_statistics end(void) {
    tg_statistics statistics = TG_STATISTICS_INIT;
    NEED(tg_operation_destroy(standing, NULL));
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    NEED(tg_coordinator_statistics(coordinator, &statistics, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    return statistics;
}

static void rejects(void) {
    begin(TG_OVERLOAD_REJECT, 2);
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    tg_token *tokens[5];
    options.destroy_argument = count_destroyed;
    void *arguments[5] = {&door, &door, &door, &door, &door};
    NEED(tg_submit_many(standing, arguments, 5, &options, tokens, NULL));
    tg_error error = TG_ERROR_INIT;
    for (int i = 2; i < 5; i++) CHECK_STATUS(TG_E_OVERLOADED, tg_token_result(tokens[i], NULL, &error));
    CHECK(strstr(error.message, "capacity 2") != NULL);
    tg_statistics now = TG_STATISTICS_INIT;
    NEED(tg_coordinator_statistics(coordinator, &now, NULL));
    CHECK(now.capacity == 2 && now.places_in_use == 2 && now.rejected == 3 && now.dropped == 0);
    gate_open(&door);
    NEED(tg_token_wait_all(tokens, 5, TG_FOREVER, NULL));
    NEED(tg_token_release_many(tokens, 5));
    CHECK(end().rejected == 3);
    EVENTUALLY(atomic_load(&destroyed) == 5);
    CHECK(atomic_load(&destroyed) == 5);
}

static void drops_the_oldest(void) {
    begin(TG_OVERLOAD_DROP_OLDEST, 4);
    tg_token *tokens[6];
    /* Two are sent to the worker, two wait; of these the first has to go for the fifth, and so on. */
    NEED(tg_submit_many(standing, NULL, 6, NULL, tokens, NULL));
    CHECK_STATUS(TG_E_OVERLOADED, tg_token_result(tokens[2], NULL, NULL));
    CHECK_STATUS(TG_E_OVERLOADED, tg_token_result(tokens[3], NULL, NULL));
    gate_open(&door);
    for (int i = 0; i < 6; i++)
        CHECK_STATUS(i == 2 || i == 3 ? TG_E_OVERLOADED : TG_OK, tg_token_wait(tokens[i], TG_FOREVER, NULL, NULL));
    NEED(tg_token_release_many(tokens, 6));
    CHECK(end().dropped == 2);
}

static void *submit_patiently(void *out) {
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    options.place_timeout = TG_FOREVER;
    NEED(tg_submit(standing, NULL, &options, (tg_token **)out, NULL));
    return NULL;
}

static void callback(tg_token *token, void *user_data) {
    (void)token;
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    options.place_timeout = TG_FOREVER;
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_submit(standing, NULL, &options, NULL, NULL));
    *(atomic_int *)user_data = 1;
}

static void suspends(void) {
    begin(TG_OVERLOAD_SUSPEND, 1);
    tg_token *first, *refused, *late, *patient = NULL;
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    NEED(tg_submit(standing, NULL, NULL, &first, NULL));
    NEED(tg_submit(standing, NULL, NULL, &refused, NULL));
    CHECK_STATUS(TG_E_OVERLOADED, tg_token_result(refused, NULL, NULL));
    options.place_timeout = TG_MILLISECOND;
    NEED(tg_submit(standing, NULL, &options, &late, NULL));
    CHECK_STATUS(TG_E_OVERLOADED, tg_token_result(late, NULL, NULL));
    pthread_t thread;
    pthread_create(&thread, NULL, submit_patiently, &patient);
    atomic_int called = 0;
    NEED(tg_token_notify(first, callback, &called, NULL, NULL));
    gate_open(&door);
    pthread_join(thread, NULL);
    CHECK_STATUS(TG_OK, tg_token_wait(patient, TG_FOREVER, NULL, NULL));
    EVENTUALLY(atomic_load(&called));
    CHECK(atomic_load(&called) == 1);
    tg_token *all[] = {first, refused, late, patient};
    NEED(tg_token_release_many(all, 4));
    CHECK(end().rejected == 2);
}

/* A thread that waits for a place when the coordinator stops is not left behind. */
static void stops(void) {
    begin(TG_OVERLOAD_SUSPEND, 1);
    tg_token *first, *patient = NULL;
    NEED(tg_submit(standing, NULL, NULL, &first, NULL));
    gate_await(&door, 1);
    pthread_t thread;
    pthread_create(&thread, NULL, submit_patiently, &patient);
    NEED(tg_coordinator_stop(coordinator, 0, NULL, NULL));
    pthread_join(thread, NULL);
    CHECK_STATUS(TG_E_STOPPED, tg_token_wait(patient, TG_FOREVER, NULL, NULL));
    gate_open(&door);
    NEED(tg_token_release(first));
    NEED(tg_token_release(patient));
    (void)end();
}

int main(void) {
    rejects();
    drops_the_oldest();
    suspends();
    stops();
    return check_report("capacity");
}
