/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOKENGATE_BENCH_ARENA_HPP
#define TOKENGATE_BENCH_ARENA_HPP

#include "CBenchTBB.h"

#ifdef BENCH_HAS_TBB
#include <memory>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/version.h>

/* oneTBB keeps one worker less than there are CPUs unless told otherwise; a caller that only submits needs them all. */
struct bench_tbb_arena {
    explicit bench_tbb_arena(int cpus)
        : control(oneapi::tbb::global_control::max_allowed_parallelism, cpus + 1),
          workers(cpus, 0),
          joined(cpus, 1) {
        workers.initialize();
        joined.initialize();
    }

    oneapi::tbb::global_control control;
    /* For callers that only wait. */
    oneapi::tbb::task_arena workers;
    /* For callers that help. */
    oneapi::tbb::task_arena joined;
};
#endif

#endif
