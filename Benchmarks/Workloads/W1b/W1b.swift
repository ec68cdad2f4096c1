//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport

/// So many items, each of so many steps.
struct Batch: Sendable {
    let count: Int
    let steps: UInt64

    /// For programs in other languages.
    var arguments: [String] { ["\(count)", "\(steps)"] }

    /// The items from `range`, into their slots.
    @inline(__always)
    func fill(_ slots: ResultSlots, _ range: Range<Int>) {
        for index in range { slots[index] = bench_churn(UInt64(index), steps) }
    }

    /// About eight chunks a CPU: enough to even out, few enough to cost nothing.
    var chunks: [Range<Int>] {
        let size = count / (cpuCount * 8) + 1
        return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
}

/// W1b: all inputs at once, results collected in order.
struct W1b: Workload {
    let name = "w1b"
    let title = "a batch: all inputs at once, results in order; bodies of 0, 100 ns, 1 µs, 10 µs"
    let metrics = [Metric("time an item", "ns", .lower)]

    var contenders: [any Contender<Batch>] {
        [
            W1bTokenGate(), W1bSerial(), W1bThreads(), W1bTaskGroup(), W1bDispatch(), W1bOneTBB(),
            ExternalPeer("Go, chunks", .go) { ["w1b", "chunks"] + $0.arguments },
            ExternalPeer("rayon par_iter", .rust) { ["w1b", "par-iter"] + $0.arguments },
        ]
    }

    func points(_ scale: Scale) -> [Point<Batch>] {
        [("0", 0, 1_000_000), ("100 ns", 0.1, 1_000_000), ("1 µs", 1, 200_000), ("10 µs", 10, 20_000)].map {
            body, microseconds, count in
            let batch = Batch(
                count: scale.pick(count, quick: count / 10), steps: Work.steps(microseconds: microseconds))
            return Point("body of \(body), \(batch.count) items of \(batch.steps) steps", batch)
        }
    }

    func checksum(_ batch: Batch) -> UInt64 {
        (0..<UInt64(batch.count)).lazy.map { bench_churn($0, batch.steps) }.weightedSum
    }
}
