//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// A child task a chunk.
struct W1bTaskGroup: Contender {
    let name = "TaskGroup, chunks"

    func measure(_ batch: Batch) async -> Sample {
        await timed(batch.count) {
            let slots = ResultSlots(batch.count)
            await withDiscardingTaskGroup { group in
                for chunk in batch.chunks { group.addTask { batch.fill(slots, chunk) } }
            }
            return slots.weightedSum
        }
    }
}
