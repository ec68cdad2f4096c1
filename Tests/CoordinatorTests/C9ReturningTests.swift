//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Synchronization
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// A body whose wait is over, but which cannot go on while a guest is inside what it holds.
@Suite("C9 a body that is about to go on")
struct C9ReturningTests {
    /// The body's thread is the only one, so it runs a descendant meanwhile; that one needs the turn, too.
    @Test("C9 what a body runs while it waits for a guest to leave may need the turn that the body holds")
    func helpsWhileReturning() async throws {
        let away = Gate()
        let (inside, opened, helped) = (Tally(), Tally(), Tally())
        try await withTestCoordinator { elsewhere in
            try await withTestCoordinator {
                $0.pretend(domains: 1)
                $0.workersPerCore = 1
            } _: { coordinator in
                let second = TaskTokenGuard("c9_second_guest", locality: .sticky("k", ordered: true)) { 1 }
                let needy = TaskTokenGuard("c9_needy") {
                    helped.add()
                    return try second().wait()
                }
                // While it is suspended the body's thread has nothing of it to run.
                let first = TaskTokenGuard("c9_first_guest", locality: .sticky("k", ordered: true)) { () async in
                    inside.add()
                    _ = await eventually { opened.value > 0 }
                    let token = needy()
                    _ = await eventually { helped.value > 0 }
                    return token
                }
                let between = TaskTokenGuard("c9_between_guests") { () async throws in try await first().value }
                let other = TaskTokenGuard("c9_elsewhere", on: elsewhere) { away.pass() }()
                let outer = TaskTokenGuard("c9_returning", locality: .sticky("k", ordered: true), on: coordinator) {
                    let token = between()
                    try other.wait()
                    return token
                }
                let token = outer()
                #expect(await eventually { inside.value > 0 })
                away.open()
                // Its wait is over, the guest is inside.
                let engine = coordinator.engine
                #expect(await eventually { engine.nests.withLock { $0.isReturning(token.id.sequence) { _ in true } } })
                opened.add()
                try #require(await settles(token))
                let value = try await token.value.value.value
                #expect(value == 1)
                #expect(away.timedOut == 0)
            }
        }
    }

    enum Loss: CaseIterable { case limitLowered, strangerCame }

    /// It had one of its own, as there were two, and lent it.
    @Test(
        "C9 C8 a body whose permit does not come back goes on as a guest of the async body that waits for it",
        arguments: Loss.allCases)
    func permitGone(_ loss: Loss) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 2]
        } _: { coordinator in
            let (arrived, go) = (Tally(), Tally())
            let leaf = TaskTokenGuard("c9_leaf", on: coordinator) { () async in
                arrived.add()
                _ = await eventually { go.value > 0 }
            }
            let inner = TaskTokenGuard("c9_inner", storage: .slow, on: coordinator) { () throws in try leaf().wait() }
            let host = TaskTokenGuard("c9_host", storage: .slow, on: coordinator) { () async throws in
                try await inner().value
            }()
            #expect(await eventually { arrived.value == 1 && coordinator.statistics().tiers[0].inUse == 1 })
            var tokens: [AnyTaskToken] = [host]
            switch loss {
            case .limitLowered: try coordinator.setStorageLimit(1, for: .slow)
            case .strangerCame:
                let stranger = TaskTokenGuard("c9_joins", storage: .slow, on: coordinator) { () async throws in
                    try await host.value
                }()
                #expect(await eventually { stranger.state == .executing })
                tokens.append(stranger)
            }
            go.add()
            #expect(await settle(tokens))
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
            #expect(coordinator.engine.guestCount.load(ordering: .sequentiallyConsistent) == 0)
        }
    }
}
