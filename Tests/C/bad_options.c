/* SPDX-License-Identifier: Apache-2.0
 * Every wrong value in the options of operations and calls that ask for more than a place to run: a documented status, a message that
 * names the value, nothing changed. */
#include "check.h"

#include <math.h>

static tg_coordinator *coordinator;
static tg_operation *operation;
static atomic_int destroyed;

static void destroy(void *pointer) {
    (void)pointer;
    destroyed++;
}
static int32_t body(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    return 0;
}

static void refuse_operation(tg_operation_options *options, tg_status expected, const char *names, int line) {
    tg_operation *out = NULL;
    tg_error error = TG_ERROR_INIT;
    int before = atomic_load(&destroyed);
    options->user_data = &destroyed;
    options->destroy_user_data = destroy;
    tg_status status = tg_operation_create(coordinator, "bad", body, options, &out, &error);
    check_count++;
    /* Where nothing can be read of a structure there is nothing to destroy; the outer one can be read here. */
    if (status == expected && error.status == expected && out == NULL && strstr(error.message, names) != NULL &&
        atomic_load(&destroyed) == before + 1)
        return;
    check_failures++;
    fprintf(stderr, "line %d: %s instead of %s: %s\n", line, tg_status_name(status), tg_status_name(expected), error.message);
}

#define BAD_OPERATION(expected, names, ...)                               \
    do {                                                                  \
        tg_operation_options options = TG_OPERATION_OPTIONS_INIT;         \
        tg_retry_policy retry = TG_RETRY_POLICY_INIT;                     \
        tg_rate_limit rate = TG_RATE_LIMIT_INIT;                          \
        tg_circuit_breaker breaker = TG_CIRCUIT_BREAKER_INIT;             \
        (void)retry, (void)rate, (void)breaker;                           \
        __VA_ARGS__;                                                      \
        refuse_operation(&options, expected, names, __LINE__);            \
    } while (0)

static void operations(void) {
    const tg_status wrong = TG_E_INVALID_ARGUMENT, size = TG_E_STRUCT_SIZE;
    BAD_OPERATION(wrong, "timeout -1", options.timeout = -1);
    BAD_OPERATION(wrong, "timeout -9223372036854775808", options.timeout = INT64_MIN);
    BAD_OPERATION(wrong, "queue_timeout -2", options.queue_timeout = -2);
    BAD_OPERATION(wrong, "run_timeout -3", options.run_timeout = -3);

    BAD_OPERATION(size, "struct_size 0", options.retry = &retry; retry.struct_size = 0);
    BAD_OPERATION(size, "struct_size 63", options.retry = &retry; retry.struct_size = sizeof retry - 1);
    BAD_OPERATION(size, "struct_size", options.retry = &retry; retry.struct_size = (size_t)-1);
    BAD_OPERATION(wrong, "attempts -1", options.retry = &retry; retry.attempts = -1);
    BAD_OPERATION(wrong, "attempts 1001", options.retry = &retry; retry.attempts = 1001);
    BAD_OPERATION(wrong, "back_off 4", options.retry = &retry; retry.back_off = 4);
    BAD_OPERATION(wrong, "back_off -1", options.retry = &retry; retry.back_off = -1);
    BAD_OPERATION(wrong, "is negative", options.retry = &retry; retry.back_off = TG_BACK_OFF_CONSTANT; retry.delay = -5);
    BAD_OPERATION(wrong, "is not positive", options.retry = &retry; retry.delay = -5);
    BAD_OPERATION(wrong, "delay 5", options.retry = &retry; retry.back_off = TG_BACK_OFF_NONE; retry.delay = 5);
    BAD_OPERATION(wrong, "longest_delay 5", options.retry = &retry; retry.back_off = TG_BACK_OFF_CONSTANT; retry.longest_delay = 5);
    BAD_OPERATION(wrong, "factor 2.0", options.retry = &retry; retry.back_off = TG_BACK_OFF_CONSTANT; retry.factor = 2);
    BAD_OPERATION(wrong, "is below the first", options.retry = &retry; retry.delay = 60 * TG_SECOND);
    BAD_OPERATION(wrong, "is below the first", options.retry = &retry; retry.longest_delay = -1);
    BAD_OPERATION(wrong, "factor 0.5", options.retry = &retry; retry.factor = 0.5);
    BAD_OPERATION(wrong, "factor nan", options.retry = &retry; retry.factor = (double)NAN);
    BAD_OPERATION(wrong, "factor inf", options.retry = &retry; retry.factor = (double)INFINITY);
    BAD_OPERATION(wrong, "jitter 1.5", options.retry = &retry; retry.jitter = 1.5);
    BAD_OPERATION(wrong, "jitter -2.0", options.retry = &retry; retry.jitter = -2);
    BAD_OPERATION(wrong, "jitter nan", options.retry = &retry; retry.jitter = (double)NAN);
    BAD_OPERATION(wrong, "deadline -7", options.retry = &retry; retry.deadline = -7);

    BAD_OPERATION(size, "struct_size 8", options.rate = &rate; rate.struct_size = 8);
    BAD_OPERATION(wrong, "perSecond 0.0", options.rate = &rate);
    BAD_OPERATION(wrong, "perSecond -1.0", options.rate = &rate; rate.per_second = -1);
    BAD_OPERATION(wrong, "perSecond inf", options.rate = &rate; rate.per_second = (double)INFINITY);
    BAD_OPERATION(wrong, "perSecond nan", options.rate = &rate; rate.per_second = (double)NAN);
    BAD_OPERATION(wrong, "perSecond 2000000000.0", options.rate = &rate; rate.per_second = 2e9);
    BAD_OPERATION(wrong, "burst -1", options.rate = &rate; rate.per_second = 1; rate.burst = -1);
    BAD_OPERATION(wrong, "burst 1000001", options.rate = &rate; rate.per_second = 1; rate.burst = 1000001);
    BAD_OPERATION(wrong, "reserved 1", options.rate = &rate; rate.per_second = 1; rate.reserved = 1);

    BAD_OPERATION(wrong, "priority 4", options.priority = 4);
    BAD_OPERATION(wrong, "priority -1", options.priority = -1);
    BAD_OPERATION(wrong, "concurrency -1", options.concurrency = TG_NONE);
    BAD_OPERATION(wrong, "concurrency 65537", options.concurrency = 65537);
    BAD_OPERATION(wrong, "capacity -1", options.capacity = -1);
    BAD_OPERATION(wrong, "capacity 1000000001", options.capacity = 1000000001);
    BAD_OPERATION(wrong, "capacity 9223372036854775807", options.capacity = INT64_MAX);
    BAD_OPERATION(wrong, "overload 4", options.capacity = 1; options.overload = 4);
    BAD_OPERATION(wrong, "overload -1", options.capacity = 1; options.overload = -1);
    BAD_OPERATION(wrong, "overload 2 is given, but no capacity", options.overload = TG_OVERLOAD_REJECT);
    BAD_OPERATION(wrong, "anchor_at_once 1 without an anchor", options.anchor_at_once = 1);
    BAD_OPERATION(wrong, "tOnce -1", options.anchor_mode = TG_ANCHOR_PER_CALL; options.anchor_at_once = -1);
    BAD_OPERATION(wrong, "tOnce 65536", options.anchor_mode = TG_ANCHOR_PER_CALL; options.anchor_at_once = 65536);

    BAD_OPERATION(size, "struct_size 39", options.breaker = &breaker; breaker.struct_size = sizeof breaker - 1);
    BAD_OPERATION(wrong, "failureRate 1.0", options.breaker = &breaker; breaker.failure_rate = 1);
    BAD_OPERATION(wrong, "failureRate -2.0", options.breaker = &breaker; breaker.failure_rate = -2);
    BAD_OPERATION(wrong, "failureRate nan", options.breaker = &breaker; breaker.failure_rate = (double)NAN);
    BAD_OPERATION(wrong, "minimumRuns -1", options.breaker = &breaker; breaker.minimum_runs = -1);
    BAD_OPERATION(wrong, "minimumRuns 1000001", options.breaker = &breaker; breaker.minimum_runs = 1000001);
    BAD_OPERATION(wrong, "probes -1", options.breaker = &breaker; breaker.probes = -1);
    BAD_OPERATION(wrong, "probes 1001", options.breaker = &breaker; breaker.probes = 1001);
    BAD_OPERATION(wrong, "window", options.breaker = &breaker; breaker.window = -1);
    BAD_OPERATION(wrong, "cool-down", options.breaker = &breaker; breaker.cool_down = -1);
}

static void refuse_call(tg_submit_options *options, tg_status expected, const char *names, int line) {
    tg_token *out[2] = {NULL, NULL};
    tg_error error = TG_ERROR_INIT, many = TG_ERROR_INIT;
    int before = atomic_load(&destroyed);
    options->destroy_argument = destroy;
    tg_status status = tg_submit(operation, &destroyed, options, out, &error);
    void *arguments[] = {&destroyed, &destroyed};
    tg_status second = tg_submit_many(operation, arguments, 2, options, out, &many);
    check_count++;
    if (status == expected && second == expected && error.status == expected && out[0] == NULL && out[1] == NULL &&
        strstr(error.message, names) != NULL && atomic_load(&destroyed) == before + 3)
        return;
    check_failures++;
    fprintf(stderr, "line %d: %s, %s instead of %s: %s\n", line, tg_status_name(status), tg_status_name(second),
            tg_status_name(expected), error.message);
}

#define BAD_CALL(expected, names, ...)                            \
    do {                                                          \
        tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;       \
        __VA_ARGS__;                                              \
        refuse_call(&options, expected, names, __LINE__);         \
    } while (0)

static void calls(tg_token *token) {
    const tg_status wrong = TG_E_INVALID_ARGUMENT, null = TG_E_NULL_ARGUMENT, handle = TG_E_INVALID_HANDLE;
    tg_token *tokens[] = {token, NULL}, *others[] = {token, (tg_token *)(void *)operation};
    BAD_CALL(wrong, "delay -1", options.delay = -1);
    BAD_CALL(wrong, "timeout -1", options.timeout = -1);
    BAD_CALL(null, "key, with a key_size of 3", options.key_size = 3);
    BAD_CALL(null, "after, with an after_count of 2", options.after_count = 2);
    BAD_CALL(null, "after[1]", options.after = tokens; options.after_count = 2);
    BAD_CALL(handle, "is no token", options.after = others; options.after_count = 2);
    BAD_CALL(wrong, "after_count 18446744073709551615", options.after = tokens; options.after_count = (size_t)-1);
    BAD_CALL(wrong, "after_failure 3", options.after_failure = 3);
    BAD_CALL(wrong, "after_failure -1", options.after_failure = -1);
    BAD_CALL(wrong, "reserved 9", options.reserved = 9);
    /* For several calls a key is wrong by itself. */
    BAD_CALL(wrong, "key_size 0", options.key = "");
    BAD_CALL(wrong, "key_size 1025", options.key = tokens; options.key_size = 1025);
    BAD_CALL(wrong, "key_size 18446744073709551615", options.key = tokens; options.key_size = (size_t)-1);
    tg_submit_options keyed = TG_SUBMIT_OPTIONS_INIT;
    tg_error error = TG_ERROR_INIT;
    tg_token *out = NULL;
    keyed.key = "abc", keyed.key_size = 3;
    CHECK_STATUS(wrong, tg_submit_many(operation, NULL, 1, &keyed, &out, &error));
    CHECK(out == NULL && strstr(error.message, "a key, of 3 bytes") != NULL);
}

/* What programs have that were built against earlier versions: nothing beyond its end is looked at. */
static void earlier(tg_token *token) {
    tg_operation_options first = TG_OPERATION_OPTIONS_INIT;
    tg_operation *made = NULL;
    first.struct_size = offsetof(tg_operation_options, timeout);
    first.timeout = first.run_timeout = -1;
    first.retry = (tg_retry_policy *)(void *)1;
    NEED(tg_operation_create(coordinator, "earlier", body, &first, &made, NULL));
    NEED(tg_operation_destroy(made, NULL));
    /* The second version's. */
    first.timeout = first.run_timeout = 0;
    first.retry = NULL;
    first.struct_size = offsetof(tg_operation_options, priority);
    first.priority = first.overload = first.concurrency = first.anchor_at_once = -1;
    first.capacity = -1;
    NEED(tg_operation_create(coordinator, "earlier", body, &first, &made, NULL));
    NEED(tg_operation_destroy(made, NULL));
    for (size_t size = sizeof(size_t); size < sizeof first; size++) {
        first.struct_size = size;
        if (size == offsetof(tg_operation_options, timeout) || size == offsetof(tg_operation_options, priority)) continue;
        CHECK_STATUS(TG_E_STRUCT_SIZE, tg_operation_create(coordinator, "earlier", body, &first, &made, NULL));
    }
    tg_submit_options second = TG_SUBMIT_OPTIONS_INIT;
    second.struct_size = offsetof(tg_submit_options, delay);
    second.delay = second.timeout = -1;
    second.after_count = (size_t)-1;
    tg_token *done;
    NEED(tg_submit(operation, NULL, &second, &done, NULL));
    CHECK_STATUS(TG_OK, tg_token_wait(done, TG_FOREVER, NULL, NULL));
    NEED(tg_token_release(done));
    /* An error of the first version has no room for a cause. */
    struct {
        tg_error known;
        char untouched[8];
    } old = {TG_ERROR_INIT, "is kept"};
    old.known.struct_size = offsetof(tg_error, cause);
    old.known.cause = 77;
    tg_submit_options dependent = TG_SUBMIT_OPTIONS_INIT;
    dependent.after = &token, dependent.after_count = 1;
    tg_token *never;
    NEED(tg_submit(operation, NULL, &dependent, &never, NULL));
    CHECK_STATUS(TG_E_DEPENDENCY_FAILED, tg_token_wait(never, TG_FOREVER, NULL, &old.known));
    CHECK(old.known.cause == 77 && memcmp(old.untouched, "is kept", 8) == 0 && strlen(old.known.message) < 240);
    NEED(tg_token_release(never));
}

int main(void) {
    NEED(tg_coordinator_create(NULL, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_operation_create(coordinator, "operation", body, NULL, &operation, NULL));
    tg_submit_options never = TG_SUBMIT_OPTIONS_INIT;
    never.delay = TG_FOREVER;
    tg_token *token;
    NEED(tg_submit(operation, NULL, &never, &token, NULL));
    NEED(tg_token_kill(token, NULL));
    tg_statistics before = TG_STATISTICS_INIT, after = TG_STATISTICS_INIT;
    NEED(tg_coordinator_statistics(coordinator, &before, NULL));
    operations();
    calls(token);
    NEED(tg_coordinator_statistics(coordinator, &after, NULL));
    CHECK(before.submitted == after.submitted);
    earlier(token);
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(operation, NULL));
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    return check_report("bad options");
}
