//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch

/// `concurrentPerform`, an iteration a chunk.
struct W1bDispatch: Contender {
    let name = "Dispatch concurrentPerform, chunks"

    func measure(_ batch: Batch) async throws -> Sample {
        try await timedOnThread(batch.count) {
            let slots = ResultSlots(batch.count)
            let chunks = batch.chunks
            DispatchQueue.concurrentPerform(iterations: chunks.count) { batch.fill(slots, chunks[$0]) }
            return slots.weightedSum
        }
    }
}
