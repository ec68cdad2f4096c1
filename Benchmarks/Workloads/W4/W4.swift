//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// How W4 is loaded.
struct Mix: Sendable {
    /// Light tasks, one each `period` nanoseconds.
    let lights: Int
    let period: Int64
    /// Heavy tasks that are always outstanding, and their steps.
    let outstanding: Int
    let steps: UInt64

    /// For programs in other languages.
    var arguments: [String] { ["\(lights)", "\(period)", "\(outstanding)", "\(steps)"] }
}

/// W4: a light task every 5 ms while 8 heavy ones of 20 ms are always outstanding.
///
/// A light task's latency is from its submission to the moment its body runs. Heavy tasks are a fixed number of steps,
/// so who is interrupted takes longer, and the throughput tells.
struct W4: Workload {
    let name = "w4"
    let title = "a light task every 5 ms while 8 heavy tasks of 20 ms are always outstanding"
    let metrics = [
        Metric("p50", "µs", .lower), Metric("p99", "µs", .lower), Metric("max", "µs", .lower),
        Metric("heavy", "1/s", .higher),
    ]

    var contenders: [any Contender<Mix>] {
        [
            W4TokenGate(), W4Task(), W4Dispatch(), W4OneTBB(), W4ThreadPool(),
            ExternalPeer("Go goroutines", .go) { ["w4", "goroutine"] + $0.arguments },
            ExternalPeer("tokio spawn_blocking", .rust) { ["w4", "tokio-blocking"] + $0.arguments },
        ]
    }

    func points(_ scale: Scale) -> [Point<Mix>] {
        let lights = scale.pick(2_000, quick: 100)
        let steps = Work.steps(microseconds: 20_000)
        return [
            Point(
                "\(lights) light, heavy of \(steps) steps",
                Mix(lights: lights, period: 5_000_000, outstanding: 8, steps: steps))
        ]
    }

    /// Light task `i` gives `i + 1`; a wrong result of a heavy task makes it 0.
    func checksum(_ mix: Mix) -> UInt64 { UInt64(mix.lights) * UInt64(mix.lights + 1) / 2 }
}
