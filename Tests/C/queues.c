/* SPDX-License-Identifier: Apache-2.0
 * A completion queue is destroyed while others take from it, poll it, add to it: each of them is told, and nothing of it is used
 * after. */
#include "check.h"

#include <pthread.h>

static tg_coordinator *coordinator;
static tg_operation *operation;

static int32_t nothing(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    return 0;
}

static atomic_int at_it;
static void *take_until_gone(void *queue) {
    tg_completion completions[4];
    atomic_fetch_add(&at_it, 1);
    for (int64_t timeout = 0;; timeout = timeout ? 0 : TG_FOREVER) {
        size_t count = 0;
        tg_status status = tg_completion_queue_take(queue, completions, 4, timeout, &count, NULL);
        if (status == TG_E_INVALID_HANDLE) return NULL;
        CHECK(status == TG_OK || status == TG_E_WAIT_TIMED_OUT);
        for (size_t i = 0; i < count; i++) NEED(tg_token_release(completions[i].token));
    }
}

static void *add_until_gone(void *queue) {
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    options.queue = queue;
    atomic_fetch_add(&at_it, 1);
    while (tg_submit(operation, NULL, &options, NULL, NULL) == TG_OK) {}
    CHECK(tg_completion_queue_fd(queue) == TG_E_INVALID_HANDLE);
    return NULL;
}

int main(void) {
    NEED(tg_coordinator_create(NULL, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_operation_create(coordinator, "nothing", nothing, NULL, &operation, NULL));
    for (int round = 0; round < 200; round++) {
        tg_completion_queue *queue;
        pthread_t threads[4];
        atomic_store(&at_it, 0);
        NEED(tg_completion_queue_create(&queue, NULL));
        for (int i = 0; i < 4; i++)
            if (pthread_create(&threads[i], NULL, i < 3 ? take_until_gone : add_until_gone, queue) != 0) abort();
        EVENTUALLY(atomic_load(&at_it) == 4);
        if (round % 2) usleep((unsigned)round * 10);
        NEED(tg_completion_queue_destroy(queue, NULL));
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    }
    NEED(tg_operation_destroy(operation, NULL));
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    return check_report("queues");
}
