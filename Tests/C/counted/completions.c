/* SPDX-License-Identifier: Apache-2.0
 * A completion queue hands out a million completions without an allocation for each. Every malloc of the process comes by here;
 * no sanitizer beside it. */
#include "check.h"

/* glibc's own, under the names that it keeps for this. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_long allocations;
void *malloc(size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}
void *realloc(void *pointer, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(pointer, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    *out = __libc_memalign(alignment, size);
    return *out == NULL ? 12 : 0;
}
void free(void *pointer) { __libc_free(pointer); }

enum { count = 1000000 };

static int32_t number(tg_context *context, void *argument, tg_result *result) {
    (void)context;
    result->value.u64 = (uint64_t)(uintptr_t)argument;
    return 0;
}

/* All settle and are taken, one allocation a hundred at most: the engine's own, for threads and blocks of its mailboxes. */
static void drain(tg_coordinator *coordinator, tg_completion_queue *queue, bool one_by_one) {
    tg_operation *operation;
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    void **arguments = malloc(count * sizeof *arguments);
    options.queue = queue;
    options.tag = queue;
    NEED(tg_operation_create(coordinator, "number", number, NULL, &operation, NULL));
    NEED(tg_coordinator_pause(coordinator, NULL, NULL, NULL));
    for (size_t i = 0; i < count; i++) arguments[i] = (void *)(uintptr_t)(i + 1);
    long before = atomic_load(&allocations);
    if (one_by_one) {
        for (size_t i = 0; i < count; i++) NEED(tg_submit(operation, arguments[i], &options, NULL, NULL));
    } else {
        NEED(tg_submit_many(operation, arguments, count, &options, NULL, NULL));
    }
    long submitted = atomic_load(&allocations) - before;
    CHECK(submitted >= count); /* the counter counts: a token is one allocation */

    before = atomic_load(&allocations);
    NEED(tg_coordinator_resume(coordinator, NULL, NULL, NULL));
    uint64_t sum = 0;
    size_t taken = 0;
    while (taken < count) {
        tg_completion completions[64];
        size_t now = 0;
        if (tg_completion_queue_take(queue, completions, 64, 60 * TG_SECOND, &now, NULL) != TG_OK) break;
        for (size_t i = 0; i < now; i++) {
            if (completions[i].status != TG_OK || completions[i].tag != queue) continue;
            sum += completions[i].value.u64;
            NEED(tg_token_release(completions[i].token));
        }
        taken += now;
    }
    long drained = atomic_load(&allocations) - before;
    CHECK(taken == count);
    CHECK(sum == (uint64_t)count * (count + 1) / 2);
    CHECK(drained < count / 100);
    printf("%s: %.3f allocations a submission, %.6f a completion\n", one_by_one ? "one by one" : "in bulk",
           (double)submitted / count, (double)drained / count);
    NEED(tg_operation_destroy(operation, NULL));
    free(arguments);
}

static int32_t slowly(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    usleep(100);
    return 0;
}

/* A consumer that is faster than the bodies finds the queue empty each time, and has to wait. */
static void starve(tg_coordinator *coordinator, tg_completion_queue *queue) {
    enum { slow = 4000 };
    tg_operation *operation;
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    options.queue = queue;
    NEED(tg_operation_create(coordinator, "slowly", slowly, NULL, &operation, NULL));
    NEED(tg_coordinator_pause(coordinator, NULL, NULL, NULL));
    NEED(tg_submit_many(operation, NULL, slow, &options, NULL, NULL));
    long before = atomic_load(&allocations);
    NEED(tg_coordinator_resume(coordinator, NULL, NULL, NULL));
    size_t taken = 0, waits = 0;
    while (taken < slow) {
        tg_completion completion;
        size_t now = 0;
        tg_status status = tg_completion_queue_take(queue, &completion, 1, 60 * TG_SECOND, &now, NULL);
        if (status != TG_OK) break;
        NEED(tg_token_release(completion.token));
        taken += now;
        /* And one that polls. */
        if (tg_completion_queue_take(queue, &completion, 1, 0, &now, NULL) == TG_OK) {
            NEED(tg_token_release(completion.token));
            taken += now;
        } else {
            waits++;
        }
    }
    long drained = atomic_load(&allocations) - before;
    CHECK(taken == slow);
    CHECK(drained < slow / 10);
    printf("slow bodies: %.6f allocations a completion, %zu of %d times the queue was empty\n", (double)drained / slow, waits, slow);
    NEED(tg_operation_destroy(operation, NULL));
}

int main(void) {
    tg_coordinator *coordinator;
    tg_completion_queue *queue;
    tg_config config = TG_CONFIG_INIT;
    config.adaptation = TG_ADAPTATION_OFF; /* its sampler allocates, now and then, whatever is done */
    NEED(tg_coordinator_create(&config, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_completion_queue_create(&queue, NULL));
    drain(coordinator, queue, true);
    drain(coordinator, queue, false);
    starve(coordinator, queue);
    NEED(tg_completion_queue_destroy(queue, NULL));
    NEED(tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
    return check_report("completions");
}
