/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks, CPU masks and the one piece of work that all contenders share.
 */
#ifndef TOKENGATE_CBENCHSUPPORT_H
#define TOKENGATE_CBENCHSUPPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t bench_now_ns(void);

/* Processor time of the whole process in nanoseconds. */
int64_t bench_process_cpu_ns(void);

/* Sleeps until CLOCK_MONOTONIC reaches `deadline_ns`. */
void bench_sleep_until_ns(int64_t deadline_ns);

/* How many CPUs the process may use. */
int bench_cpu_count(void);

/* Pins the calling thread to the process's CPU number `index`, counted modulo the CPUs that it may use. 0, or errno. */
int bench_pin_thread(int index);

/* Gives memory that nobody uses back to the system, so that no contender inherits another one's heap. */
void bench_trim_heap(void);

/* `steps` multiplications, each waiting for the one before it, so that every compiler makes the same loop of it. */
static inline uint64_t bench_churn(uint64_t seed, uint64_t steps) {
    uint64_t x = seed;
    for (uint64_t step = 0; step < steps; step++) x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u + 1;
    return x;
}

/* Adds `value` to the first word of every cache line: one update of a state. */
static inline void bench_update(uint64_t *state, size_t words, uint64_t value) {
    for (size_t word = 0; word < words; word += 8) state[word] += value;
}

/* Sums the first word of every cache line. */
static inline uint64_t bench_sum(const uint64_t *state, size_t words) {
    uint64_t sum = 0;
    for (size_t word = 0; word < words; word += 8) sum += state[word];
    return sum;
}

#ifdef __cplusplus
}
#endif

#endif
