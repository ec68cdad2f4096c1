//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// Tokens that come to a coordinator by way of an executor of one's own, or late.
@Suite struct ForeignTokenTests {
    /// Keeps tokens until it is told to hand them on.
    private final class Throttle: TokenSubmitter {
        let realm = TokenRealm(origin: 4712)
        let kept = Journal<AnyTaskToken>()
        func submit(_ token: AnyTaskToken, claim: PlacementClaim) { kept.note(token) }
    }

    @Test("C2 a token that was killed before it came to a coordinator is not counted there, and nothing waits for it")
    func killedOnItsWay() async throws {
        let throttle = Throttle()
        try await withTestCoordinator { coordinator async throws in
            let slow = TaskTokenGuard("foreign.throttled", on: throttle) { (n: Int) in n }
            let (killed, alive) = (slow(1), slow(2))
            killed.kill()
            for token in throttle.kept.all { coordinator.submit(token, claim: .free) }
            #expect(try await alive.value == 2)
            #expect(coordinator.statistics().counts.submitted == 1)
            #expect(coordinator.statistics().counts.live == 0)
        }
    }

    @Test("C2 a number in a coordinator's realm is not for others to give: the token is numbered, and runs")
    func numberedInItsRealm() async throws {
        let throttle = Throttle()
        try await withTestCoordinator { coordinator async throws in
            let token = TaskTokenGuard("foreign.numbered", on: throttle) { (n: Int) in n }(1)
            token.assignNumber(in: coordinator.realm)
            coordinator.submit(token, claim: .free)
            #expect(try await token.value == 1)
        }
    }

    @Test("C6 what a lead's body submits after the stop is counted in before it is counted out")
    func leaseAfterTheStop() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1) }
        try await coordinator.start()
        let gate = Gate()
        let child = TaskTokenGuard("foreign.child") { (n: Int) in n }
        let lead = TaskTokenGuard(
            "foreign.lead", locality: .lead(externalCalls: ["foreign.child"]), on: coordinator
        ) { (n: Int) in
            gate.pass()
            return child(n)
        }
        let token = lead(1)
        await gate.waitForArrivals()
        let lease = try #require(token.lineage?.lead as? LeadLease)
        await coordinator.stop(timeout: .zero)
        gate.open()
        #expect(await eventually { coordinator.statistics().counts.late == 1 })
        #expect(lease.imbalances == 0)
        #expect(coordinator.statistics().openLeases == 0)
    }

    @Test("A callback belongs to no body, whatever runs on its thread")
    func callbacks() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let seen = Journal<String>()
            let child = TaskTokenGuard("foreign.inline") { (n: Int) in n }
            let lead = TaskTokenGuard(
                "foreign.caller", locality: .lead(externalCalls: ["foreign.inline"]), on: coordinator
            ) { (n: Int) throws in
                let token = child(n)
                token.onSettled { seen.note(TokenContext.current?.operationType ?? "none") }
                return try token.wait()
            }
            _ = try await lead(1).value
            #expect(seen.all == ["none"])
        }
    }
}
