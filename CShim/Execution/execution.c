/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CExecution.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Thread_local tge_thread tge_thread_record;

/* --- the cached process default ------------------------------------------------------------------------------- */

static pthread_once_t cache_once = PTHREAD_ONCE_INIT;
static pthread_key_t cache_key;
/* Always the same function. Atomic, since every thread writes it before its first key value and reads it at its end. */
static void (*_Atomic cache_release)(void *);

static void cache_thread_exit(void *unused) {
    (void)unused;
    void *held = tge_thread_record.cached_submitter;
    tge_thread_record.cached_submitter = NULL;
    if (held != NULL) atomic_load_explicit(&cache_release, memory_order_relaxed)(held);
}

static void cache_make_key(void) { (void)pthread_key_create(&cache_key, cache_thread_exit); }

void *tge_cache_submitter(void *submitter, uint64_t generation, void (*release)(void *)) {
    atomic_store_explicit(&cache_release, release, memory_order_relaxed);
    (void)pthread_once(&cache_once, cache_make_key);
    void *before = tge_thread_record.cached_submitter;
    tge_thread_record.cached_submitter = submitter;
    tge_thread_record.cached_generation = generation;
    (void)pthread_setspecific(cache_key, submitter);
    return before;
}

/* --- stack ---------------------------------------------------------------------------------------------------- */

static _Thread_local char *stack_low;

uint64_t tge_stack_left(void) {
    char here;
    if (stack_low == NULL) {
        pthread_attr_t attributes;
        void *low = NULL;
        size_t size = 0;
        if (pthread_getattr_np(pthread_self(), &attributes) != 0) return SIZE_MAX;
        if (pthread_attr_getstack(&attributes, &low, &size) == 0) stack_low = (char *)low;
        (void)pthread_attr_destroy(&attributes);
        if (stack_low == NULL) return SIZE_MAX;
    }
    return (&here > stack_low) ? (uint64_t)(&here - stack_low) : 0;
}

/* --- parker --------------------------------------------------------------------------------------------------- */

/* EMPTY -> NOTIFIED (unpark), EMPTY -> PARKED (wait) -> NOTIFIED (unpark) -> EMPTY (the wait returns) */
enum { EMPTY = 0, NOTIFIED = 1, PARKED = 2 };

struct tge_parker {
    _Alignas(64) _Atomic uint32_t state;
};

tge_parker *tge_parker_create(void) {
    tge_parker *parker = aligned_alloc(64, sizeof *parker);
    if (parker != NULL) atomic_init(&parker->state, EMPTY);
    return parker;
}

void tge_parker_destroy(tge_parker *parker) { free(parker); }

bool tge_parker_is_notified(tge_parker *parker) {
    return atomic_load_explicit(&parker->state, memory_order_relaxed) == NOTIFIED;
}

void tge_yield(void) { (void)sched_yield(); }


bool tge_parker_wait_for_work(tge_parker *parker, int64_t timeout_ns) {
    uint32_t expected = NOTIFIED;
    if (atomic_compare_exchange_strong(&parker->state, &expected, EMPTY)) return true;
    if (timeout_ns == 0) return false;
    expected = EMPTY;
    if (!atomic_compare_exchange_strong(&parker->state, &expected, PARKED)) {
        atomic_store(&parker->state, EMPTY); /* notified between the two */
        return true;
    }
    const int64_t now = timeout_ns < 0 ? 0 : tge_now_ns();
    const int64_t deadline = timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    for (;;) {
        struct timespec left, *limit = NULL;
        if (timeout_ns >= 0) {
            int64_t rest = deadline - tge_now_ns();
            if (rest <= 0) break;
            left.tv_sec = rest / 1000000000;
            left.tv_nsec = rest % 1000000000;
            limit = &left;
        }
        (void)syscall(SYS_futex, &parker->state, FUTEX_WAIT_PRIVATE, PARKED, limit, NULL, 0);
        expected = NOTIFIED;
        if (atomic_compare_exchange_strong(&parker->state, &expected, EMPTY)) return true;
    }
    /* timed out: take the parked mark back, unless an unpark wins the race */
    return atomic_exchange(&parker->state, EMPTY) == NOTIFIED;
}

void tge_parker_unpark(tge_parker *parker) {
    /* The woken thread may free the parker as soon as it sees NOTIFIED, so nothing of it is read after the exchange;
     * a wake on an address nobody waits at is harmless. */
    if (atomic_exchange(&parker->state, NOTIFIED) == PARKED)
        (void)syscall(SYS_futex, &parker->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

struct thread_work {
    void (*work)(void *);
    void *context;
};

static void *thread_run(void *argument) {
    struct thread_work work = *(struct thread_work *)argument;
    free(argument);
    work.work(work.context);
    return NULL;
}

bool tge_thread_start(void (*work)(void *), void *context) {
    struct thread_work *argument = malloc(sizeof *argument);
    if (argument == NULL) return false;
    *argument = (struct thread_work){work, context};
    pthread_attr_t attributes;
    pthread_t thread;
    bool started = pthread_attr_init(&attributes) == 0;
    if (started) {
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        started = pthread_create(&thread, &attributes, thread_run, argument) == 0;
        (void)pthread_attr_destroy(&attributes);
    }
    if (!started) free(argument);
    return started;
}
