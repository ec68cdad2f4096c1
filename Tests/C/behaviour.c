/* SPDX-License-Identifier: Apache-2.0
 * The engine as C sees it: anchors, leads, storage, control, waiting, completions, events, statistics, fork. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>

static tg_coordinator *coordinator;
static tg_operation *child, *tree;

static int32_t say_domain(tg_context *context, void *argument, tg_result *result) {
    (void)argument;
    result->value.i64 = tg_context_domain(context);
    return 0;
}

/* A child that runs on top of its waiting parent: the parent's context is not its own. */
static int32_t look_at_parent(tg_context *context, void *argument, tg_result *result) {
    (void)result;
    if (tg_context_current() != context) return 1;
    return argument != NULL && tg_context_domain(argument) != TG_E_INVALID_HANDLE ? 2 : 0;
}
static tg_operation *looking;
static int32_t wait_for_child(tg_context *context, void *argument, tg_result *result) {
    (void)argument, (void)result;
    tg_token *token;
    NEED(tg_submit(looking, context, NULL, &token, NULL));
    CHECK_STATUS(TG_OK, tg_token_wait(token, TG_FOREVER, NULL, NULL));
    NEED(tg_token_release(token));
    CHECK(tg_context_domain(context) >= 1);
    CHECK_STATUS(TG_E_INVALID_HANDLE, tg_token_state((tg_token *)(void *)context));
    return 0;
}

static int32_t nothing(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    return 0;
}

static tg_operation *make(const char *name, tg_body body, const tg_operation_options *options) {
    tg_operation *operation = NULL;
    NEED(tg_operation_create(coordinator, name, body, options, &operation, NULL));
    return operation;
}

static int64_t run(tg_operation *operation, void *argument, const tg_submit_options *options) {
    tg_token *token;
    tg_value value = {0};
    NEED(tg_submit(operation, argument, options, &token, NULL));
    NEED(tg_token_wait(token, TG_FOREVER, &value, NULL));
    NEED(tg_token_release(token));
    return value.i64;
}

static void anchors(void) {
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    options.anchor_mode = TG_ANCHOR_PER_CALL;
    options.ordered = 1;
    tg_operation *each = make("anchored", say_domain, &options);
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    for (int key = 0; key < 20; key++) {
        call.anchor = &key;
        call.anchor_size = sizeof key;
        int64_t home = run(each, NULL, &call);
        for (int i = 0; i < 20; i++) CHECK(run(each, NULL, &call) == home);
    }
    CHECK_STATUS(TG_E_NULL_ARGUMENT, tg_submit(each, NULL, NULL, NULL, NULL));
    options.anchor_mode = TG_ANCHOR_FIXED;
    options.anchor = "key";
    options.anchor_size = 3;
    tg_operation *fixed = make("fixed", say_domain, &options);
    int64_t home = run(fixed, NULL, NULL);
    CHECK(home >= 1 && run(fixed, NULL, NULL) == home);
    CHECK_STATUS(TG_E_INVALID_ARGUMENT, tg_submit(fixed, NULL, &call, NULL, NULL));
    NEED(tg_operation_destroy(each, NULL));
    NEED(tg_operation_destroy(fixed, NULL));
}

static char seeds[64][65];
static atomic_int seed_count;

/* A lead whose children spawn children: all carry its seed and run in its domain. */
static int32_t grow(tg_context *context, void *argument, tg_result *result) {
    intptr_t depth = (intptr_t)argument;
    NEED(tg_context_get_seed_hex(context, seeds[atomic_fetch_add(&seed_count, 1)]));
    result->value.i64 = tg_context_domain(context);
    if (depth == 0) return 0;
    tg_token *tokens[3];
    for (int i = 0; i < 3; i++) NEED(tg_submit(tree, (void *)(depth - 1), NULL, &tokens[i], NULL));
    NEED(tg_token_wait_all(tokens, 3, TG_FOREVER, NULL));
    for (int i = 0; i < 3; i++) {
        tg_value value;
        NEED(tg_token_result(tokens[i], &value, NULL));
        CHECK(value.i64 == result->value.i64);
    }
    NEED(tg_token_release_many(tokens, 3));
    return 0;
}

static void leads(void) {
    const char *calls[] = {"tree"};
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tree = make("tree", grow, NULL);
    options.weight = TG_WEIGHT_HEAVY;
    options.external_calls = calls;
    options.external_call_count = 1;
    tg_operation *lead = make("lead", grow, &options);
    tg_token *token;
    uint8_t seed[32];
    char hex[65];
    NEED(tg_submit(lead, (void *)3, NULL, &token, NULL));
    CHECK_STATUS(TG_OK, tg_token_wait(token, TG_FOREVER, NULL, NULL));
    NEED(tg_token_get_seed(token, seed));
    for (int i = 0; i < 32; i++) sprintf(hex + 2 * i, "%02x", seed[i]);
    CHECK(atomic_load(&seed_count) == 1 + 3 + 9 + 27);
    for (int i = 0; i < atomic_load(&seed_count); i++) CHECK(strcmp(seeds[i], hex) == 0);
    NEED(tg_token_release(token));
    tg_statistics statistics = TG_STATISTICS_INIT;
    NEED(tg_coordinator_statistics(coordinator, &statistics, NULL));
    CHECK(statistics.leases_opened == 1 && statistics.leases_released == 1);
    NEED(tg_submit(child, NULL, NULL, &token, NULL));
    CHECK_STATUS(TG_E_NOT_AVAILABLE, tg_token_get_seed(token, seed));
    NEED(tg_token_wait(token, TG_FOREVER, NULL, NULL));
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(lead, NULL));
    NEED(tg_operation_destroy(tree, NULL));
}

static atomic_int inside, most;
static int32_t write_slowly(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    int now = atomic_fetch_add(&inside, 1) + 1;
    for (int seen = atomic_load(&most); now > seen && !atomic_compare_exchange_weak(&most, &seen, now);) {}
    usleep(1000);
    atomic_fetch_sub(&inside, 1);
    return 0;
}

static void storage(void) {
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    options.storage = TG_STORAGE_SLOW;
    tg_operation *writer = make("writer", write_slowly, &options);
    enum { count = 200 };
    tg_token *tokens[count];
    NEED(tg_coordinator_set_storage_limit(coordinator, TG_STORAGE_SLOW, 3, NULL));
    NEED(tg_submit_many(writer, NULL, count, NULL, tokens, NULL));
    CHECK_STATUS(TG_OK, tg_token_wait_all(tokens, count, TG_FOREVER, NULL));
    CHECK(atomic_load(&most) <= 3);
    NEED(tg_token_release_many(tokens, count));
    NEED(tg_operation_destroy(writer, NULL));
}

static void control(void) {
    int32_t changed = -1;
    tg_token *token;
    tg_operation *paused = make("paused", nothing, NULL);
    NEED(tg_coordinator_pause(coordinator, "paused", &changed, NULL));
    CHECK(changed == 1);
    NEED(tg_coordinator_pause(coordinator, "paused", &changed, NULL));
    CHECK(changed == 0);
    NEED(tg_submit(paused, NULL, NULL, &token, NULL));
    CHECK_STATUS(TG_E_WAIT_TIMED_OUT, tg_token_wait(token, TG_MILLISECOND, NULL, NULL));
    CHECK_STATUS(TG_E_WAIT_TIMED_OUT, tg_token_wait_all(&token, 1, 0, NULL));
    CHECK_STATUS(TG_E_NOT_SETTLED, tg_token_result(token, NULL, NULL));
    CHECK(tg_token_state(token) == TG_STATE_WAITING);
    NEED(tg_coordinator_resume(coordinator, "paused", &changed, NULL));
    CHECK(changed == 1);
    CHECK_STATUS(TG_OK, tg_token_wait(token, TG_FOREVER, NULL, NULL));
    CHECK(tg_token_state(token) == TG_STATE_COMPLETED);
    NEED(tg_token_release(token));
    NEED(tg_coordinator_pause(coordinator, NULL, NULL, NULL));
    NEED(tg_submit(paused, NULL, NULL, &token, NULL));
    uint64_t settled = 0;
    NEED(tg_coordinator_kill(coordinator, "nobody uses this", &settled, NULL));
    CHECK(settled == 0);
    NEED(tg_coordinator_kill(coordinator, NULL, &settled, NULL));
    CHECK(settled == 1);
    CHECK_STATUS(TG_E_KILLED, tg_token_result(token, NULL, NULL));
    NEED(tg_token_release(token));
    NEED(tg_coordinator_resume(coordinator, NULL, NULL, NULL));
    NEED(tg_operation_destroy(paused, NULL));
}

/* A second thread that takes from the same queue. */
static atomic_size_t taken_elsewhere;
static void *take_all(void *queue) {
    tg_completion completions[16];
    size_t count;
    while (tg_completion_queue_take(queue, completions, 16, TG_SECOND, &count, NULL) == TG_OK) {
        for (size_t i = 0; i < count; i++) NEED(tg_token_release(completions[i].token));
        atomic_fetch_add(&taken_elsewhere, count);
    }
    return NULL;
}

static int32_t take_inside(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)result;
    tg_completion completion;
    size_t count;
    CHECK_STATUS(TG_E_WAIT_TIMED_OUT, tg_completion_queue_take(argument, &completion, 1, 0, &count, NULL));
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_completion_queue_take(argument, &completion, 1, 1, &count, NULL));
    return 5;
}

static void completions(void) {
    tg_completion_queue *queue;
    tg_completion completion[8];
    size_t count = 99;
    NEED(tg_completion_queue_create(&queue, NULL));
    struct pollfd poller = {.fd = tg_completion_queue_fd(queue), .events = POLLIN};
    CHECK(poller.fd >= 0 && poll(&poller, 1, 0) == 0);
    CHECK_STATUS(TG_E_WAIT_TIMED_OUT, tg_completion_queue_take(queue, completion, 8, TG_MILLISECOND, &count, NULL));
    CHECK(count == 0);

    tg_operation *inside_body = make("take_inside", take_inside, NULL);
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    int tag;
    options.queue = queue;
    options.tag = &tag;
    NEED(tg_submit(inside_body, queue, &options, NULL, NULL));
    CHECK(poll(&poller, 1, 240000) == 1);
    CHECK_STATUS(TG_OK, tg_completion_queue_take(queue, completion, 8, TG_FOREVER, &count, NULL));
    CHECK(count == 1 && completion[0].tag == &tag && completion[0].status == TG_E_BODY_FAILED);
    CHECK(completion[0].body_status == 5 && poll(&poller, 1, 0) == 0);
    /* A token that is settled already comes at once. */
    NEED(tg_completion_queue_add(queue, completion[0].token, NULL, NULL));
    NEED(tg_token_release(completion[0].token));
    CHECK_STATUS(TG_OK, tg_completion_queue_take(queue, completion, 8, 0, &count, NULL));
    CHECK(count == 1 && completion[0].tag == NULL);
    NEED(tg_token_release(completion[0].token));

    enum { many = 20000 };
    pthread_t thread;
    options.tag = NULL;
    pthread_create(&thread, NULL, take_all, queue);
    NEED(tg_submit_many(child, NULL, many, &options, NULL, NULL));
    take_all(queue);
    pthread_join(thread, NULL);
    CHECK(atomic_load(&taken_elsewhere) == many);
    CHECK(poll(&poller, 1, 0) == 0);

    /* What is in it, and what comes later, is let go with it; its descriptor is closed at once. */
    NEED(tg_coordinator_pause(coordinator, "child", NULL, NULL));
    NEED(tg_submit_many(child, NULL, 100, &options, NULL, NULL));
    NEED(tg_completion_queue_destroy(queue, NULL));
    CHECK(fcntl(poller.fd, F_GETFD) == -1);
    NEED(tg_coordinator_resume(coordinator, "child", NULL, NULL));
    CHECK_STATUS(TG_E_INVALID_HANDLE, tg_submit_many(child, NULL, 1, &options, NULL, NULL));
    NEED(tg_operation_destroy(inside_body, NULL));
}

static gate stopping;
static int32_t look_at_the_end(tg_context *context, void *argument, tg_result *result) {
    (void)argument, (void)result;
    CHECK(tg_context_is_cancelled(context) == 0 && tg_context_is_draining(context) == 0);
    CHECK(tg_context_time_left(context) == TG_FOREVER);
    CHECK(tg_context_current() == context);
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_coordinator_destroy(coordinator, NULL));
    gate_pass(&stopping);
    EVENTUALLY(tg_context_is_draining(context) == 1);
    CHECK(tg_context_is_draining(context) == 1);
    int64_t left = tg_context_time_left(context);
    CHECK(left > 0 && left <= 500 * TG_SECOND);
    tg_stop_report report = TG_STOP_REPORT_INIT;
    CHECK_STATUS(TG_OK, tg_coordinator_stop(coordinator, 500 * TG_SECOND, &report, NULL));
    CHECK(report.is_complete == 0);
    return 0;
}

static atomic_int lifecycle_events, token_events;
static atomic_bool listener_gone;
static void on_event(const tg_event *event, void *user_data) {
    CHECK(event->struct_size >= sizeof(tg_event) && user_data == &listener_gone); /* events grow, too */
    if (event->kind == TG_EVENT_LIFECYCLE) atomic_fetch_add(&lifecycle_events, 1);
    if (event->kind == TG_EVENT_TOKEN && event->state >= TG_STATE_COMPLETED) {
        CHECK(event->id.sequence > 0 && event->operation_type != NULL);
        atomic_fetch_add(&token_events, 1);
    }
}
static void listener_destroyed(void *user_data) { atomic_store((atomic_bool *)user_data, true); }

static void forks(void) {
    pid_t pid = fork();
    if (pid == 0) {
        tg_token *token;
        bool good = tg_submit(child, NULL, NULL, &token, NULL) == TG_E_FORKED &&
                    tg_coordinator_stop(coordinator, 0, NULL, NULL) == TG_E_FORKED &&
                    tg_coordinator_phase(coordinator) == TG_E_FORKED && tg_abi() == TG_ABI;
        _exit(good ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void sight(void) {
    tg_statistics statistics = TG_STATISTICS_INIT;
    NEED(tg_coordinator_statistics(coordinator, &statistics, NULL));
    CHECK(statistics.phase == TG_PHASE_RUNNING && statistics.domains >= 1 && statistics.threads >= 1);
    CHECK(statistics.submitted == statistics.queued + statistics.executing + statistics.completed + statistics.failed +
                                      statistics.killed + statistics.timed_out);
    /* A caller of an older header has a shorter structure. */
    struct {
        size_t struct_size;
        int32_t phase;
        uint32_t untouched;
    } old = {12, -1, 77};
    NEED(tg_coordinator_statistics(coordinator, (tg_statistics *)(void *)&old, NULL));
    CHECK(old.phase == TG_PHASE_RUNNING && old.untouched == 77);
    char *text = NULL;
    NEED(tg_coordinator_statistics_json(coordinator, &text, NULL));
    CHECK(strstr(text, "\"operationType\":\"child\"") != NULL && text[0] == '{');
    tg_string_free(text);
    NEED(tg_topology_json(&text, NULL));
    CHECK(strstr(text, "\"quotaCPUs\":") != NULL);
    tg_string_free(text);
    size_t needed = 0;
    uint8_t mask[8192];
    NEED(tg_coordinator_domain_cpus(coordinator, 1, mask, sizeof mask, &needed, NULL));
    int bits = 0;
    for (size_t i = 0; i < sizeof mask; i++) bits += __builtin_popcount(mask[i]);
    CHECK(needed >= 1 && bits >= 1);
    CHECK_STATUS(TG_E_BUFFER_TOO_SMALL, tg_coordinator_domain_cpus(coordinator, 1, NULL, 0, &needed, NULL));
}

int main(void) {
    tg_config config = TG_CONFIG_INIT;
    config.event_buffer = 1 << 20;
    NEED(tg_coordinator_create(&config, &coordinator, NULL));
    CHECK(tg_coordinator_phase(coordinator) == TG_PHASE_IDLE);
    tg_subscription *subscription;
    NEED(tg_coordinator_subscribe(
        coordinator, on_event, &listener_gone, listener_destroyed, &subscription, NULL));
    child = make("child", nothing, NULL);
    tg_token *early;
    NEED(tg_submit(child, NULL, NULL, &early, NULL));
    CHECK(tg_token_state(early) == TG_STATE_WAITING);
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_token_wait(early, TG_FOREVER, NULL, NULL));
    NEED(tg_token_release(early));

    looking = make("looking", look_at_parent, NULL);
    tg_operation *waiting = make("waiting", wait_for_child, NULL);
    CHECK(run(waiting, NULL, NULL) == 0);
    NEED(tg_operation_destroy(waiting, NULL));
    NEED(tg_operation_destroy(looking, NULL));
    anchors();
    leads();
    storage();
    control();
    completions();
    sight();
    forks();

    tg_operation *last = make("last", look_at_the_end, NULL);
    tg_token *token;
    NEED(tg_submit(last, NULL, NULL, &token, NULL));
    gate_await(&stopping, 1);
    gate_open(&stopping);
    char *json = NULL;
    NEED(tg_coordinator_stop_json(coordinator, 500 * TG_SECOND, &json, NULL));
    CHECK(strstr(json, "\"abandoned\":[]") != NULL);
    tg_string_free(json);
    CHECK_STATUS(TG_OK, tg_token_result(token, NULL, NULL));
    NEED(tg_token_release(token));
    CHECK(tg_coordinator_phase(coordinator) == TG_PHASE_STOPPED);
    CHECK_STATUS(TG_E_STOPPED, tg_coordinator_start(coordinator, NULL));

    uint64_t dropped = 99;
    EVENTUALLY(atomic_load(&listener_gone));
    NEED(tg_subscription_dropped(subscription, &dropped));
    NEED(tg_subscription_destroy(subscription, NULL));
    tg_statistics statistics = TG_STATISTICS_INIT;
    NEED(tg_coordinator_statistics(coordinator, &statistics, NULL));
    CHECK(dropped == 0 && atomic_load(&lifecycle_events) == 3 && atomic_load(&listener_gone));
    CHECK((uint64_t)atomic_load(&token_events) == statistics.submitted);
    NEED(tg_operation_destroy(last, NULL));
    NEED(tg_operation_destroy(child, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    return check_report("behaviour");
}
