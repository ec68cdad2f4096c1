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
}
