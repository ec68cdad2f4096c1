//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// Rounds of one lead for each working set.
struct Families: Sendable {
    let sets: Int
    let bytes: Int
    let rounds: Int
    let children: Int

    /// For programs in other languages.
    var arguments: [String] { ["\(sets)", "\(bytes / 8)", "\(rounds)", "\(children)"] }

    /// A quarter to warm up, then all rounds: leads a second.
    ///
    /// - Parameter round: runs one lead for each set, its value being the round's number plus 1, and returns the sum of
    ///   what all children gave.
    func measure(_ round: (States, UInt64) async throws -> UInt64) async rethrows -> Sample {
        let memory = States(sets, bytes: bytes)
        for value in 1...UInt64(rounds / 4 + 1) { _ = try await round(memory, value) }
        memory.clear()
        var timing = Timing()
        for value in 1...UInt64(rounds) { timing.checksum &+= try await round(memory, value) }
        return sample(timing)
    }

    /// The same on a thread of its own, for rounds that block.
    func measureBlocking(_ round: @escaping @Sendable (States, UInt64) -> UInt64) async throws -> Sample {
        try await onOwnThread {
            let memory = States(sets, bytes: bytes)
            for value in 1...UInt64(rounds / 4 + 1) { _ = round(memory, value) }
            memory.clear()
            var timing = Timing()
            for value in 1...UInt64(rounds) { timing.checksum &+= round(memory, value) }
            return sample(timing)
        }
    }

    private func sample(_ timing: Timing) -> Sample {
        Sample(checksum: timing.checksum, Double(sets * rounds) * 1e9 / timing.nanoseconds)
    }
}

/// Leads: a lead writes its working set of 128 KiB, then 8 children read all of it.
///
/// What a child finds in its core's cache it need not fetch from another's.
struct Leads: Workload {
    let name = "leads"
    let title = "a lead writes a working set, then its 8 children read it"
    let metrics = [Metric("leads", "1/s", .higher)]

    var contenders: [any Contender<Families>] {
        [
            LeadsTokenGate(), LeadsTokenGateAsync(), LeadsTaskGroup(), LeadsDispatch(), LeadsThreadPool(),
            LeadsOneTBB(), ExternalPeer("Go goroutines", .go) { ["leads", "group"] + $0.arguments },
            ExternalPeer("rayon scopes", .rust) { ["leads", "rayon-scope"] + $0.arguments },
        ]
    }

    func points(_ scale: Scale) -> [Point<Families>] {
        let rounds = scale.pick(1_000, quick: 40)
        return [Point("16 sets of 128 KiB", Families(sets: 16, bytes: 128 << 10, rounds: rounds, children: 8))]
    }

    /// In round `r` each line of each set is the sum of 1 … r + 1; child `c` gives the sum of the lines, plus `c`.
    func checksum(_ families: Families) -> UInt64 {
        let (lines, children) = (UInt64(families.bytes / 64), UInt64(families.children))
        return (0..<UInt64(families.rounds)).reduce(0) { sum, round in
            let line = (round + 1) * (round + 2) / 2
            return sum &+ UInt64(families.sets) * (children * lines * line + children * (children - 1) / 2)
        }
    }
}
