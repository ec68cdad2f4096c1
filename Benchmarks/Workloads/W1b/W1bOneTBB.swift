//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchTBB

/// `parallel_for` over a range.
struct W1bOneTBB: Contender {
    let name = "oneTBB parallel_for"

    var absence: String? { tbbAbsence }

    func measure(_ batch: Batch) async throws -> Sample {
        let arena = try TBBArena()
        return try await timedOnThread(batch.count) {
            let slots = ResultSlots(batch.count)
            bench_tbb_batch(arena.raw, slots.base, batch.count, batch.steps)
            return slots.weightedSum
        }
    }
}
