/* SPDX-License-Identifier: Apache-2.0
 * Whatever is handed over is destroyed exactly once, in every ending: completed, failed, killed, discarded, never waited for,
 * coordinator stopped, call refused. */
#include "check.h"

typedef struct counted {
    atomic_int destroyed;
} counted;

static void destroy(void *pointer) { atomic_fetch_add(&((counted *)pointer)->destroyed, 1); }

static tg_coordinator *coordinator;
static tg_completion_queue *queue;
static tg_subscription *subscription;
static void on_event(const tg_event *event, void *data) { (void)event, (void)data; }

static counted results[8], arguments[8], user_data[8], operation_data;
static gate running;

/* Sets a result; argument 1 fails, argument 2 stands at the gate first. */
static int32_t body(tg_context *context, void *argument, tg_result *result) {
    size_t which = (size_t)((counted *)argument - arguments);
    CHECK(tg_context_user_data(context) == &operation_data);
    if (which == 2 || which == 5) gate_pass(&running);
    result->value.pointer = &results[which];
    result->destroy = destroy;
    return which == 1 ? 17 : 0;
}

static atomic_int told;
static void on_settled(tg_token *token, void *data) {
    CHECK(tg_token_state(token) >= TG_STATE_COMPLETED);
    CHECK(atomic_load(&((counted *)data)->destroyed) == 0);
    CHECK(tg_context_current() == NULL);
    /* What would block the thread of others, or wait for it. */
    char *text = NULL;
    tg_completion completion;
    size_t count = 0;
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_token_wait(token, TG_FOREVER, NULL, NULL));
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_token_wait_all(&token, 1, TG_FOREVER, NULL));
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_coordinator_stop(coordinator, 0, NULL, NULL));
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_coordinator_stop_json(coordinator, 0, &text, NULL));
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_coordinator_destroy(coordinator, NULL));
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_completion_queue_take(queue, &completion, 1, 1, &count, NULL));
    CHECK_STATUS(TG_E_WAIT_TIMED_OUT, tg_completion_queue_take(queue, &completion, 1, 0, &count, NULL));
    CHECK_STATUS(TG_E_NOT_ALLOWED_HERE, tg_subscription_destroy(subscription, NULL));
    atomic_fetch_add(&told, 1);
}

static tg_token *submit(tg_operation *operation, int which) {
    tg_token *token = NULL;
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    options.destroy_argument = destroy;
    options.on_settled = on_settled;
    options.user_data = &user_data[which];
    options.destroy_user_data = destroy;
    NEED(tg_submit(operation, &arguments[which], &options, &token, NULL));
    return token;
}

int main(void) {
    tg_operation *operation, *held;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_value value;
    tg_error error = TG_ERROR_INIT;
    NEED(tg_coordinator_create(NULL, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_completion_queue_create(&queue, NULL));
    NEED(tg_coordinator_subscribe(coordinator, on_event, NULL, NULL, &subscription, NULL));
    options.user_data = &operation_data;
    options.destroy_user_data = destroy;
    NEED(tg_operation_create(coordinator, "owned", body, &options, &operation, NULL));
    options.user_data = NULL;
    options.destroy_user_data = NULL;
    NEED(tg_operation_create(coordinator, "held", body, &options, &held, NULL));
    NEED(tg_coordinator_pause(coordinator, "held", NULL, NULL));

    /* 0 completes. */
    tg_token *token = submit(operation, 0);
    CHECK_STATUS(TG_OK, tg_token_wait(token, TG_FOREVER, &value, NULL));
    CHECK(value.pointer == &results[0] && atomic_load(&results[0].destroyed) == 0);
    NEED(tg_token_retain(token));
    NEED(tg_token_release(token));
    CHECK(atomic_load(&results[0].destroyed) == 0);
    NEED(tg_token_release(token));
    EVENTUALLY(atomic_load(&results[0].destroyed) == 1);

    /* 1 fails, with a result all the same. */
    token = submit(operation, 1);
    CHECK_STATUS(TG_E_BODY_FAILED, tg_token_wait(token, TG_FOREVER, &value, &error));
    CHECK(error.status == TG_E_BODY_FAILED && error.body_status == 17 && value.pointer == &results[1]);
    NEED(tg_token_release(token));

    /* 2 is killed while it runs: what it returns is late. */
    int32_t settled = -1;
    token = submit(operation, 2);
    gate_await(&running, 1);
    NEED(tg_token_kill(token, &settled));
    CHECK(settled == 1);
    CHECK_STATUS(TG_E_KILLED, tg_token_wait(token, TG_FOREVER, &value, NULL));
    NEED(tg_token_release(token));
    gate_open(&running);

    /* 3 is killed before it began, 4 discarded. */
    token = submit(held, 3);
    NEED(tg_token_kill(token, &settled));
    CHECK_STATUS(TG_E_KILLED, tg_token_result(token, NULL, NULL));
    NEED(tg_token_kill(token, &settled));
    CHECK(settled == 0);
    NEED(tg_token_release(token));
    token = submit(held, 4);
    uint64_t discarded = 0;
    NEED(tg_coordinator_discard(coordinator, "held", &discarded, NULL));
    CHECK(discarded == 1);
    CHECK_STATUS(TG_E_DISCARDED, tg_token_wait(token, 0, NULL, NULL));
    NEED(tg_token_release(token));

    /* 5 is never waited for. */
    NEED(tg_token_release(submit(operation, 5)));
    EVENTUALLY(atomic_load(&results[5].destroyed) == 1);

    /* 6 is left over when the coordinator stops. */
    token = submit(held, 6);
    tg_stop_report report = TG_STOP_REPORT_INIT;
    CHECK_STATUS(TG_OK, tg_coordinator_stop(coordinator, 10 * TG_SECOND, &report, NULL));
    CHECK(report.is_complete == 1 && report.abandoned == 1 && report.abandoned_executing == 0);
    CHECK_STATUS(TG_E_STOPPED, tg_token_wait(token, TG_FOREVER, NULL, NULL));
    NEED(tg_token_release(token));

    /* 7 comes too late. */
    token = submit(held, 7);
    CHECK_STATUS(TG_E_STOPPED, tg_token_wait(token, TG_FOREVER, NULL, &error));
    NEED(tg_token_release(token));

    CHECK(atomic_load(&operation_data.destroyed) == 0);
    NEED(tg_operation_destroy(operation, NULL));
    NEED(tg_operation_destroy(held, NULL));
    NEED(tg_subscription_destroy(subscription, NULL));
    NEED(tg_completion_queue_destroy(queue, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    EVENTUALLY(atomic_load(&operation_data.destroyed) == 1);
    CHECK(atomic_load(&operation_data.destroyed) == 1);
    CHECK(atomic_load(&told) == 8);
    for (int i = 0; i < 8; i++) {
        /* Who never ran made no result. */
        bool made = i <= 2 || i == 5;
        EVENTUALLY(atomic_load(&results[i].destroyed) == made && atomic_load(&arguments[i].destroyed) == 1);
        CHECK(atomic_load(&results[i].destroyed) == made);
        CHECK(atomic_load(&arguments[i].destroyed) == 1);
        EVENTUALLY(atomic_load(&user_data[i].destroyed) == 1);
        CHECK(atomic_load(&user_data[i].destroyed) == 1);
    }

    /* Calls that fail destroy, too. */
    counted lost = {0};
    tg_submit_options given = TG_SUBMIT_OPTIONS_INIT;
    given.destroy_argument = destroy;
    CHECK_STATUS(TG_E_INVALID_HANDLE, tg_submit(operation, &lost, &given, NULL, NULL));
    CHECK(atomic_load(&lost.destroyed) == 1);
    CHECK_STATUS(TG_E_NULL_ARGUMENT, tg_submit(NULL, &lost, &given, NULL, NULL));
    CHECK(atomic_load(&lost.destroyed) == 2);
    void *both[2] = {&lost, &lost};
    CHECK_STATUS(TG_E_INVALID_HANDLE, tg_submit_many(operation, both, 2, &given, NULL, NULL));
    CHECK(atomic_load(&lost.destroyed) == 4);
    options.user_data = &lost;
    options.destroy_user_data = destroy;
    CHECK_STATUS(TG_E_INVALID_HANDLE, tg_operation_create(coordinator, "x", body, &options, &operation, NULL));
    CHECK(atomic_load(&lost.destroyed) == 5);
    CHECK_STATUS(TG_E_NULL_ARGUMENT, tg_token_notify(NULL, on_settled, &lost, destroy, NULL));
    CHECK(atomic_load(&lost.destroyed) == 6);
    tg_subscription *subscription;
    CHECK_STATUS(TG_E_NULL_ARGUMENT, tg_coordinator_subscribe(NULL, NULL, &lost, destroy, &subscription, NULL));
    CHECK(atomic_load(&lost.destroyed) == 7);
    return check_report("ownership");
}
