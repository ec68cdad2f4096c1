//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport
import CBenchTBB
import Dispatch
import NIOPosix
import TokenGate

/// Processor time of a runtime that has worked a moment ago and now has nothing to do.
struct Idle: Workload {
    let name = "idle"
    let title = "processor time of the process while the runtime has nothing to do"
    let metrics = [Metric("processor time", "% of one CPU", .lower)]

    var isOptional: Bool { true }

    var contenders: [any Contender<Int>] { [IdleTokenGate(), IdleDispatch(), IdleThreadPool(), IdleOneTBB()] }

    func points(_ scale: Scale) -> [Point<Int>] {
        let seconds = scale.pick(30, quick: 1)
        return [Point("over \(seconds) s", seconds)]
    }

    func checksum(_ seconds: Int) -> UInt64 { 0 }

    /// Sleeps, and says how much processor time went by in that time.
    static func measure(_ seconds: Int) async throws -> Sample {
        try await onOwnThread {
            let (begin, used) = (bench_now_ns(), bench_process_cpu_ns())
            bench_sleep_until_ns(begin + Int64(seconds) * 1_000_000_000)
            let share = Double(bench_process_cpu_ns() - used) / Double(bench_now_ns() - begin)
            return Sample(checksum: 0, 100 * share)
        }
    }
}

/// A started coordinator.
struct IdleTokenGate: Contender {
    let name = "TokenGate"
    let standing = Standing.ours

    func measure(_ seconds: Int) async throws -> Sample {
        try await withCoordinator { _ in
            let noop = TaskTokenGuard("noop") { (number: Int) in number }
            _ = await gather((0..<10_000).map { noop($0) })
            return try await Idle.measure(seconds)
        }
    }
}

/// The global queue.
struct IdleDispatch: Contender {
    let name = "DispatchQueue.global"

    func measure(_ seconds: Int) async throws -> Sample {
        DispatchQueue.concurrentPerform(iterations: 10_000) { _ in }
        return try await Idle.measure(seconds)
    }
}

/// A started thread pool.
struct IdleThreadPool: Contender {
    let name = "NIOThreadPool"

    func measure(_ seconds: Int) async throws -> Sample {
        try await withThreadPool { pool in
            for number in 0..<10_000 { _ = try await pool.runIfActive { number } }
            return try await Idle.measure(seconds)
        }
    }
}

/// An arena with its workers.
struct IdleOneTBB: Contender {
    let name = "oneTBB"

    var absence: String? { tbbAbsence }

    func measure(_ seconds: Int) async throws -> Sample {
        let arena = try TBBArena()
        try await onOwnThread { _ = bench_tbb_group_noops(arena.raw, 10_000) }
        let sample = try await Idle.measure(seconds)
        return withExtendedLifetime(arena) { sample }
    }
}
