//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport

/// One task, wait for it, again: how often, and how long to be idle before each.
struct Trips: Sendable {
    let count: Int
    let pause: Int64

    static func points(_ scale: Scale) -> [Point<Trips>] {
        [
            Point("warm", Trips(count: scale.pick(100_000, quick: 5_000), pause: 0)),
            Point("cold, after 5 ms", Trips(count: scale.pick(400, quick: 40), pause: 5_000_000)),
        ]
    }

    static let metrics = [Metric("p50", "µs", .lower), Metric("p99", "µs", .lower)]

    /// Trip `i` gives `i + 1`.
    var checksum: UInt64 { UInt64(count) * UInt64(count + 1) / 2 }

    /// Trips before the clock starts; none when each trip is to be a cold one.
    var warmUps: Int { pause == 0 ? count / 10 : 0 }

    /// The calling thread makes the trips.
    func measure(_ trip: (Int) throws -> UInt64) rethrows -> Sample {
        for index in 0..<warmUps { _ = try trip(index) }
        var latencies = Latencies()
        var sum: UInt64 = 0
        for index in 0..<count {
            if pause > 0 { bench_sleep_until_ns(bench_now_ns() + pause) }
            let begin = bench_now_ns()
            sum &+= try trip(index)
            latencies.record(bench_now_ns() - begin)
        }
        return sample(sum, latencies)
    }

    /// The calling task makes the trips.
    func measure(_ trip: (Int) async throws -> UInt64) async throws -> Sample {
        for index in 0..<warmUps { _ = try await trip(index) }
        var latencies = Latencies()
        var sum: UInt64 = 0
        for index in 0..<count {
            if pause > 0 { try await Task.sleep(nanoseconds: UInt64(pause)) }
            let begin = bench_now_ns()
            sum &+= try await trip(index)
            latencies.record(bench_now_ns() - begin)
        }
        return sample(sum, latencies)
    }

    func sample(_ checksum: UInt64, _ latencies: Latencies) -> Sample {
        Sample(checksum: checksum, latencies.percentile(50), latencies.percentile(99))
    }
}

/// W2 with a caller that blocks its thread.
struct W2Blocking: Workload {
    let name = "w2-blocking"
    let title = "one task, wait, repeat; the caller blocks its thread"
    let metrics = Trips.metrics

    var contenders: [any Contender<Trips>] {
        [
            W2TokenGate(), W2Dispatch(), W2Task(), W2ThreadPool(), W2OneTBB(),
            ExternalPeer("Go channels", .go) { ["w2", "channel", "\($0.count)", "\($0.pause)"] },
            ExternalPeer("rayon spawn + channel", .rust) { ["w2", "rayon-spawn", "\($0.count)", "\($0.pause)"] },
            ExternalPeer("tokio spawn_blocking", .rust) { ["w2", "tokio-blocking", "\($0.count)", "\($0.pause)"] },
        ]
    }

    func points(_ scale: Scale) -> [Point<Trips>] { Trips.points(scale) }

    func checksum(_ trips: Trips) -> UInt64 { trips.checksum }
}

/// W2 with a caller that awaits.
struct W2Async: Workload {
    let name = "w2-async"
    let title = "one task, wait, repeat; the caller awaits"
    let metrics = Trips.metrics

    var contenders: [any Contender<Trips>] {
        [W2TokenGateAsync(), W2TaskAsync(), W2TaskGroupAsync(), W2DispatchAsync(), W2ThreadPoolAsync()]
    }

    func points(_ scale: Scale) -> [Point<Trips>] { Trips.points(scale) }

    func checksum(_ trips: Trips) -> UInt64 { trips.checksum }
}
