//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// Tasks submitted at once and gathered, so many times: all waves are equal.
protocol Waves: Sendable {
    /// Tasks of a wave.
    var size: Int { get }
    var repeats: Int { get }
    /// The work of one wave, one task after the other, on the calling thread: the sum of its results.
    func serial() -> UInt64
}

extension Waves {
    static var metrics: [Metric] {
        [Metric("time a task", "ns", .lower), Metric("efficiency", "% of CPUs × serial loop", .higher)]
    }

    /// What all waves amount to.
    var checksum: UInt64 { UInt64(repeats) &* serial() }

    /// The serial loop for the clock, then the contender's waves: time a task, and how much of all processors' time the
    /// waves turned into work.
    func measure(_ wave: () async throws -> UInt64) async rethrows -> Sample {
        _ = try await wave()
        let alone = timeAlone()
        var timing = Timing()
        for _ in 0..<repeats { timing.checksum &+= try await wave() }
        return sample(timing, alone: alone)
    }

    /// The same on a thread of its own, for waves that block.
    func measureBlocking(_ wave: @escaping @Sendable () -> UInt64) async throws -> Sample {
        try await onOwnThread {
            _ = wave()
            let alone = timeAlone()
            var timing = Timing()
            for _ in 0..<repeats { timing.checksum &+= wave() }
            return sample(timing, alone: alone)
        }
    }

    private func timeAlone() -> Double {
        let timing = Timing()
        for _ in 0..<repeats { precondition(serial() != 0, "the serial loop gave nothing") }
        return timing.nanoseconds
    }

    private func sample(_ timing: Timing, alone: Double) -> Sample {
        let together = timing.nanoseconds
        return Sample(
            checksum: timing.checksum, together / Double(size * repeats), 100 * alone / (Double(cpuCount) * together))
    }
}
