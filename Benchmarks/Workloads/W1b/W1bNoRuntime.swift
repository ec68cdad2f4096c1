//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// One thread, one loop.
struct W1bSerial: Contender {
    let name = "serial loop"
    let standing = Standing.reference

    func measure(_ batch: Batch) async throws -> Sample {
        try await timedOnThread(batch.count) {
            let slots = ResultSlots(batch.count)
            batch.fill(slots, 0..<batch.count)
            return slots.weightedSum
        }
    }
}

/// A thread a CPU, made for the occasion, that take chunks from one counter.
struct W1bThreads: Contender {
    let name = "new threads, chunks"
    let standing = Standing.reference

    func measure(_ batch: Batch) async throws -> Sample {
        try await timed(batch.count) {
            let slots = ResultSlots(batch.count)
            let chunks = batch.chunks
            let next = SharedCounter()
            try await onThreads(cpuCount) { _ in
                while let chunk = next.take(below: chunks.count) { batch.fill(slots, chunks[chunk]) }
            }
            return slots.weightedSum
        }
    }
}
