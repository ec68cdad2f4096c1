//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchTBB

/// `task_arena::enqueue` and a `std::binary_semaphore`; both sides spin for a while.
struct W2OneTBB: Contender {
    let name = "oneTBB enqueue + semaphore"

    var absence: String? { tbbAbsence }

    func measure(_ trips: Trips) async throws -> Sample {
        let arena = try TBBArena()
        return try await onOwnThread {
            var latencies = [Int64](repeating: 0, count: trips.count)
            _ = bench_tbb_round_trips(arena.raw, UInt64(trips.warmUps), 0, &latencies)
            let sum = bench_tbb_round_trips(arena.raw, UInt64(trips.count), trips.pause, &latencies)
            return trips.sample(sum, Latencies(latencies))
        }
    }
}
