/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CExecution.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

tge_clock tge_clock_record;

static int64_t monotonic(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#if defined(__x86_64__)

enum { CALIBRATION_NS = 20000000 };
/* In ticks, some microseconds: a reading of both clocks that took longer is not one moment. */
enum { LONGEST_READING = 20000 };

/* UNKNOWN -> DISTRUSTED, or UNKNOWN -> MEASURING (first reading) -> DONE (the one that wins the exchange publishes) */
enum { UNKNOWN = 0, DISTRUSTED = 1, MEASURING = 2, DONE = 3 };

static _Atomic int phase = UNKNOWN;
static pthread_once_t first_once = PTHREAD_ONCE_INIT;
/* The first reading; written in first_reading, before MEASURING. */
static uint64_t first_ticks;
static int64_t first_ns;

static bool kernel_trusts_counter(void) {
    char name[8] = "";
    const int file = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    const ssize_t length = read(file, name, sizeof name - 1);
    (void)close(file);
    return length >= 3 && strncmp(name, "tsc", 3) == 0 && (length == 3 || name[3] == '\n');
}

static void first_reading(void) {
    if (!kernel_trusts_counter()) {
        atomic_store(&phase, DISTRUSTED);
        return;
    }
    /* Again, where the thread lost its processor between the two. */
    for (int attempt = 0; attempt < 100; attempt++) {
        const uint64_t before = __builtin_ia32_rdtsc();
        first_ns = monotonic();
        const uint64_t after = __builtin_ia32_rdtsc();
        first_ticks = before + (after - before) / 2;
        if (after - before < LONGEST_READING) {
            atomic_store(&phase, MEASURING);
            return;
        }
    }
    atomic_store(&phase, DISTRUSTED);
}

static void calibrate(void) {
    const uint64_t before = __builtin_ia32_rdtsc();
    const int64_t now = monotonic();
    const uint64_t after = __builtin_ia32_rdtsc();
    const int64_t elapsed = now - first_ns;
    const uint64_t ticks = before + (after - before) / 2;
    /* Preempted between the two, or too early: the next caller tries again. */
    if (elapsed < CALIBRATION_NS || after - before > LONGEST_READING) return;
    if (ticks <= first_ticks) {
        atomic_store(&phase, DISTRUSTED);
        return;
    }
    int expected = MEASURING;
    if (!atomic_compare_exchange_strong(&phase, &expected, DONE)) return;
    tge_clock_record.ticks = ticks;
    tge_clock_record.ns = now;
    const uint64_t scale = (uint64_t)((((unsigned __int128)elapsed) << 32) / (ticks - first_ticks));
    __atomic_store_n(&tge_clock_record.scale, scale, __ATOMIC_RELEASE);
}

int64_t tge_now_ns_slowly(void) {
    (void)pthread_once(&first_once, first_reading);
    if (atomic_load_explicit(&phase, memory_order_acquire) == MEASURING) calibrate();
    return monotonic();
}

#else

int64_t tge_now_ns_slowly(void) { return monotonic(); }

#endif
