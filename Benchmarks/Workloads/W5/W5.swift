//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport

/// How W5 is loaded: update `i` of `count` goes to state `i % states`.
struct Updates: Sendable {
    let states: Int
    let bytes: Int
    let count: Int

    /// For programs in other languages.
    var arguments: [String] { ["\(states)", "\(bytes / 8)", "\(count)"] }

    /// A quarter to warm up, then all of them: updates a second, and the sum of what became of the states.
    func measure(_ work: (States, Int) async throws -> Void) async rethrows -> Sample {
        let memory = States(states, bytes: bytes)
        try await work(memory, count / 4)
        memory.clear()
        let begin = bench_now_ns()
        try await work(memory, count)
        let seconds = Double(bench_now_ns() - begin) / 1e9
        return Sample(checksum: memory.sum, Double(count) / seconds)
    }
}

/// W5: 64 states; each task reads, changes and writes every cache line of one of them.
struct W5: Workload {
    let name = "w5"
    let title = "64 states; each task read-modify-writes every cache line of one of them"
    let metrics = [Metric("updates", "1/s", .higher)]

    var contenders: [any Contender<Updates>] {
        [
            W5TokenGate(), W5Ideal(), W5Threads(), W5TaskGroup(), W5Actors(), W5Dispatch(), W5SerialQueues(),
            W5ThreadPool(), W5OneTBB(),
            ExternalPeer("Go, workers over one channel + mutex", .go) { ["w5", "mutex"] + $0.arguments },
            ExternalPeer("rayon scope + mutex", .rust) { ["w5", "rayon-scope"] + $0.arguments },
        ]
    }

    func points(_ scale: Scale) -> [Point<Updates>] {
        [(16, 400_000), (64, 200_000), (256, 50_000)].map { kibibytes, count in
            let count = scale.pick(count, quick: count / 20)
            return Point("\(kibibytes) KiB", Updates(states: 64, bytes: kibibytes << 10, count: count))
        }
    }

    /// Update `i` adds `i + 1` to each line of its state.
    func checksum(_ updates: Updates) -> UInt64 {
        UInt64(updates.bytes / 64) &* (UInt64(updates.count) * UInt64(updates.count + 1) / 2)
    }
}
