//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenCore
import TokenGate

@testable import Coordinator

/// A token must not stay behind a body while a thread of another domain sleeps: each test brings about one way in which the thread
/// that was woken, or asked for, does not come to it.
@Suite("C2 no token is left behind a body while another domain sleeps")
struct C2LeftBehindTests {
    /// Bodies stand here until the token in question has run.
    private let over = Gate()
    /// Threads that are asked for while `isHeld` stand here before they are made.
    private let making = Gate()
    private let isHeld = Switch()
    private let isRefused = Switch()
    /// Where the blocked body comes by when its wait is over.
    private let comeBack = Gate(open: true)

    private final class Switch: Sendable {
        private let state = Guarded(false)
        func turnOn() { state.withLock { $0 = true } }
        var isOn: Bool { state.withLock { $0 } }
    }

    private var system: RefusingAffinity {
        RefusingAffinity { [making, isHeld, isRefused] _ in
            if isHeld.isOn { making.pass() }
            return isRefused.isOn
        }
    }

    private func withDomains(_ count: Int, _ body: (OperationsCoordinator) async throws -> Void) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: count)
            $0.affinitySystem = system
        } _: { coordinator in
            try await body(coordinator)
            #expect(over.timedOut + making.timedOut == 0)
        }
    }

    /// A heavy body of domain 1 waits for `held`, which is paused; each other domain has a heavy thread, which sleeps.
    private func blockDomain1(
        _ coordinator: OperationsCoordinator
    ) async throws -> (held: TaskToken<Void>, blocked: TaskToken<Void>) {
        try coordinator.pause("c2_held")
        let held = TaskTokenGuard("c2_held", on: coordinator) {}()
        let meet = Gate()
        let (over, comeBack) = (over, comeBack)
        // Heavy tokens fill domains from the front.
        let heavy = TaskTokenGuard("c2_filling", weight: .heavy, on: coordinator) { (isFirst: Bool) in
            meet.pass()
            guard isFirst else { return }
            #expect(TokenContext.current?.domain == 1)
            _ = try? held.wait()
            comeBack.pass()
            over.pass()
        }
        let first = heavy(true)
        try #require(await meet.waitForArrivals(1))
        let others = (1..<coordinator.domainCount).map { _ in heavy(false) }
        try #require(await meet.waitForArrivals(coordinator.domainCount))
        meet.open()
        try #require(await settle(others))
        // The first counts as blocked, the others as idle.
        let isQuiet = await eventually {
            coordinator.engine.domains.allSatisfy { $0[.heavy].state.withLock { $0.active == 0 } }
        }
        try #require(isQuiet)
        return (held, first)
    }

    @Test("C2 a thread that is made while a body comes back from its wait leaves its token to a domain that sleeps")
    func threadThatComesTooLate() async throws {
        try await withDomains(2) { coordinator in
            let (held, blocked) = try await blockDomain1(coordinator)
            let over = over
            let heavy = TaskTokenGuard("c2_left", weight: .heavy, on: coordinator) { over.open() }
            isHeld.turnOn()
            async let token = onThread { heavy() }
            try #require(await making.waitForArrivals(1))
            held.kill()
            try #require(await comeBack.waitForArrivals(1))
            making.open()
            try #require(await settle([try await token, blocked]))
        }
    }

    @Test("C2 a token whose thread is refused after it was promised goes to a domain that sleeps")
    func threadThatIsPromised() async throws {
        try await withDomains(3) { coordinator in
            let (held, blocked) = try await blockDomain1(coordinator)
            let over = over
            let left = TaskTokenGuard("c2_left", weight: .heavy) { over.open() }
            let asks = TaskTokenGuard("c2_asks", weight: .heavy, on: coordinator) {
                _ = left()
                over.pass()
            }
            isRefused.turnOn()
            let asking = asks()
            try #require(await settles(asking))
            held.kill()
            try #require(await settles(blocked))
        }
    }

    @Test("C2 a heavy token that the standard crew gets for want of a thread does not wait for a body there")
    func handedOver() async throws {
        try await withDomains(2) { coordinator in
            isRefused.turnOn()
            let over = over
            let meet = Gate()
            let body = TaskTokenGuard("c2_body", weight: .medium, on: coordinator) {
                meet.pass()
                if TokenContext.current?.domain == 1 { over.pass() }
            }
            let bodies = [body(), body()]
            try #require(await meet.waitForArrivals(2))
            meet.open()
            try #require(await over.waitForArrivals(1))
            let heavy = TaskTokenGuard("c2_left", weight: .heavy, on: coordinator) { over.open() }
            try #require(await settle([heavy()] + bodies))
        }
    }
}
