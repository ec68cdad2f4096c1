/* SPDX-License-Identifier: Apache-2.0
 *
 * The workloads' contenders on oneTBB, behind a C header. Where oneTBB is missing the functions exist and do nothing:
 * ask bench_tbb_version first.
 * Times are nanoseconds. No function warms up: each does its work once, and the caller calls it as often as it likes.
 */
#ifndef TOKENGATE_CBENCHTBB_H
#define TOKENGATE_CBENCHTBB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, or NULL where it is missing. */
const char *bench_tbb_version(void);

/* Makes an arena with one worker thread a CPU, beside the caller; every call below needs one. NULL where oneTBB is
 * missing. Serialise per arena. */
typedef struct bench_tbb_arena bench_tbb_arena;
bench_tbb_arena *bench_tbb_create(int cpus);
void bench_tbb_destroy(bench_tbb_arena *arena);

/* W1: `count` tasks; the sum of their results. Spawned by the caller, who helps while it waits. */
uint64_t bench_tbb_group_noops(bench_tbb_arena *arena, uint64_t count);
/* The same by task_arena::enqueue; the caller only waits. */
uint64_t bench_tbb_enqueue_noops(bench_tbb_arena *arena, uint64_t count);
/* The same with one std::promise a task, awaited in order. */
uint64_t bench_tbb_future_noops(bench_tbb_arena *arena, uint64_t count);

/* parallel_for over 0..<count: body(context, index). */
void bench_tbb_for(bench_tbb_arena *arena, size_t count, void (*body)(void *, size_t), void *context);
/* W1b: parallel_for that collects churn(index, steps). */
void bench_tbb_batch(bench_tbb_arena *arena, uint64_t *results, size_t count, uint64_t steps);

/* W2: `count` times: sleep `pause_ns`, enqueue one task, wait for it by a std::binary_semaphore. */
uint64_t bench_tbb_round_trips(bench_tbb_arena *arena, uint64_t count, int64_t pause_ns, int64_t *latencies);

/* W4: a light task every `period_ns` in a high-priority arena while `outstanding` heavy ones of `heavy_steps` are kept
 * in a low-priority one. Stores `lights` latencies and the heavy tasks finished; returns the lights' checksum, or 0 when
 * a heavy task's result was wrong. */
uint64_t bench_tbb_mixed(int cpus, uint64_t lights, int64_t period_ns, uint64_t outstanding, uint64_t heavy_steps,
                         int64_t *latencies, double *heavy_per_second);

/* W5: `count` updates over `states` states of `words` words at `memory`, one std::mutex a state. */
void bench_tbb_updates(bench_tbb_arena *arena, uint64_t *memory, size_t states, size_t words, uint64_t count);

/* Leads: one round, a lead a set, that adds `value`; see the workload for what a lead does. */
uint64_t bench_tbb_leads(bench_tbb_arena *arena, uint64_t *memory, size_t sets, size_t words, uint64_t value,
                         uint64_t children);

#ifdef __cplusplus
}
#endif

#endif
