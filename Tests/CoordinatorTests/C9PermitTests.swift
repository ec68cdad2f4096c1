//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

/// Permits that are lent while bodies wait, and taken back.
@Suite("C9 permits that are taken back")
struct C9PermitTests {
    /// The only thread of the crew waits for its permit back, which a body has that waits for a token of that crew.
    @Test(
        "C9 a body that takes its permit back does not keep its thread from those who have the permits",
        arguments: 1...3)
    func takesItsPermitBack(bodies: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = bodies
            $0.storageLimits[.slow] = bodies
        } _: { coordinator in
            let (lent, taken, opened) = (Tally(), Tally(), Tally())
            let nap = TaskTokenGuard("c9_nap") { () async in
                lent.add()
                _ = await eventually { opened.value > 0 }
            }
            let store = TaskTokenGuard("c9_store", storage: .slow) { try nap().wait() }
            let heavy = TaskTokenGuard("c9_heavy_store", weight: .heavy, on: coordinator) { try store().wait() }
            let crunch = TaskTokenGuard("c9_crunch", weight: .heavy) { 1 }
            let upload = TaskTokenGuard("c9_upload", storage: .slow, on: coordinator) { () async throws in
                taken.add()
                _ = await eventually { opened.value > 0 }
                return try await crunch().value
            }
            let stores = (0..<bodies).map { _ in heavy() }
            #expect(await eventually { lent.value == bodies })
            let uploads = (0..<bodies).map { _ in upload() }
            #expect(await eventually { taken.value == bodies })
            opened.add()
            try #require(await settle(stores + uploads))
            #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 } })
        }
    }

    @Test("C9 a body takes its permit back before tokens that have not begun")
    func returnsFirst() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let log = Journal<String>()
            let (inside, opened) = (Gate(), Tally())
            let nap = TaskTokenGuard("c9_short_nap") { () async in _ = await eventually { opened.value > 0 } }
            let lender = TaskTokenGuard("c9_lender", storage: .slow, on: coordinator) {
                try nap().wait()
                log.note("lender")
            }
            let stranger = TaskTokenGuard("c9_stranger_writer", storage: .slow, on: coordinator) { (n: Int) in
                if n == 0 { inside.pass() }
                log.note("\(n)")
            }
            let first = lender()
            // It has lent its permit once the next one is inside.
            let others = (0..<5).map { stranger($0) }
            #expect(await inside.waitForArrivals())
            opened.add()
            #expect(await eventually { coordinator.statistics().tiers[0].waiting == 5 })
            inside.open()
            try #require(await settle(others + [first]))
            #expect(log.all == ["0", "lender", "1", "2", "3", "4"])
        }
    }
}
