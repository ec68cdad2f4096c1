//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TestSupport
import Testing
import TokenGate

@Suite("C8 storage tiers")
struct C8StorageTests {
    @Test("C8 never more bodies inside than the limit, while the limit changes at random")
    func limitChanges() async throws {
        var numbers = SeededNumbers(for: "C8 limit changes")
        try await withTestCoordinator {
            $0.storageLimits[.fast] = 4
        } _: { coordinator in
            let (inside, breaches, allowed) = (Tally(), Tally(), Tally())
            allowed.add(4)
            let writer = TaskTokenGuard("c8_writer", storage: .fast, on: coordinator) { (spins: Int) in
                if inside.add() > allowed.value { breaches.add() }
                for _ in 0..<spins { _ = CurrentThread.tid() }
                inside.add(-1)
            }
            let tokens = (0..<Sizes.part(of: 4_000)).map { _ in writer(Int.random(in: 0...200, using: &numbers)) }
            var now = 4
            for _ in 0..<60 where tokens.contains(where: { !$0.isSettled }) {
                let next = Int.random(in: 1...12, using: &numbers)
                if next > now {
                    allowed.add(next - now)
                    try coordinator.setStorageLimit(next, for: .fast)
                } else {
                    try coordinator.setStorageLimit(next, for: .fast)
                    // Those inside are not disturbed; once they have left, nobody may come above the new limit.
                    try #require(await eventually { coordinator.statistics().tiers[2].inUse <= next })
                    allowed.add(next - now)
                }
                now = next
            }
            #expect(await settle(tokens))
            #expect(breaches.value == 0)
            #expect(await eventually { coordinator.statistics().tiers[2].inUse == 0 })
        }
    }

    @Test(
        "C8 each tier's limit is reached on any machine, not exceeded, and CPU tokens go on",
        arguments: StorageSpeed.allCases)
    func limitIsReached(speed: StorageSpeed) async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let limit = speed.defaultLimit
            let gate = Gate()
            let writer = TaskTokenGuard("c8_full_\(speed)", storage: speed, on: coordinator) { gate.pass() }
            let tokens = (0..<limit + 20).map { _ in writer() }
            try #require(await gate.waitForArrivals(limit))
            let plain = TaskTokenGuard("c8_plain", on: coordinator) { (n: Int) in n }
            let others = (0..<1_000).map { plain($0) }
            try #require(await settle(others))
            #expect(gate.standing == limit)
            gate.open()
            #expect(await settle(tokens))
            #expect(gate.peak <= limit && gate.timedOut == 0)
            let tier = try #require(coordinator.statistics().tiers.first { $0.speed == speed })
            #expect(tier.peak == limit)
            #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 } })
        }
    }

    @Test("C8 a raised limit lets waiting tokens in at once")
    func raised() async throws {
        try await withTestCoordinator {
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let gate = Gate()
            let writer = TaskTokenGuard("c8_raised", storage: .slow, on: coordinator) { gate.pass() }
            let tokens = (0..<10).map { _ in writer() }
            await gate.waitForArrivals(1)
            try coordinator.setStorageLimit(10, for: .slow)
            #expect(await gate.waitForArrivals(10))
            gate.open()
            #expect(await settle(tokens))
        }
    }
}
