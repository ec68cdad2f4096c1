/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.hpp"

#ifdef BENCH_HAS_TBB

const char *bench_tbb_version(void) { return TBB_runtime_version(); }
bench_tbb_arena *bench_tbb_create(int cpus) { return new bench_tbb_arena(cpus); }
void bench_tbb_destroy(bench_tbb_arena *arena) { delete arena; }

#else

const char *bench_tbb_version(void) { return nullptr; }
bench_tbb_arena *bench_tbb_create(int) { return nullptr; }
void bench_tbb_destroy(bench_tbb_arena *) {}
uint64_t bench_tbb_group_noops(bench_tbb_arena *, uint64_t) { return 0; }
uint64_t bench_tbb_enqueue_noops(bench_tbb_arena *, uint64_t) { return 0; }
uint64_t bench_tbb_future_noops(bench_tbb_arena *, uint64_t) { return 0; }
void bench_tbb_for(bench_tbb_arena *, size_t, void (*)(void *, size_t), void *) {}
void bench_tbb_batch(bench_tbb_arena *, uint64_t *, size_t, uint64_t) {}
uint64_t bench_tbb_round_trips(bench_tbb_arena *, uint64_t, int64_t, int64_t *) { return 0; }
uint64_t bench_tbb_mixed(int, uint64_t, int64_t, uint64_t, uint64_t, int64_t *, double *) { return 0; }
void bench_tbb_updates(bench_tbb_arena *, uint64_t *, size_t, size_t, uint64_t) {}
uint64_t bench_tbb_leads(bench_tbb_arena *, uint64_t *, size_t, size_t, uint64_t, uint64_t) { return 0; }

#endif
