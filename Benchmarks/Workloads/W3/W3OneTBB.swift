//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchTBB

/// `parallel_for`, which submits no single tasks; the operations are the ones in Swift.
struct W3OneTBB: Contender {
    /// What the callback gets.
    private final class Job {
        let wave: Wave
        let slots: ResultSlots

        init(_ wave: Wave) {
            self.wave = wave
            slots = ResultSlots(wave.size)
        }
    }

    let name = "oneTBB parallel_for"

    var absence: String? { tbbAbsence }

    func measure(_ wave: Wave) async throws -> Sample {
        let arena = try TBBArena()
        return try await wave.measureBlocking {
            let job = Job(wave)
            bench_tbb_for(
                arena.raw, wave.size,
                { context, index in
                    let job = Unmanaged<Job>.fromOpaque(context!).takeUnretainedValue()
                    job.slots[index] = job.wave.operation(index)
                }, Unmanaged.passUnretained(job).toOpaque())
            return withExtendedLifetime(job) { job.slots.sum }
        }
    }
}
