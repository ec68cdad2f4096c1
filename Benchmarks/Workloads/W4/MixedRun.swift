//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport
import Synchronization

/// The bookkeeping of one repetition of W4, for contenders in this process.
final class MixedRun: @unchecked Sendable {
    let mix: Mix
    private let expected: UInt64
    /// Each written by one light task, read when all are done.
    private let latencies: UnsafeMutablePointer<Int64>
    private let isStopping = Atomic(false)
    private let isWrong = Atomic(false)
    private let finished = Atomic(0)
    private let heavies: Atomic<Int>
    private let pending: Atomic<Int>
    private let sum = Atomic<UInt64>(0)

    init(_ mix: Mix) {
        self.mix = mix
        expected = bench_churn(1, mix.steps)
        latencies = .allocate(capacity: mix.lights)
        heavies = Atomic(mix.outstanding)
        pending = Atomic(mix.lights)
    }

    deinit { latencies.deallocate() }

    /// The body of a heavy task.
    ///
    /// - Returns: whether another one has to be submitted in its place.
    func runHeavy() -> Bool {
        if bench_churn(1, mix.steps) != expected { isWrong.store(true, ordering: .relaxed) }
        if isStopping.load(ordering: .relaxed) {
            heavies.subtract(1, ordering: .releasing)
            return false
        }
        finished.add(1, ordering: .relaxed)
        return true
    }

    /// The body of a light task.
    func runLight(_ index: Int, submitted: Int64) {
        latencies[index] = bench_now_ns() - submitted
        sum.add(UInt64(index + 1), ordering: .relaxed)
        pending.subtract(1, ordering: .releasing)
    }

    /// Loads the contender from the calling thread, which is an ordinary one.
    ///
    /// - Parameters:
    ///   - submitHeavy: submits `runHeavy`, and goes on doing so for as long as that returns true.
    ///   - submitLight: submits `runLight`.
    func drive(submitHeavy: () -> Void, submitLight: (Int, Int64) -> Void) -> Sample {
        for _ in 0..<mix.outstanding { submitHeavy() }
        bench_sleep_until_ns(bench_now_ns() + 100_000_000)
        let begin = bench_now_ns()
        let before = finished.load(ordering: .relaxed)
        for index in 0..<mix.lights {
            bench_sleep_until_ns(begin + Int64(index) * mix.period)
            submitLight(index, bench_now_ns())
        }
        let seconds = Double(bench_now_ns() - begin) / 1e9
        let rate = Double(finished.load(ordering: .relaxed) - before) / seconds
        isStopping.store(true, ordering: .relaxed)
        while pending.load(ordering: .acquiring) > 0 || heavies.load(ordering: .acquiring) > 0 {
            bench_sleep_until_ns(bench_now_ns() + 1_000_000)
        }
        let all = Latencies(UnsafeBufferPointer(start: latencies, count: mix.lights))
        let checksum = isWrong.load(ordering: .relaxed) ? 0 : sum.load(ordering: .relaxed)
        return Sample(checksum: checksum, all.percentile(50), all.percentile(99), all.maximum, rate)
    }
}
