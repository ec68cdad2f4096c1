/* SPDX-License-Identifier: Apache-2.0
 * A completion queue in an event loop: its descriptor is readable while tokens have settled that nobody has taken. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <tokengate.h>
#include <unistd.h>

static int32_t cube(tg_context *context, void *argument, tg_result *result) {
    (void)context;
    int64_t number = (int64_t)(intptr_t)argument;
    result->value.i64 = number * number * number;
    return 0;
}

int main(void) {
    enum { calls = 100 };
    tg_coordinator *coordinator;
    tg_operation *operation;
    tg_completion_queue *queue;
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    if (tg_coordinator_create(NULL, &coordinator, NULL) != TG_OK) return 1;
    if (tg_coordinator_start(coordinator, NULL) != TG_OK) return 1;
    if (tg_completion_queue_create(&queue, NULL) != TG_OK) return 1;
    tg_operation_create(coordinator, "cube", cube, NULL, &operation, NULL);

    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = queue};
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, tg_completion_queue_fd(queue), &interest) != 0) return 1;

    options.queue = queue;
    for (intptr_t i = 1; i <= calls; i++) {
        options.tag = (void *)i;
        tg_submit(operation, (void *)i, &options, NULL, NULL);
    }
    int64_t sum = 0;
    for (size_t done = 0; done < calls;) {
        struct epoll_event event;
        if (epoll_wait(loop, &event, 1, -1) < 1) continue;
        tg_completion completions[16];
        size_t count;
        while (tg_completion_queue_take(event.data.ptr, completions, 16, 0, &count, NULL) == TG_OK) {
            for (size_t i = 0; i < count; i++) {
                if (completions[i].status == TG_OK) sum += completions[i].value.i64;
                tg_token_release(completions[i].token);
            }
            done += count;
        }
    }
    printf("sum of %d cubes: %" PRId64 "\n", calls, sum);
    close(loop);
    tg_completion_queue_destroy(queue, NULL);
    tg_operation_destroy(operation, NULL);
    tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL);
    tg_coordinator_destroy(coordinator, NULL);
    return 0;
}
