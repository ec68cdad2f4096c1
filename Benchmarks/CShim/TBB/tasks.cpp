/* SPDX-License-Identifier: Apache-2.0
 *
 * W1 and W1b. */
#include "arena.hpp"

#ifdef BENCH_HAS_TBB
#include "CBenchSupport.h"
#include <atomic>
#include <future>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_group.h>
#include <semaphore>
#include <vector>

namespace {
uint64_t sum(const std::vector<uint64_t> &results) {
    uint64_t total = 0;
    for (uint64_t result : results) total += result;
    return total;
}
}  // namespace

uint64_t bench_tbb_group_noops(bench_tbb_arena *arena, uint64_t count) {
    std::vector<uint64_t> results(count);
    arena->joined.execute([&] {
        oneapi::tbb::task_group group;
        for (uint64_t index = 0; index < count; index++) {
            group.run([slot = &results[index], index] { *slot = index + 1; });
        }
        group.wait();
    });
    return sum(results);
}

uint64_t bench_tbb_enqueue_noops(bench_tbb_arena *arena, uint64_t count) {
    struct shared_state {
        std::atomic<uint64_t> left;
        std::binary_semaphore done{0};
    } shared{{count}};
    std::vector<uint64_t> results(count);
    for (uint64_t index = 0; index < count; index++) {
        arena->workers.enqueue([slot = &results[index], index, &shared] {
            *slot = index + 1;
            if (shared.left.fetch_sub(1, std::memory_order_acq_rel) == 1) shared.done.release();
        });
    }
    if (count > 0) shared.done.acquire();
    return sum(results);
}

uint64_t bench_tbb_future_noops(bench_tbb_arena *arena, uint64_t count) {
    std::vector<std::future<uint64_t>> futures;
    futures.reserve(count);
    for (uint64_t index = 0; index < count; index++) {
        // enqueue wants a callable that can be copied, and a promise cannot.
        auto promise = std::make_shared<std::promise<uint64_t>>();
        futures.push_back(promise->get_future());
        arena->workers.enqueue([promise = std::move(promise), index] { promise->set_value(index + 1); });
    }
    uint64_t total = 0;
    for (auto &future : futures) total += future.get();
    return total;
}

void bench_tbb_for(bench_tbb_arena *arena, size_t count, void (*body)(void *, size_t), void *context) {
    arena->joined.execute([&] { oneapi::tbb::parallel_for(size_t(0), count, [&](size_t index) { body(context, index); }); });
}

void bench_tbb_batch(bench_tbb_arena *arena, uint64_t *results, size_t count, uint64_t steps) {
    arena->joined.execute([&] {
        oneapi::tbb::parallel_for(oneapi::tbb::blocked_range<size_t>(0, count), [=](const auto &range) {
            for (size_t index = range.begin(); index != range.end(); index++) results[index] = bench_churn(index, steps);
        });
    });
}
#endif
