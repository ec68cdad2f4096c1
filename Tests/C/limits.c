/* SPDX-License-Identifier: Apache-2.0
 * Keys, rates, breakers, blocks, health, how many at once and alive, priorities. No time decides, as in options.c. */
#include "calls.h"

/* ---- Keys ---- */

static void count_settled(tg_token *token, void *user_data) {
    (void)token;
    atomic_fetch_add((atomic_int *)user_data, 1);
}

static bool is_same(tg_token *left, tg_token *right) {
    tg_token_id one, other;
    NEED(tg_token_get_id(left, &one));
    NEED(tg_token_get_id(right, &other));
    return one.origin == other.origin && one.sequence == other.sequence;
}

static void keys(void) {
    gate door = {0};
    atomic_int settled = 0;
    static uint8_t longest[1024];
    tg_operation *standing = make("standing", stand, NULL);
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    memset(longest, 0xff, sizeof longest);
    atomic_store(&destroyed, 0);
    NEED(tg_completion_queue_create(&call.queue, NULL));
    call.destroy_argument = count_destroyed;
    call.on_settled = count_settled;
    call.user_data = &settled;
    call.key = "two\0words\xc3\xa9", call.key_size = 11;
    call.tag = longest;
    tg_token *first = submit(standing, &door, &call);
    gate_await(&door, 1);
    call.tag = longest + 1;
    tg_token *second = submit(standing, &door, &call);
    /* The call is a reference to the live token; its argument has gone, its callback and its place in the queue have not. */
    CHECK(is_same(first, second) && atomic_load(&destroyed) == 1);
    /* Bytes are what they are: these would be equal as text. */
    call.key = "two\0words\x65\xcc\x81", call.key_size = 12;
    call.tag = NULL;
    tg_token *third = submit(standing, &door, &call);
    call.key = longest, call.key_size = sizeof longest;
    tg_token *fourth = submit(standing, &door, &call), *fifth = submit(standing, &door, &call);
    CHECK(!is_same(first, third) && !is_same(first, fourth) && is_same(fourth, fifth));
    gate_open(&door);
    tg_token *all[] = {first, second, third, fourth, fifth};
    NEED(tg_token_wait_all(all, 5, TG_FOREVER, NULL));
    tg_completion completions[8];
    int taken = 0, tagged = 0;
    while (taken < 5) {
        size_t count = 0;
        NEED(tg_completion_queue_take(call.queue, completions, 8, TG_FOREVER, &count, NULL));
        for (size_t i = 0; i < count; i++) {
            tagged += completions[i].tag == longest || completions[i].tag == longest + 1;
            NEED(tg_token_release(completions[i].token));
        }
        taken += (int)count;
    }
    CHECK(taken == 5 && tagged == 2);
    EVENTUALLY(atomic_load(&settled) == 5);
    CHECK(atomic_load(&settled) == 5);

    /* When it is settled, the next call is one of its own. */
    tg_token *next = submit(standing, &door, &call);
    CHECK(!is_same(next, fourth));
    CHECK_STATUS(TG_OK, end_of(next, NULL));
    NEED(tg_token_release_many(all, 5));
    EVENTUALLY(atomic_load(&destroyed) == 6);
    CHECK(atomic_load(&destroyed) == 6);
    NEED(tg_completion_queue_destroy(call.queue, NULL));
    NEED(tg_operation_destroy(standing, NULL));
}

/* ---- Limits and blocks ---- */

typedef struct seen {
    atomic_int retrying, opened, half_open, closed;
} seen;

static void on_event(const tg_event *event, void *user_data) {
    seen *told = user_data;
    if (event->kind == TG_EVENT_RETRYING && event->attempt == 2 && event->delay == 0 && event->id.sequence != 0 &&
        strcmp(event->operation_type, "told") == 0 && strcmp(event->detail, "the body returned 5") == 0)
        told->retrying++;
    if (event->operation_type == NULL || strcmp(event->operation_type, "broken") != 0) return;
    if (event->kind == TG_EVENT_BREAKER_OPENED && event->delay > 0) told->opened++;
    if (event->kind == TG_EVENT_BREAKER_HALF_OPEN) told->half_open++;
    if (event->kind == TG_EVENT_BREAKER_CLOSED) told->closed++;
}

static void rates(void) {
    tg_rate_limit rate = TG_RATE_LIMIT_INIT;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    rate.per_second = 1e-6;
    rate.burst = 2;
    options.rate = &rate;
    tg_operation *operation = make("rare", nothing, &options);
    CHECK_STATUS(TG_OK, end_of(submit(operation, NULL, NULL), NULL));
    CHECK_STATUS(TG_OK, end_of(submit(operation, NULL, NULL), NULL));
    tg_token *third = submit(operation, NULL, NULL);
    CHECK(tg_token_state(third) == TG_STATE_WAITING);
    NEED(tg_token_kill(third, NULL));
    NEED(tg_token_release(third));
    NEED(tg_operation_destroy(operation, NULL));
}

/* A number of a JSON object. */
static int64_t number(const char *json, const char *name) {
    const char *place = strstr(json, name);
    return place == NULL ? -1 : strtoll(place + strlen(name) + 2, NULL, 10);
}

static void breaks(void) {
    tg_circuit_breaker breaker = TG_CIRCUIT_BREAKER_INIT;
    tg_retry_policy retry = TG_RETRY_POLICY_INIT;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_error error = TG_ERROR_INIT;
    tg_health health = TG_HEALTH_INIT;
    static seen told;
    tg_subscription *subscription;
    int32_t five = 5;
    NEED(tg_coordinator_subscribe(coordinator, on_event, &told, NULL, &subscription, NULL));
    retry.attempts = 2, retry.back_off = TG_BACK_OFF_NONE;
    options.retry = &retry;
    tg_operation *retried = make("told", answer, &options);
    CHECK_STATUS(TG_E_BODY_FAILED, end_of(submit(retried, &five, NULL), NULL));
    NEED(tg_operation_destroy(retried, NULL));

    /* It opens at the fifth run that failed, and keeps the sixth out. */
    breaker.failure_rate = TG_NONE;
    breaker.minimum_runs = 5;
    breaker.cool_down = HOUR;
    options.retry = NULL;
    options.breaker = &breaker;
    tg_operation *broken = make("broken", answer, &options);
    for (int i = 0; i < 5; i++) CHECK_STATUS(TG_E_BODY_FAILED, end_of(submit(broken, &five, NULL), NULL));
    int before = atomic_load(&runs);
    CHECK_STATUS(TG_E_BLOCKED, end_of(submit(broken, &five, NULL), &error));
    CHECK(atomic_load(&runs) == before && strstr(error.message, "\"broken\"") != NULL);
    NEED(tg_coordinator_health(coordinator, "broken", &health, NULL));
    CHECK(health.health == TG_HEALTH_PROBLEMATIC && health.is_breaker_open == 1 && health.is_breaker_half_open == 0 && health.is_blocked == 0);
    CHECK(health.runs == 5 && health.failed == 5 && health.completed == 0 && health.timed_out == 0 && health.success_rate == 0);
    CHECK(strstr(health.recommendation, "breaker") != NULL);
    char *json = NULL;
    NEED(tg_coordinator_health_json(coordinator, "broken", &json, NULL));
    CHECK(strstr(json, "{\"count\":5,\"kind\":\"body status 5\"}") != NULL && strstr(json, "\"isBreakerOpen\":true") != NULL);
    CHECK(strstr(json, "\"health\":\"problematic\"") != NULL && strstr(json, "\"isBreakerHalfOpen\":false") != NULL);
    CHECK(number(json, "longestRunNanoseconds") == health.longest_run && health.longest_run >= 0);
    CHECK(number(json, "medianRunNanoseconds") == health.median_run && number(json, "medianWaitNanoseconds") == health.median_wait);
    tg_string_free(json);
    NEED(tg_coordinator_health_json(coordinator, NULL, &json, NULL));
    CHECK(json[0] == '[' && strstr(json, "\"operationType\":\"broken\"") && strstr(json, "\"operationType\":\"told\""));
    tg_string_free(json);
    NEED(tg_operation_destroy(broken, NULL));

    /* Another of the same type shares it; it has not cooled down. */
    breaker.cool_down = 1;
    broken = make("broken", answer, &options);
    CHECK_STATUS(TG_E_BLOCKED, end_of(submit(broken, NULL, NULL), NULL));
    NEED(tg_operation_destroy(broken, NULL));
    CHECK(atomic_load(&told.closed) == 0);
    NEED(tg_subscription_destroy(subscription, NULL));
    CHECK(told.retrying == 1 && told.opened == 1 && told.half_open == 0);

    /* Once it has cooled down one may try; it returns, and the breaker closes. */
    tg_coordinator *outer = coordinator;
    NEED(tg_coordinator_create(NULL, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_coordinator_subscribe(coordinator, on_event, &told, NULL, &subscription, NULL));
    broken = make("broken", answer, &options);
    for (int i = 0; i < 5; i++) CHECK_STATUS(TG_E_BODY_FAILED, end_of(submit(broken, &five, NULL), NULL));
    tg_status status = TG_E_BLOCKED;
    EVENTUALLY((status = end_of(submit(broken, NULL, NULL), NULL)) != TG_E_BLOCKED);
    CHECK(status == TG_OK);
    EVENTUALLY(atomic_load(&told.closed) == 1);
    CHECK(told.opened == 2 && told.half_open == 1 && told.closed == 1);
    NEED(tg_subscription_destroy(subscription, NULL));
    NEED(tg_operation_destroy(broken, NULL));
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    coordinator = outer;
}

static void blocks(void) {
    tg_operation *operation = make("blocked", answer, NULL);
    tg_health health = TG_HEALTH_INIT;
    tg_error error = TG_ERROR_INIT;
    int32_t changed = -1;
    int before = atomic_load(&runs);
    CHECK_STATUS(TG_E_NOT_AVAILABLE, tg_coordinator_health(coordinator, "blocked", &health, &error));
    CHECK(strstr(error.message, "\"blocked\"") != NULL);
    CHECK_STATUS(TG_OK, tg_coordinator_block(coordinator, "blocked", &changed, NULL));
    CHECK(changed == 1);
    CHECK_STATUS(TG_OK, tg_coordinator_block(coordinator, "blocked", &changed, NULL));
    CHECK(changed == 0);
    CHECK_STATUS(TG_E_BLOCKED, end_of(submit(operation, NULL, NULL), NULL));
    NEED(tg_coordinator_health(coordinator, "blocked", &health, NULL));
    CHECK(health.is_blocked == 1 && health.runs == 0 && health.success_rate == -1 && health.health == TG_HEALTH_UNKNOWN);
    CHECK_STATUS(TG_OK, tg_coordinator_unblock(coordinator, "blocked", &changed, NULL));
    CHECK(changed == 1);
    CHECK_STATUS(TG_OK, tg_coordinator_unblock(coordinator, "blocked", &changed, NULL));
    CHECK(changed == 0);
    CHECK_STATUS(TG_OK, end_of(submit(operation, NULL, NULL), NULL));
    CHECK(atomic_load(&runs) == before + 1);
    /* A caller with less room gets what there is room for. */
    health.struct_size = offsetof(tg_health, runs);
    health.runs = 77;
    NEED(tg_coordinator_health(coordinator, "blocked", &health, NULL));
    CHECK(health.is_blocked == 0 && health.runs == 77);
    NEED(tg_operation_destroy(operation, NULL));
}

/* ---- How many at once ---- */

static int count_in(tg_token *const *tokens, int count, int32_t state) {
    int found = 0;
    for (int i = 0; i < count; i++) found += tg_token_state(tokens[i]) == state;
    return found;
}

/* Bodies of a storage tier: each has a thread if it is let in. */
static void concurrency(void) {
    gate door = {0};
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_token *tokens[12];
    void *arguments[12];
    for (int i = 0; i < 12; i++) arguments[i] = &door;
    options.storage = TG_STORAGE_INSANE;
    options.concurrency = 2;
    tg_operation *limited = make("limited", stand, &options);
    /* Another of the same type shares it, whatever it states; what is stated first holds. */
    options.concurrency = 5;
    tg_operation *other = make("limited", stand, &options);
    NEED(tg_submit_many(limited, arguments, 8, NULL, tokens, NULL));
    NEED(tg_submit_many(other, arguments, 4, NULL, tokens + 8, NULL));
    gate_await(&door, 2);
    CHECK(count_in(tokens, 12, TG_STATE_WAITING) == 10 && atomic_load(&door.arrived) == 2);
    NEED(tg_coordinator_set_concurrency_limit(coordinator, "limited", 5, NULL));
    gate_await(&door, 5);
    CHECK(count_in(tokens, 12, TG_STATE_WAITING) == 7 && atomic_load(&door.arrived) == 5);
    /* Nobody inside is disturbed, nobody is let in. */
    NEED(tg_coordinator_set_concurrency_limit(coordinator, "limited", 1, NULL));
    NEED(tg_token_kill(tokens[11], NULL));
    CHECK(count_in(tokens, 12, TG_STATE_WAITING) == 6 && count_in(tokens, 12, TG_STATE_EXECUTING) == 5);
    NEED(tg_coordinator_set_concurrency_limit(coordinator, "limited", TG_NONE, NULL));
    gate_await(&door, 11);
    CHECK(count_in(tokens, 12, TG_STATE_WAITING) == 0);
    gate_open(&door);
    NEED(tg_token_wait_all(tokens, 12, TG_FOREVER, NULL));
    CHECK(count_in(tokens, 12, TG_STATE_COMPLETED) == 11);
    NEED(tg_token_release_many(tokens, 12));
    NEED(tg_operation_destroy(limited, NULL));
    NEED(tg_operation_destroy(other, NULL));
}

static tg_operation *recursive;
static int32_t descend(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)result;
    intptr_t depth = (intptr_t)argument;
    return depth == 0 ? 0 : (int32_t)end_of(submit(recursive, (void *)(depth - 1), NULL), NULL);
}

/* A body that waits does not count: an operation with a limit of one may call itself. */
static void recursion(void) {
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    options.concurrency = 1;
    recursive = make("recursive", descend, &options);
    CHECK_STATUS(TG_OK, end_of(submit(recursive, (void *)(intptr_t)20, NULL), NULL));
    NEED(tg_operation_destroy(recursive, NULL));
}

static void anchors_at_once(void) {
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    tg_token *tokens[10];
    options.storage = TG_STORAGE_INSANE;
    options.anchor_at_once = 2;
    for (int mode = TG_ANCHOR_FIXED; mode <= TG_ANCHOR_PER_CALL; mode++) {
        gate door = {0};
        bool each = mode == TG_ANCHOR_PER_CALL;
        options.anchor_mode = mode;
        options.anchor = each ? NULL : "key", options.anchor_size = each ? 0 : 3;
        tg_operation *anchored = make("anchored", stand, &options);
        for (int i = 0; i < 10; i++) {
            if (each) call.anchor = i % 2 ? "odd" : "eve", call.anchor_size = 3;
            tokens[i] = submit(anchored, &door, each ? &call : NULL);
        }
        /* So many of each key. */
        int inside = each ? 4 : 2;
        gate_await(&door, inside);
        CHECK(count_in(tokens, 10, TG_STATE_WAITING) == 10 - inside && atomic_load(&door.arrived) == inside);
        gate_open(&door);
        NEED(tg_token_wait_all(tokens, 10, TG_FOREVER, NULL));
        CHECK(count_in(tokens, 10, TG_STATE_COMPLETED) == 10);
        NEED(tg_token_release_many(tokens, 10));
        NEED(tg_operation_destroy(anchored, NULL));
    }
}

/* ---- How many alive ---- */

static void operation_capacity(void) {
    gate door = {0};
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    tg_error error = TG_ERROR_INIT;
    tg_token *first, *second;
    options.storage = TG_STORAGE_INSANE;
    options.capacity = 2;
    options.overload = TG_OVERLOAD_REJECT;
    tg_operation *rejecting = make("rejecting", stand, &options), *unbounded = make("unbounded", answer, NULL);
    first = submit(rejecting, &door, NULL), second = submit(rejecting, &door, NULL);
    /* Whoever comes on top is refused, patient or not; others have nothing to do with it. */
    call.place_timeout = HOUR;
    CHECK_STATUS(TG_E_OVERLOADED, end_of(submit(rejecting, &door, &call), &error));
    CHECK(strstr(error.message, "\"rejecting\"") != NULL && strstr(error.message, "capacity 2") != NULL);
    CHECK_STATUS(TG_OK, end_of(submit(unbounded, NULL, NULL), NULL));
    gate_open(&door);
    CHECK_STATUS(TG_OK, end_of(first, NULL));
    CHECK_STATUS(TG_OK, end_of(second, NULL));
    NEED(tg_operation_destroy(rejecting, NULL));
    NEED(tg_operation_destroy(unbounded, NULL));

    /* The default: whoever is patient waits for a place. */
    options.overload = TG_OVERLOAD_DEFAULT;
    options.capacity = 1;
    gate other = {0};
    tg_operation *suspending = make("suspending", stand, &options);
    first = submit(suspending, &other, NULL);
    CHECK_STATUS(TG_E_OVERLOADED, end_of(submit(suspending, &other, NULL), NULL));
    call.place_timeout = TG_MILLISECOND;
    CHECK_STATUS(TG_E_OVERLOADED, end_of(submit(suspending, &other, &call), NULL));
    gate_open(&other);
    call.place_timeout = TG_FOREVER;
    CHECK_STATUS(TG_OK, end_of(submit(suspending, &other, &call), NULL));
    CHECK_STATUS(TG_OK, end_of(first, NULL));
    NEED(tg_operation_destroy(suspending, NULL));

    /* The one that has waited longest goes: of four two are sent to workers. */
    gate third = {0};
    tg_token *tokens[6];
    void *arguments[] = {&third, &third, &third, &third, &third, &third};
    options.overload = TG_OVERLOAD_DROP_OLDEST;
    options.capacity = 4;
    tg_operation *dropping = make("dropping", stand, &options);
    NEED(tg_submit_many(dropping, arguments, 6, NULL, tokens, NULL));
    CHECK_STATUS(TG_E_OVERLOADED, tg_token_result(tokens[2], NULL, NULL));
    CHECK_STATUS(TG_E_OVERLOADED, tg_token_result(tokens[3], NULL, NULL));
    gate_open(&third);
    for (int i = 0; i < 6; i++) CHECK_STATUS(i == 2 || i == 3 ? TG_E_OVERLOADED : TG_OK, end_of(tokens[i], NULL));
    NEED(tg_operation_destroy(dropping, NULL));
}

/* ---- Who first ---- */

static atomic_int turn;
static int32_t take_turn(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument;
    result->value.i64 = atomic_fetch_add(&turn, 1);
    return 0;
}

/* One worker, which stands at a gate while tokens of all priorities come, the least urgent first. */
static void priorities(void) {
    static const int32_t levels[] = {TG_PRIORITY_LOW, TG_PRIORITY_DEFAULT, TG_PRIORITY_NORMAL, TG_PRIORITY_HIGH};
    static const int64_t turns[2][4] = {{3, 1, 2, 0}, {0, 1, 2, 3}};
    tg_coordinator *outer = coordinator;
    for (int round = 0; round < 2; round++) {
        gate door = {0};
        tg_config config = TG_CONFIG_INIT;
        tg_operation *operations[4];
        tg_token *tokens[4];
        config.maximum_domains = 1;
        config.workers_per_core = 1;
        /* Waiting makes up for urgency after so long; with none it means nothing. */
        config.aging_time = round == 0 ? HOUR : TG_NONE;
        NEED(tg_coordinator_create(&config, &coordinator, NULL));
        NEED(tg_coordinator_start(coordinator, NULL));
        tg_operation *standing = make("standing", stand, NULL);
        tg_token *first = submit(standing, &door, NULL);
        gate_await(&door, 1);
        atomic_store(&turn, 0);
        for (int i = 0; i < 4; i++) {
            tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
            options.priority = levels[i];
            operations[i] = make("urgent", take_turn, &options);
            tokens[i] = submit(operations[i], NULL, NULL);
        }
        gate_open(&door);
        for (int i = 0; i < 4; i++) {
            tg_value value = {.i64 = -1};
            CHECK_STATUS(TG_OK, tg_token_wait(tokens[i], TG_FOREVER, &value, NULL));
            CHECK(value.i64 == turns[round][i]);
            NEED(tg_operation_destroy(operations[i], NULL));
        }
        NEED(tg_token_release_many(tokens, 4));
        CHECK_STATUS(TG_OK, end_of(first, NULL));
        NEED(tg_operation_destroy(standing, NULL));
        end();
    }
    coordinator = outer;
}

/* Places are waited for with options as without. */
static void places(void) {
    gate door = {0};
    tg_coordinator *outer = coordinator;
    tg_config config = TG_CONFIG_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    config.capacity = 1;
    NEED(tg_coordinator_create(&config, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    tg_operation *standing = make("standing", stand, NULL);
    call.key = "k", call.key_size = 1;
    call.place_timeout = TG_FOREVER;
    tg_token *first = submit(standing, &door, &call);
    call.key = "other", call.key_size = 5;
    call.place_timeout = TG_MILLISECOND;
    CHECK_STATUS(TG_E_OVERLOADED, end_of(submit(standing, &door, &call), NULL));
    gate_open(&door);
    call.place_timeout = TG_FOREVER;
    CHECK_STATUS(TG_OK, end_of(submit(standing, &door, &call), NULL));
    CHECK_STATUS(TG_OK, end_of(first, NULL));
    tg_statistics statistics = TG_STATISTICS_INIT;
    NEED(tg_operation_destroy(standing, NULL));
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    NEED(tg_coordinator_statistics(coordinator, &statistics, NULL));
    CHECK(statistics.places_in_use == 0 && statistics.rejected == 1);
    NEED(tg_coordinator_destroy(coordinator, NULL));
    coordinator = outer;
}

int main(void) {
    begin();
    keys();
    rates();
    breaks();
    blocks();
    concurrency();
    recursion();
    anchors_at_once();
    operation_capacity();
    priorities();
    places();
    end();
    return check_report("limits");
}
