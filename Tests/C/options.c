/* SPDX-License-Identifier: Apache-2.0
 * Retries, timeouts, delays, dependencies. No time decides: what is to time out stands at a gate, what is to wait is due in an hour. */
#include "calls.h"

/* ---- Retry ---- */

/* Fails until its third attempt, with a result each time. */
static int32_t third_time(tg_context *context, void *argument, tg_result *result) {
    int32_t attempt = tg_context_attempt(context);
    CHECK(attempt == ++*(int32_t *)argument && tg_context_user_data(context) == &runs);
    result->value.pointer = argument;
    result->destroy = count_destroyed;
    return attempt < 3 ? 40 + attempt : 0;
}

static atomic_int asked;
static int32_t unless_42(int32_t body_status, const tg_value *value, void *user_data) {
    int32_t attempt = *(int32_t *)value->pointer;
    CHECK(user_data == &runs && body_status == 40 + attempt);
    /* It belongs to no body, and may not wait. */
    tg_operation *operation = make("within a predicate", nothing, NULL);
    tg_token *token = submit(operation, NULL, NULL);
    CHECK(tg_context_current() == NULL);
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_token_wait(token, 0, NULL, NULL));
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(operation, NULL));
    atomic_fetch_add(&asked, 1);
    return body_status != 42;
}

static void argument_destroyed(void *pointer) { *(int32_t *)pointer = 1000; }

static void retries(void) {
    tg_retry_policy policy = TG_RETRY_POLICY_INIT;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    tg_error error = TG_ERROR_INIT;
    tg_value value;
    int32_t attempts = 0;
    options.retry = &policy;
    options.user_data = &runs;
    policy.back_off = TG_BACK_OFF_NONE;
    call.destroy_argument = argument_destroyed;
    atomic_store(&destroyed, 0);
    atomic_store(&runs, 0);

    /* Until it returns 0. The argument is kept for all attempts and no longer, results of attempts that failed are destroyed. */
    tg_operation *third = make("third time", third_time, &options);
    tg_token *token = submit(third, &attempts, &call);
    CHECK_STATUS(TG_OK, tg_token_wait(token, TG_FOREVER, &value, NULL));
    CHECK(attempts == 1000 && value.pointer == &attempts && tg_token_attempts(token) == 3);
    EVENTUALLY(atomic_load(&destroyed) == 2);
    CHECK(atomic_load(&destroyed) == 2);
    NEED(tg_token_release(token));
    EVENTUALLY(atomic_load(&destroyed) == 3);
    CHECK(atomic_load(&destroyed) == 3);
    NEED(tg_operation_destroy(third, NULL));

    /* Until the predicate says no. */
    policy.is_retryable = unless_42;
    attempts = 0;
    third = make("third time", third_time, &options);
    token = submit(third, &attempts, NULL);
    CHECK_STATUS(TG_E_BODY_FAILED, tg_token_wait(token, TG_FOREVER, &value, &error));
    CHECK(error.body_status == 42 && value.pointer == &attempts && tg_token_attempts(token) == 2);
    CHECK(atomic_load(&asked) == 2);
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(third, NULL));

    /* Until there are no attempts left: nobody is asked after the last. */
    policy.attempts = 2;
    policy.is_retryable = NULL;
    int32_t nine = 9;
    tg_operation *failing = make("failing", answer, &options);
    token = submit(failing, &nine, NULL);
    CHECK_STATUS(TG_E_BODY_FAILED, tg_token_wait(token, TG_FOREVER, NULL, &error));
    CHECK(error.body_status == 9 && atomic_load(&runs) == 2 && tg_token_attempts(token) == 2);
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(failing, NULL));

    /* Until the deadline: the second attempt would begin after it. */
    policy.back_off = TG_BACK_OFF_CONSTANT;
    policy.delay = HOUR;
    policy.jitter = TG_NONE;
    policy.deadline = HOUR / 2;
    failing = make("failing", answer, &options);
    token = submit(failing, &nine, NULL);
    CHECK_STATUS(TG_E_BODY_FAILED, tg_token_wait(token, TG_FOREVER, NULL, &error));
    CHECK(atomic_load(&runs) == 3 && tg_token_attempts(token) == 1);
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(failing, NULL));

    /* Until it is killed: between two attempts, which takes no worker. */
    policy.deadline = 0;
    failing = make("failing", answer, &options);
    tg_token *waiting[64];
    for (int i = 0; i < 64; i++) waiting[i] = submit(failing, &nine, NULL);
    EVENTUALLY(atomic_load(&runs) == 3 + 64);
    CHECK_STATUS(TG_OK, end_of(submit(third = make("third time", nothing, NULL), NULL, NULL), NULL));
    for (int i = 0; i < 64; i++) {
        CHECK(tg_token_state(waiting[i]) == TG_STATE_EXECUTING);
        NEED(tg_token_kill(waiting[i], NULL));
        CHECK_STATUS(TG_E_KILLED, tg_token_result(waiting[i], NULL, NULL));
        CHECK(tg_token_attempts(waiting[i]) == 1);
    }
    NEED(tg_token_release_many(waiting, 64));
    NEED(tg_operation_destroy(third, NULL));
    NEED(tg_operation_destroy(failing, NULL));
    CHECK(atomic_load(&runs) == 3 + 64);
}

/* A body that is tried again waits for what it submits, with all workers busy doing so. */
static tg_operation *inner;
static int32_t wait_inside(tg_context *context, void *argument, tg_result *result) {
    (void)argument, (void)result;
    CHECK_STATUS(TG_OK, end_of(submit(inner, NULL, NULL), NULL));
    CHECK(tg_context_current() == context);
    return tg_context_attempt(context) < 2 ? 1 : 0;
}

static void retries_that_wait(void) {
    tg_retry_policy policy = TG_RETRY_POLICY_INIT;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    policy.delay = policy.longest_delay = 1;
    options.retry = &policy;
    inner = make("inner", nothing, NULL);
    tg_operation *outer = make("outer", wait_inside, &options);
    tg_token *tokens[50];
    NEED(tg_submit_many(outer, NULL, 50, NULL, tokens, NULL));
    for (int i = 0; i < 50; i++) {
        CHECK_STATUS(TG_OK, tg_token_wait(tokens[i], TG_FOREVER, NULL, NULL));
        CHECK(tg_token_attempts(tokens[i]) == 2);
    }
    NEED(tg_token_release_many(tokens, 50));
    NEED(tg_operation_destroy(outer, NULL));
    NEED(tg_operation_destroy(inner, NULL));
}

/* ---- Time ---- */

static int32_t stand_until_cancelled(tg_context *context, void *argument, tg_result *result) {
    (void)result;
    CHECK(tg_context_time_left(context) >= 0 && tg_context_time_left(context) < TG_FOREVER);
    EVENTUALLY(tg_context_is_cancelled(context) == 1);
    CHECK(tg_context_is_cancelled(context) == 1 && tg_context_time_left(context) == 0);
    gate_pass(argument);
    return 0;
}

static int32_t no_limit(tg_context *context, void *argument, tg_result *result) {
    (void)argument, (void)result;
    return tg_context_time_left(context) == TG_FOREVER && tg_context_attempt(context) == 1 ? 0 : 1;
}

static void timeouts(void) {
    gate door = {0};
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    tg_error error = TG_ERROR_INIT;

    options.run_timeout = TG_MILLISECOND;
    tg_operation *slow = make("slow", stand_until_cancelled, &options);
    call.destroy_argument = count_destroyed;
    atomic_store(&destroyed, 0);
    tg_token *token = submit(slow, &door, &call);
    call.destroy_argument = NULL;
    CHECK_STATUS(TG_E_TIMED_OUT, tg_token_wait(token, TG_FOREVER, NULL, &error));
    CHECK(tg_token_attempts(token) == 1 && tg_token_state(token) == TG_STATE_TIMED_OUT && strlen(error.message) > 5);
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(slow, NULL));
    gate_await(&door, 1);
    /* The body has its argument until it returns. */
    CHECK(atomic_load(&destroyed) == 0);
    gate_open(&door);
    EVENTUALLY(atomic_load(&destroyed) == 1);
    CHECK(atomic_load(&destroyed) == 1);

    options.run_timeout = 0;
    options.queue_timeout = TG_MILLISECOND;
    int before = atomic_load(&runs);
    tg_operation *late = make("late", answer, &options);
    NEED(tg_coordinator_pause(coordinator, "late", NULL, NULL));
    token = submit(late, NULL, NULL);
    CHECK_STATUS(TG_E_TIMED_OUT, tg_token_wait(token, TG_FOREVER, NULL, NULL));
    CHECK(tg_token_attempts(token) == 0);
    NEED(tg_token_release(token));
    NEED(tg_coordinator_resume(coordinator, "late", NULL, NULL));
    NEED(tg_operation_destroy(late, NULL));

    /* Of the operation, wherever the token is; of the call; the shorter holds. */
    options.queue_timeout = 0;
    options.timeout = TG_MILLISECOND;
    call.delay = HOUR;
    late = make("late", answer, &options);
    CHECK_STATUS(TG_E_TIMED_OUT, end_of(submit(late, NULL, &call), NULL));
    call.timeout = HOUR;
    CHECK_STATUS(TG_E_TIMED_OUT, end_of(submit(late, NULL, &call), NULL));
    NEED(tg_operation_destroy(late, NULL));
    options.timeout = HOUR;
    call.timeout = 1;
    late = make("late", answer, &options);
    CHECK_STATUS(TG_E_TIMED_OUT, end_of(submit(late, NULL, &call), NULL));
    NEED(tg_operation_destroy(late, NULL));
    CHECK(atomic_load(&runs) == before);

    /* None. */
    tg_operation *plain = make("plain", no_limit, NULL);
    CHECK_STATUS(TG_OK, end_of(submit(plain, NULL, NULL), NULL));
    NEED(tg_operation_destroy(plain, NULL));
}

static void delays(void) {
    tg_operation *operation = make("delayed", answer, NULL);
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    int32_t before = atomic_load(&runs);
    call.delay = HOUR;
    call.destroy_argument = count_destroyed;
    atomic_store(&destroyed, 0);
    int32_t zero = 0;
    tg_token *later = submit(operation, &zero, &call), *never;
    call.delay = TG_FOREVER;
    never = submit(operation, &zero, &call);
    CHECK_STATUS(TG_OK, end_of(submit(operation, NULL, NULL), NULL));
    CHECK(tg_token_state(later) == TG_STATE_WAITING && tg_token_state(never) == TG_STATE_WAITING);
    NEED(tg_token_kill(later, NULL));
    uint64_t settled = 0;
    NEED(tg_coordinator_discard(coordinator, "delayed", &settled, NULL));
    CHECK(settled == 1);
    CHECK_STATUS(TG_E_KILLED, end_of(later, NULL));
    CHECK_STATUS(TG_E_DISCARDED, end_of(never, NULL));
    call.delay = TG_MILLISECOND;
    CHECK_STATUS(TG_OK, end_of(submit(operation, &zero, &call), NULL));
    CHECK(atomic_load(&runs) == before + 2);
    EVENTUALLY(atomic_load(&destroyed) == 3);
    CHECK(atomic_load(&destroyed) == 3);
    NEED(tg_operation_destroy(operation, NULL));

    /* The key of an anchor is looked at during the call only. */
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    options.anchor_mode = TG_ANCHOR_PER_CALL;
    options.ordered = 1;
    operation = make("delayed and anchored", answer, &options);
    call.anchor = strdup("somebody");
    call.anchor_size = 8;
    tg_token *token = submit(operation, &zero, &call);
    free((void *)(uintptr_t)call.anchor);
    CHECK_STATUS(TG_OK, end_of(token, NULL));
    NEED(tg_operation_destroy(operation, NULL));
}

/* ---- Order ---- */

static void dependencies(void) {
    gate door = {0};
    tg_operation *standing = make("standing", stand, NULL), *after = make("after", answer, NULL);
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    tg_error error = TG_ERROR_INIT;
    int before = atomic_load(&runs);
    int32_t seven = 7;

    tg_token *first = submit(standing, &door, NULL), *second;
    call.after = &first, call.after_count = 1;
    second = submit(after, NULL, &call);
    /* The references are the caller's; the dependent has its own. */
    NEED(tg_token_release(first));
    call.after = &second;
    tg_token *many[3];
    NEED(tg_submit_many(after, NULL, 3, &call, many, NULL));
    gate_await(&door, 1);
    CHECK(tg_token_state(second) == TG_STATE_WAITING && tg_token_state(many[2]) == TG_STATE_WAITING);
    CHECK(atomic_load(&runs) == before);
    gate_open(&door);
    NEED(tg_token_wait_all(many, 3, TG_FOREVER, NULL));
    CHECK(tg_token_state(second) == TG_STATE_COMPLETED && atomic_load(&runs) == before + 4);
    NEED(tg_token_release_many(many, 3));
    NEED(tg_token_release(second));

    /* One that failed: those after it never run, and tell what began it; unless they run all the same. */
    tg_token *failed = submit(after, &seven, NULL), *chain[2];
    call.after = &failed;
    chain[0] = submit(after, NULL, &call);
    call.after = &chain[0];
    chain[1] = submit(after, NULL, &call);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(TG_E_DEPENDENCY_FAILED, tg_token_wait(chain[i], TG_FOREVER, NULL, &error));
        CHECK(error.cause == TG_E_BODY_FAILED && error.body_status == 7 && strstr(error.message, "\"after\"") != NULL);
        CHECK(tg_token_attempts(chain[i]) == 0);
    }
    call.after = chain, call.after_count = 2;
    call.after_failure = TG_AFTER_FAILURE_RUN;
    CHECK_STATUS(TG_OK, end_of(submit(after, NULL, &call), NULL));
    call.after_failure = TG_AFTER_FAILURE_FAIL;
    NEED(tg_token_release(failed));
    NEED(tg_token_release_many(chain, 2));

    /* One that was killed. */
    tg_submit_options hour = TG_SUBMIT_OPTIONS_INIT;
    hour.delay = HOUR;
    tg_token *killed = submit(after, NULL, &hour);
    call.after = &killed, call.after_count = 1;
    second = submit(after, NULL, &call);
    NEED(tg_token_kill(killed, NULL));
    CHECK_STATUS(TG_E_DEPENDENCY_FAILED, tg_token_wait(second, TG_FOREVER, NULL, &error));
    CHECK(error.cause == TG_E_KILLED && error.body_status == 0);
    NEED(tg_token_release(killed));
    NEED(tg_token_release(second));
    /* A cause goes with its error. */
    CHECK_STATUS(TG_E_NULL_ARGUMENT, tg_token_wait(NULL, 0, NULL, &error));
    CHECK(error.cause == TG_OK);
    CHECK(atomic_load(&runs) == before + 6);
    NEED(tg_operation_destroy(standing, NULL));
    NEED(tg_operation_destroy(after, NULL));
}

/* ---- Endings ---- */

static int32_t always(int32_t body_status, const tg_value *value, void *user_data) {
    (void)body_status, (void)value;
    return user_data != NULL;
}

/* What was handed over is destroyed once, whatever options had to do with it. */
static void endings(void) {
    tg_retry_policy retry = TG_RETRY_POLICY_INIT;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    int32_t seven = 7;
    retry.back_off = TG_BACK_OFF_NONE;
    retry.is_retryable = always;
    options.retry = &retry;
    options.user_data = &seven;
    options.destroy_user_data = count_destroyed;
    atomic_store(&destroyed, 0);
    tg_operation *failing = make("ending", answer, &options);
    tg_token *failed = submit(failing, &seven, NULL), *dependent;
    call.after = &failed, call.after_count = 1;
    call.destroy_argument = count_destroyed;
    dependent = submit(failing, &seven, &call);
    NEED(tg_operation_destroy(failing, NULL));
    CHECK_STATUS(TG_E_BODY_FAILED, tg_token_wait(failed, TG_FOREVER, NULL, NULL));
    CHECK(tg_token_attempts(failed) == 3);
    CHECK_STATUS(TG_E_DEPENDENCY_FAILED, end_of(dependent, NULL));
    NEED(tg_token_release(failed));
    EVENTUALLY(atomic_load(&destroyed) == 2);
    CHECK(atomic_load(&destroyed) == 2);

    /* A stop that gives up settles what is due later, and what comes after that. */
    tg_coordinator *outer = coordinator;
    begin();
    tg_operation *operation = make("left over", answer, NULL);
    tg_submit_options hour = TG_SUBMIT_OPTIONS_INIT;
    hour.delay = HOUR;
    hour.destroy_argument = count_destroyed;
    tg_token *late = submit(operation, &seven, &hour), *after_late;
    call.after = &late;
    after_late = submit(operation, &seven, &call);
    tg_stop_report report = TG_STOP_REPORT_INIT;
    NEED(tg_coordinator_stop(coordinator, 0, &report, NULL));
    CHECK(report.abandoned >= 1 && report.abandoned_executing == 0);
    CHECK_STATUS(TG_E_STOPPED, tg_token_result(late, NULL, NULL));
    tg_status status = tg_token_wait(after_late, TG_FOREVER, NULL, NULL);
    CHECK(status == TG_E_STOPPED || status == TG_E_DEPENDENCY_FAILED);
    NEED(tg_token_release(late));
    NEED(tg_token_release(after_late));
    NEED(tg_operation_destroy(operation, NULL));
    end();
    coordinator = outer;
    EVENTUALLY(atomic_load(&destroyed) == 4);
    CHECK(atomic_load(&destroyed) == 4);
}

/* A lead that is tried again submits what is due later, and waits for it. */
static int32_t lead(tg_context *context, void *argument, tg_result *result) {
    uint8_t own[32], child[32];
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    tg_token *first, *second;
    (void)argument, (void)result;
    NEED(tg_context_get_seed(context, own));
    call.delay = 1;
    call.key = "of the lead", call.key_size = 11;
    NEED(tg_submit(inner, NULL, &call, &first, NULL));
    call.after = &first, call.after_count = 1;
    call.key = NULL, call.key_size = 0;
    NEED(tg_submit(inner, NULL, &call, &second, NULL));
    CHECK_STATUS(TG_OK, tg_token_wait(second, TG_FOREVER, NULL, NULL));
    NEED(tg_token_get_seed(second, child));
    CHECK(memcmp(own, child, sizeof own) == 0);
    NEED(tg_token_release(first));
    NEED(tg_token_release(second));
    return tg_context_attempt(context) < 3 ? 1 : 0;
}

static void leads(void) {
    const char *calls[] = {"inner"};
    tg_retry_policy retry = TG_RETRY_POLICY_INIT;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    retry.back_off = TG_BACK_OFF_NONE;
    options.retry = &retry;
    options.external_calls = calls, options.external_call_count = 1;
    inner = make("inner", nothing, NULL);
    tg_operation *operation = make("lead", lead, &options);
    tg_token *tokens[20];
    NEED(tg_submit_many(operation, NULL, 20, NULL, tokens, NULL));
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(TG_OK, tg_token_wait(tokens[i], TG_FOREVER, NULL, NULL));
        CHECK(tg_token_attempts(tokens[i]) == 3);
    }
    NEED(tg_token_release_many(tokens, 20));
    NEED(tg_operation_destroy(operation, NULL));
    NEED(tg_operation_destroy(inner, NULL));
}

int main(void) {
    begin();
    leads();
    endings();
    retries();
    retries_that_wait();
    timeouts();
    delays();
    dependencies();
    end();
    return check_report("options");
}
