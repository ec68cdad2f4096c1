/* SPDX-License-Identifier: Apache-2.0
 *
 * W5 and leads. */
#include "arena.hpp"

#ifdef BENCH_HAS_TBB
#include "CBenchSupport.h"
#include <atomic>
#include <mutex>
#include <oneapi/tbb/task_group.h>
#include <vector>

void bench_tbb_updates(bench_tbb_arena *arena, uint64_t *memory, size_t states, size_t words, uint64_t count) {
    struct alignas(64) lock {
        std::mutex mutex;
    };
    std::vector<lock> locks(states);
    arena->joined.execute([&] {
        oneapi::tbb::task_group group;
        for (uint64_t index = 0; index < count; index++) {
            group.run([=, &locks] {
                const size_t state = index % states;
                std::lock_guard guard(locks[state].mutex);
                bench_update(memory + state * words, words, index + 1);
            });
        }
        group.wait();
    });
}

uint64_t bench_tbb_leads(bench_tbb_arena *arena, uint64_t *memory, size_t sets, size_t words, uint64_t value,
                         uint64_t children) {
    std::atomic<uint64_t> total{0};
    arena->joined.execute([&] {
        oneapi::tbb::task_group leads;
        for (size_t set = 0; set < sets; set++) {
            leads.run([=, &total] {
                uint64_t *const working = memory + set * words;
                bench_update(working, words, value);
                std::vector<uint64_t> sums(children);
                oneapi::tbb::task_group group;
                for (uint64_t child = 0; child < children; child++) {
                    group.run([=, slot = &sums[child]] { *slot = bench_sum(working, words) + child; });
                }
                group.wait();
                uint64_t sum = 0;
                for (uint64_t result : sums) sum += result;
                total.fetch_add(sum);
            });
        }
        leads.wait();
    });
    return total.load();
}
#endif
