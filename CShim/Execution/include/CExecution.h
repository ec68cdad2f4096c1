/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine needs of a thread and cannot say in Swift: one thread-local record, one futex-based parker, a clock.
 * Private: no product exposes this header.
 */
#ifndef TOKENGATE_CEXECUTION_H
#define TOKENGATE_CEXECUTION_H

#include <stdbool.h>
#include <stdint.h>

/* The record every thread owns. Only its own thread reads or writes it.
 *   frame   the innermost synchronous body running on this thread, or NULL (a Swift object, borrowed)
 *   worker  the engine's record of this thread when it is one of its workers, or NULL (borrowed)
 *   serial  the serial executor of ours whose job this thread runs, or NULL (borrowed)
 *   resuming  the callbacks that the outermost settlement on this thread still has to call, or NULL (borrowed)
 *   shard   1 + the counter shard this thread adds to; 0 until it first submits
 *   ticket  how many free tokens this thread has placed; spreads them over domains
 *   burst   how many of them came one upon the other, since it waited last or paused
 *   cpu     where the thread ran when that was last looked up, during a burst
 *   owes    1: a wake-up was put off, and is due when the thread waits
 *   submitted_at  when it placed one last, in nanoseconds
 *   cached_submitter, cached_generation
 *           the process default as this thread last saw it: one owned reference, dropped at thread exit
 */
typedef struct tge_thread {
    void *frame;
    void *worker;
    void *serial;
    void *resuming;
    uint32_t shard;
    uint32_t ticket;
    uint32_t burst;
    int32_t cpu;
    uint32_t owes;
    int64_t submitted_at;
    uint64_t cached_generation;
    void *cached_submitter;
} tge_thread;

extern _Thread_local tge_thread tge_thread_record;

/* The calling thread's record. Never keep the pointer across a suspension point: the task may move. */
static inline tge_thread *tge_self(void) { return &tge_thread_record; }

/* Stores `submitter` (an owned reference, or NULL) for this thread and returns what was stored before, which the
 * caller now owns. `release` is called with what is still stored when the thread exits. */
void *tge_cache_submitter(void *submitter, uint64_t generation, void (*release)(void *));

/* Bytes of stack left below the caller on this thread; SIZE_MAX where it cannot be told. */
uint64_t tge_stack_left(void);

/* Runs `work(context)` on a detached thread of its own; false where there is none to be had. */
bool tge_thread_start(void (*work)(void *), void *context);

/* A parker: one thread parks, any thread unparks; a single unpark is remembered. */
typedef struct tge_parker tge_parker;

/* Returns NULL when memory is exhausted. */
tge_parker *tge_parker_create(void);
void tge_parker_destroy(tge_parker *parker);

/* Blocks until unparked or until `timeout_ns` has passed (negative: without limit). True when it was unparked. An
 * unpark that came first makes it return at once. Profilers show an idle worker under this name. */
bool tge_parker_wait_for_work(tge_parker *parker, int64_t timeout_ns);

/* Wakes the parked thread, or makes its next wait return at once. The memory effects of what came before are visible
 * to the thread that wakes. */
void tge_parker_unpark(tge_parker *parker);

/* True when an unpark is pending; reads only, so a spinning thread may poll it. */
bool tge_parker_is_notified(tge_parker *parker);

/* Tells the processor that the caller spins. */
static inline void tge_spin_hint(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield" ::: "memory");
#endif
}

/* Lets another thread of this processor run, if one wants to. */
void tge_yield(void);

/* --- clock ---------------------------------------------------------------------------------------------------------
 *
 * Two readings a token are a tenth of its time by clock_gettime, so where the kernel itself keeps time by the processor's
 * time stamp counter (x86-64; /sys/devices/system/clocksource says "tsc": constant, and the same on all processors), the
 * counter is read directly. Its rate is taken once, over the first 20 ms, so intervals are exact to some 10 ppm, and to
 * what the system clock is slewed by later. */
typedef struct tge_clock {
    /* Nanoseconds a tick, times 2^32; 0 while clock_gettime is used. Written once, after the other two. */
    uint64_t scale;
    uint64_t ticks;
    int64_t ns;
} tge_clock;

extern tge_clock tge_clock_record;

int64_t tge_now_ns_slowly(void);

/* Nanoseconds that go on like CLOCK_MONOTONIC's. */
static inline int64_t tge_now_ns(void) {
#if defined(__x86_64__)
    const uint64_t scale = __atomic_load_n(&tge_clock_record.scale, __ATOMIC_ACQUIRE);
    if (__builtin_expect(scale != 0, 1)) {
        const uint64_t ticks = __builtin_ia32_rdtsc() - tge_clock_record.ticks;
        return tge_clock_record.ns + (int64_t)(uint64_t)(((unsigned __int128)ticks * scale) >> 32);
    }
#endif
    return tge_now_ns_slowly();
}

#endif
