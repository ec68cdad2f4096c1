/* SPDX-License-Identifier: Apache-2.0
 * Every function with every bad argument: a documented status, nothing changed, nothing crashes; after a stop, and in a child of
 * fork(), too. Functions that cannot fail are at the end. */
#include "check.h"

#include <sys/wait.h>

static tg_coordinator *coordinator, *gone_coordinator;
static tg_operation *operation, *anchored, *gone_operation;
static tg_completion_queue *queue, *gone_queue;
static tg_subscription *subscription, *gone_subscription;
static tg_token *token;
static tg_context *stale_context;

static int32_t body(tg_context *context, void *argument, tg_result *result) {
    (void)argument, (void)result;
    stale_context = context;
    return 0;
}
static void on_settled(tg_token *settled, void *user_data) { (void)settled, (void)user_data; }
static void on_event(const tg_event *event, void *user_data) { (void)event, (void)user_data; }
static void on_record(const tg_execution_record *record, void *user_data) { (void)record, (void)user_data; }

/* Where results would be written. */
static tg_coordinator *out_coordinator;
static tg_operation *out_operation;
static tg_token *out_token;
static tg_subscription *out_subscription;
static char *out_text;
static tg_token_id out_id;
static tg_statistics out_statistics = TG_STATISTICS_INIT;
static tg_health out_health = TG_HEALTH_INIT;
static tg_completion out_completion;
static uint8_t bytes[64], seed[32];
static char hex[65];
static size_t out_size;
static uint64_t out_number;

/* Options, each with one thing wrong. */
static tg_config config_with(int which) {
    tg_config config = TG_CONFIG_INIT;
    static const uint8_t none[8], beyond[8] = {0, 0, 0, 0, 0, 0, 0, 128};
    switch (which) {
    case 0: config.struct_size = 0; break;
    case 1: config.struct_size = 7; break;
    case 2: config.struct_size = (size_t)-1; break;
    case 3: config.workers_per_core = 65; break;
    case 4: config.pin_mode = 4; break;
    case 5: config.pin_mode = -1; break;
    case 6: config.heavy_nice = 20; break;
    case 7: config.heavy_nice = -2; break;
    case 8: config.event_buffer = 1 << 25; break;
    case 9: config.storage_limit_slow = 65537; break;
    case 10: config.storage_limit_insane = UINT32_MAX; break;
    case 11: config.stack_size = 1; break;
    case 12: config.stack_size = UINT64_MAX; break;
    case 13: config.idle_thread_time = -1; break;
    case 14: config.anchor_idle_time = -2; break;
    case 15: config.anchor_idle_capacity = -2; break;
    case 16: config.anchor_idle_capacity = INT64_MAX; break;
    case 17: config.cpu_mask = none, config.cpu_mask_size = 8; break;
    case 18: config.cpu_mask = none, config.cpu_mask_size = 0; break;
    case 19: config.cpu_mask = beyond, config.cpu_mask_size = 8; break;
    case 20: config.cpu_mask = none, config.cpu_mask_size = (size_t)-1; break;
    case 21: config.cpu_mask_size = 8; break;
    case 22: config.capacity = -1; break;
    case 23: config.capacity = 1000000001; break;
    case 24: config.overload = 4; break;
    case 25: config.overload = -1; break;
    case 26: config.reserved = 1; break;
    case 27: config.aging_time = -2; break;
    case 28: config.aging_time = INT64_MIN; break;
    case 29: config.wait_cycle_time = -2; break;
    case 30: config.history_capacity = (1 << 24) + 1; break;
    case 31: config.history_capacity = UINT32_MAX; break;
    case 32: config.adaptation = 3; break;
    case 33: config.adaptation = -1; break;
    }
    return config;
}
enum { bad_configs = 34 };

static tg_operation_options operation_with(int which) {
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    static const char *const calls[] = {"a", NULL}, *const not_text[] = {"\xff"};
    static char many[300];
    static const char *const too_long[] = {many};
    memset(many, 'x', sizeof many - 1);
    switch (which) {
    case 0: options.struct_size = 0; break;
    case 1: options.weight = 4; break;
    case 2: options.weight = -1; break;
    case 3: options.storage = 5; break;
    case 4: options.anchor_mode = 3; break;
    case 5: options.ordered = 1; break;
    case 6: options.ordered = 2, options.anchor_mode = TG_ANCHOR_PER_CALL; break;
    case 7: options.anchor_mode = TG_ANCHOR_FIXED; break;
    case 8: options.anchor_mode = TG_ANCHOR_FIXED, options.anchor = "k"; break;
    case 9: options.anchor = "k", options.anchor_size = 1; break;
    case 10: options.anchor_mode = TG_ANCHOR_FIXED, options.anchor = "k", options.anchor_size = (size_t)-1; break;
    case 11: options.external_call_count = 1; break;
    case 12: options.external_calls = calls, options.external_call_count = 2; break;
    case 13: options.external_calls = not_text, options.external_call_count = 1; break;
    case 14: options.external_calls = too_long, options.external_call_count = 1; break;
    case 15: options.external_calls = calls, options.external_call_count = (size_t)-1; break;
    case 16:
        options.external_calls = calls, options.external_call_count = 1;
        options.anchor_mode = TG_ANCHOR_FIXED, options.anchor = "k", options.anchor_size = 1;
        break;
    case 17:
        options.external_calls = calls, options.external_call_count = 1, options.anchor_mode = TG_ANCHOR_PER_CALL;
        break;
    }
    return options;
}
static const tg_status operation_status[] = {
    TG_E_STRUCT_SIZE,      TG_E_INVALID_ARGUMENT, TG_E_INVALID_ARGUMENT, TG_E_INVALID_ARGUMENT, TG_E_INVALID_ARGUMENT,
    TG_E_INVALID_ARGUMENT, TG_E_INVALID_ARGUMENT, TG_E_NULL_ARGUMENT,    TG_E_INVALID_ARGUMENT, TG_E_INVALID_ARGUMENT,
    TG_E_INVALID_ARGUMENT, TG_E_NULL_ARGUMENT,    TG_E_NULL_ARGUMENT,    TG_E_INVALID_ARGUMENT,
    TG_E_INVALID_OPERATION_TYPE, TG_E_INVALID_ARGUMENT, TG_E_INVALID_ARGUMENT, TG_E_INVALID_ARGUMENT};

static void options(void) {
    /* A longer structure of a later version: accepted where the rest is zero. */
    struct {
        tg_config known;
        uint64_t later;
    } newer = {TG_CONFIG_INIT, 0};
    newer.known.struct_size = sizeof newer;
    NEED(tg_coordinator_create(&newer.known, &out_coordinator, NULL));
    NEED(tg_coordinator_destroy(out_coordinator, NULL));
    newer.later = 1;
    out_coordinator = NULL;
    CHECK_STATUS(TG_E_STRUCT_SIZE, tg_coordinator_create(&newer.known, &out_coordinator, NULL));
    /* Sizes that no version had would cut a field in two. */
    for (size_t size = 0; size < sizeof(tg_submit_options); size++) {
        tg_submit_options cut = TG_SUBMIT_OPTIONS_INIT;
        cut.struct_size = size;
        /* the first versions' */
        if (size == offsetof(tg_submit_options, place_timeout) || size == offsetof(tg_submit_options, delay)) continue;
        CHECK_STATUS(TG_E_STRUCT_SIZE, tg_submit(operation, bytes, &cut, &out_token, NULL));
    }
    /* What a program has that was built against the first version: nothing beyond its end is looked at, and there is a token. */
    tg_submit_options first = TG_SUBMIT_OPTIONS_INIT;
    first.struct_size = offsetof(tg_submit_options, place_timeout);
    first.place_timeout = -1;
    NEED(tg_submit(operation, bytes, &first, NULL, NULL));
    tg_config first_config = TG_CONFIG_INIT;
    first_config.struct_size = offsetof(tg_config, capacity);
    first_config.capacity = -1;
    NEED(tg_coordinator_create(&first_config, &out_coordinator, NULL));
    NEED(tg_coordinator_destroy(out_coordinator, NULL));
    /* The second version's. */
    first_config.capacity = 0;
    first_config.struct_size = offsetof(tg_config, aging_time);
    first_config.aging_time = first_config.wait_cycle_time = -2;
    first_config.history_capacity = UINT32_MAX;
    first_config.adaptation = 99;
    NEED(tg_coordinator_create(&first_config, &out_coordinator, NULL));
    NEED(tg_coordinator_destroy(out_coordinator, NULL));
    out_coordinator = NULL;
    tg_submit_options negative = TG_SUBMIT_OPTIONS_INIT;
    negative.place_timeout = -1;
    CHECK_STATUS(TG_E_INVALID_ARGUMENT, tg_submit(operation, bytes, &negative, &out_token, NULL));
    CHECK_STATUS(TG_E_INVALID_ARGUMENT, tg_submit_many(operation, NULL, 1, &negative, &out_token, NULL));
    for (size_t size = 0; size < sizeof(tg_config); size++) {
        tg_config cut = TG_CONFIG_INIT;
        cut.struct_size = size;
        if (size == offsetof(tg_config, capacity) || size == offsetof(tg_config, aging_time)) continue;
        CHECK_STATUS(TG_E_STRUCT_SIZE, tg_coordinator_create(&cut, &out_coordinator, NULL));
    }

    for (int i = 0; i < bad_configs; i++) {
        tg_config config = config_with(i);
        tg_error error = TG_ERROR_INIT;
        tg_status expected = i < 3 ? TG_E_STRUCT_SIZE : i == 21 ? TG_E_NULL_ARGUMENT : TG_E_INVALID_CONFIGURATION;
        CHECK_STATUS(expected, tg_coordinator_create(&config, &out_coordinator, &error));
        CHECK(out_coordinator == NULL && error.status == expected && strlen(error.message) > 5);
    }
    for (size_t i = 0; i < sizeof operation_status / sizeof *operation_status; i++) {
        tg_operation_options wrong = operation_with((int)i);
        tg_error error = TG_ERROR_INIT;
        CHECK_STATUS(
            operation_status[i], tg_operation_create(coordinator, "bad", body, &wrong, &out_operation, &error));
        CHECK(out_operation == NULL && error.status == operation_status[i] && strlen(error.message) > 5);
    }
    char too_long[300];
    memset(too_long, 'x', sizeof too_long);
    too_long[299] = 0;
    const char *names[] = {"", "\xff\xfe", too_long};
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(
            TG_E_INVALID_OPERATION_TYPE, tg_operation_create(coordinator, names[i], body, NULL, &out_operation, NULL));
        CHECK_STATUS(TG_E_INVALID_OPERATION_TYPE, tg_coordinator_pause(coordinator, names[i], NULL, NULL));
        CHECK_STATUS(TG_E_INVALID_OPERATION_TYPE, tg_coordinator_resume(coordinator, names[i], NULL, NULL));
        CHECK_STATUS(TG_E_INVALID_OPERATION_TYPE, tg_coordinator_kill(coordinator, names[i], NULL, NULL));
        CHECK_STATUS(TG_E_INVALID_OPERATION_TYPE, tg_coordinator_discard(coordinator, names[i], NULL, NULL));
    }
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    call.struct_size = 1;
    CHECK_STATUS(TG_E_STRUCT_SIZE, tg_submit(operation, NULL, &call, &out_token, NULL));
    CHECK_STATUS(TG_E_STRUCT_SIZE, tg_submit_many(operation, NULL, 1, &call, &out_token, NULL));
    call.struct_size = sizeof call;
    CHECK_STATUS(TG_E_NULL_ARGUMENT, tg_submit(anchored, NULL, &call, &out_token, NULL));
    call.anchor = "k";
    CHECK_STATUS(TG_E_INVALID_ARGUMENT, tg_submit(anchored, NULL, &call, &out_token, NULL));
    call.anchor_size = 1;
    CHECK_STATUS(TG_E_INVALID_ARGUMENT, tg_submit(operation, NULL, &call, &out_token, NULL));
    call.queue = gone_queue;
    CHECK_STATUS(TG_E_INVALID_HANDLE, tg_submit(anchored, NULL, &call, &out_token, NULL));
    call.queue = (tg_completion_queue *)(void *)coordinator;
    CHECK_STATUS(TG_E_INVALID_HANDLE, tg_submit(anchored, NULL, &call, &out_token, NULL));
    call.queue = NULL;
    call.on_settled = on_settled;
    CHECK_STATUS(TG_E_INVALID_ARGUMENT, tg_submit_many(anchored, NULL, 1, &call, &out_token, NULL));
    CHECK(out_token == NULL);
    /* A message that does not fit is cut off, and ends. */
    struct {
        size_t struct_size;
        tg_status status;
        int32_t body_status;
        char message[8];
        char untouched;
    } small = {24, 0, 0, "", 'u'};
    CHECK_STATUS(TG_E_NULL_ARGUMENT, tg_submit(NULL, NULL, NULL, NULL, (tg_error *)(void *)&small));
    CHECK(small.status == TG_E_NULL_ARGUMENT && strlen(small.message) == 7 && small.untouched == 'u');
    tg_error useless = {.struct_size = 0};
    CHECK_STATUS(TG_E_STRUCT_SIZE, tg_submit(operation, NULL, NULL, &out_token, &useless));
    CHECK(out_token == NULL && useless.status == TG_OK);
}

/* One call with one bad argument. */
typedef struct condition {
    const char *what;
    tg_status expected;
    tg_status (*call)(void);
} condition;

#define CALL(name, expression) \
    static tg_status name(void) { return (tg_status)(expression); }
/* CONDITIONS: the rows. */
#include "conditions.h"

#define DEFINE(number, status, expression) CALL(call_##number, expression)
CONDITIONS(DEFINE)
#define ROW(number, status, expression) {#expression, status, call_##number},
static const condition conditions[] = {CONDITIONS(ROW)};
enum { condition_count = sizeof conditions / sizeof *conditions };

/* Every row, or, in a child of fork(), the same rows with the one answer that is left. */
static void all(bool forked) {
    for (int i = 0; i < condition_count; i++) {
        tg_status expected = forked ? TG_E_FORKED : conditions[i].expected;
        tg_status status = conditions[i].call();
        check_count++;
        if (status != expected) {
            check_failures++;
            fprintf(stderr, "%s%s: %s instead of %s\n", forked ? "forked: " : "", conditions[i].what,
                    tg_status_name(status), tg_status_name(expected));
        }
    }
    CHECK(!out_operation && !out_token && !out_subscription && !out_text);
}

int main(void) {
    NEED(tg_coordinator_create(NULL, &coordinator, NULL));
    NEED(tg_coordinator_create(NULL, &gone_coordinator, NULL));
    NEED(tg_coordinator_destroy(gone_coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_operation_create(coordinator, "operation", body, NULL, &operation, NULL));
    NEED(tg_operation_create(coordinator, "operation", body, NULL, &gone_operation, NULL));
    NEED(tg_operation_destroy(gone_operation, NULL));
    tg_operation_options each = TG_OPERATION_OPTIONS_INIT;
    each.anchor_mode = TG_ANCHOR_PER_CALL;
    NEED(tg_operation_create(coordinator, "anchored", body, &each, &anchored, NULL));
    NEED(tg_completion_queue_create(&queue, NULL));
    NEED(tg_completion_queue_create(&gone_queue, NULL));
    NEED(tg_completion_queue_destroy(gone_queue, NULL));
    NEED(tg_coordinator_subscribe(coordinator, on_event, NULL, NULL, &subscription, NULL));
    NEED(tg_coordinator_subscribe(coordinator, on_event, NULL, NULL, &gone_subscription, NULL));
    NEED(tg_subscription_destroy(gone_subscription, NULL));
    NEED(tg_submit(operation, NULL, NULL, &token, NULL));
    NEED(tg_token_wait(token, TG_FOREVER, NULL, NULL));
    tg_statistics before = TG_STATISTICS_INIT, after = TG_STATISTICS_INIT;
    NEED(tg_coordinator_statistics(coordinator, &before, NULL));

    all(false);
    options();
    NEED(tg_coordinator_statistics(coordinator, &after, NULL));
    CHECK(before.submitted + 1 == after.submitted && after.phase == TG_PHASE_RUNNING);
    /* Outside of bodies there is no context, and one that is over is not that of a body that runs here. */
    CHECK(tg_context_current() == NULL && tg_context_user_data(NULL) == NULL);

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        all(true);
        _exit(check_failures ? 1 : 0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);

    /* After a stop the same arguments are as wrong, and the right ones say that it has stopped. */
    NEED(tg_coordinator_stop(coordinator, TG_SECOND, NULL, NULL));
    all(false);
    CHECK_STATUS(TG_E_STOPPED, tg_coordinator_start(coordinator, NULL));
    CHECK_STATUS(TG_OK, tg_coordinator_stop(coordinator, 0, NULL, NULL));
    tg_token *late;
    CHECK_STATUS(TG_OK, tg_submit(operation, NULL, NULL, &late, NULL));
    CHECK_STATUS(TG_E_STOPPED, tg_token_wait(late, TG_FOREVER, NULL, NULL));
    NEED(tg_token_release(late));
    CHECK_STATUS(TG_OK, tg_coordinator_pause(coordinator, NULL, NULL, NULL));
    CHECK_STATUS(TG_OK, tg_coordinator_kill(coordinator, NULL, NULL, NULL));

    NEED(tg_token_release(token));
    NEED(tg_subscription_destroy(subscription, NULL));
    NEED(tg_completion_queue_destroy(queue, NULL));
    NEED(tg_operation_destroy(operation, NULL));
    NEED(tg_operation_destroy(anchored, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    tg_string_free(NULL);
    /* Each status has words of its own. */
    for (tg_status i = TG_E_DEPENDENCY_FAILED; i <= TG_OK; i++) {
        CHECK(strncmp(tg_status_name(i), "TG_", 3) == 0 && strcmp(tg_status_name(i), "TG_E_UNKNOWN") != 0);
        CHECK(strlen(tg_status_message(i)) > 3);
    }
    CHECK(strcmp(tg_status_name(1), "TG_E_UNKNOWN") == 0 && strcmp(tg_status_name(INT32_MIN), "TG_E_UNKNOWN") == 0);
    CHECK(strcmp(tg_version_string(), TG_VERSION_STRING) == 0 && tg_abi() == TG_ABI);
    CHECK(tg_version_number() == TG_VERSION_MAJOR * 1000000 + TG_VERSION_MINOR * 1000 + TG_VERSION_PATCH);
    return check_report("bad arguments");
}
