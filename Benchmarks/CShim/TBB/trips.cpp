/* SPDX-License-Identifier: Apache-2.0
 *
 * W2 and W4. */
#include "arena.hpp"

#ifdef BENCH_HAS_TBB
#include "CBenchSupport.h"
#include <atomic>
#include <deque>
#include <semaphore>
#include <thread>

uint64_t bench_tbb_round_trips(bench_tbb_arena *arena, uint64_t count, int64_t pause_ns, int64_t *latencies) {
    std::binary_semaphore done{0};
    uint64_t total = 0, result = 0;
    for (uint64_t index = 0; index < count; index++) {
        if (pause_ns > 0) bench_sleep_until_ns(bench_now_ns() + pause_ns);
        int64_t begin = bench_now_ns();
        arena->workers.enqueue([&result, &done, index] {
            result = index + 1;
            done.release();
        });
        done.acquire();
        latencies[index] = bench_now_ns() - begin;
        total += result;
    }
    return total;
}

uint64_t bench_tbb_mixed(int cpus, uint64_t lights, int64_t period_ns, uint64_t outstanding, uint64_t heavy_steps,
                         int64_t *latencies, double *heavy_per_second) {
    using oneapi::tbb::task_arena;
    oneapi::tbb::global_control control(oneapi::tbb::global_control::max_allowed_parallelism, cpus + 1);
    task_arena low(cpus, 0, task_arena::priority::low), high(cpus, 0, task_arena::priority::high);
    low.initialize();
    high.initialize();
    const uint64_t expected = bench_churn(1, heavy_steps);
    std::atomic<bool> stopping{false}, wrong{false};
    std::atomic<uint64_t> finished{0}, alive{outstanding}, pending{lights}, sum{0};
    struct heavy_task {
        task_arena &arena;
        std::atomic<bool> &stopping, &wrong;
        std::atomic<uint64_t> &finished, &alive;
        uint64_t steps, expected;
        void operator()() const {
            if (bench_churn(1, steps) != expected) wrong.store(true);
            if (stopping.load()) {
                alive.fetch_sub(1);
                return;
            }
            finished.fetch_add(1);
            arena.enqueue(*this);
        }
    };
    for (uint64_t index = 0; index < outstanding; index++) {
        low.enqueue(heavy_task{low, stopping, wrong, finished, alive, heavy_steps, expected});
    }
    bench_sleep_until_ns(bench_now_ns() + 100000000);
    const int64_t begin = bench_now_ns();
    const uint64_t before = finished.load();
    for (uint64_t index = 0; index < lights; index++) {
        bench_sleep_until_ns(begin + int64_t(index) * period_ns);
        const int64_t submitted = bench_now_ns();
        high.enqueue([=, &sum, &pending] {
            latencies[index] = bench_now_ns() - submitted;
            sum.fetch_add(index + 1);
            pending.fetch_sub(1);
        });
    }
    *heavy_per_second = double(finished.load() - before) * 1e9 / double(bench_now_ns() - begin);
    stopping.store(true);
    while (pending.load() > 0 || alive.load() > 0) bench_sleep_until_ns(bench_now_ns() + 1000000);
    return wrong.load() ? 0 : sum.load();
}
#endif
