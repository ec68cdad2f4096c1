/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CBenchSupport.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t bench_process_cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

void bench_sleep_until_ns(int64_t deadline_ns) {
    struct timespec deadline = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR) {}
}

/* The process's mask: that of its main thread, which the harness never pins. Sized for 16,384 CPUs. */
#define BENCH_CPUS 16384

static cpu_set_t *process_mask(size_t *size) {
    *size = CPU_ALLOC_SIZE(BENCH_CPUS);
    cpu_set_t *mask = CPU_ALLOC(BENCH_CPUS);
    if (mask && sched_getaffinity(getpid(), *size, mask) != 0) {
        CPU_FREE(mask);
        return NULL;
    }
    return mask;
}

int bench_cpu_count(void) {
    size_t size;
    cpu_set_t *mask = process_mask(&size);
    if (!mask) return 1;
    int count = CPU_COUNT_S(size, mask);
    CPU_FREE(mask);
    return count > 0 ? count : 1;
}

int bench_pin_thread(int index) {
    size_t size;
    cpu_set_t *mask = process_mask(&size);
    if (!mask) return errno;
    int left = index % CPU_COUNT_S(size, mask), result = EINVAL;
    for (int cpu = 0; cpu < BENCH_CPUS; cpu++) {
        if (!CPU_ISSET_S(cpu, size, mask) || left-- > 0) continue;
        CPU_ZERO_S(size, mask);
        CPU_SET_S(cpu, size, mask);
        result = pthread_setaffinity_np(pthread_self(), size, mask);
        break;
    }
    CPU_FREE(mask);
    return result;
}

void bench_trim_heap(void) { malloc_trim(0); }
