//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import Synchronization
import TestSupport
import Testing
import TokenGate

@testable import Coordinator

/// A guest that has not begun gives its place to another: when, to whom, and at what cost.
@Suite("Guests that are exchanged before they begin")
struct GuestExchangeTests {
    private static let one = OperationOptions(concurrency: 1)

    @Test("no other takes a guest's place beside a host that has gone on after its awaits were cancelled")
    func goesOnBeside() async throws {
        try await withTestCoordinator(oneInTier) { coordinator in
            let (hasGoneOn, end) = (Tally(), Tally())
            let leaves = Journal<TaskToken<Int>>()
            let leaf = TaskTokenGuard("exchange_beside", storage: .slow, options: Self.one, on: coordinator) {
                (n: Int) in n
            }
            let tiered = TaskTokenGuard("exchange_tiered", storage: .slow, on: coordinator) { (n: Int) async throws in
                _ = await eventually { hasGoneOn.value > 0 }
                let token = leaf(n)
                leaves.note(token)
                return try await token.value
            }
            let root = TaskTokenGuard("exchange_beside", storage: .slow, options: Self.one, on: coordinator) {
                () async throws in
                let (first, second) = (tiered(1), leaf(2))
                var awaits = [Task { _ = try? await first.value }]
                _ = await eventually { first.state == .executing }
                // It becomes a guest in the limit, and stands in the tier's line.
                awaits.append(Task { _ = try? await second.value })
                _ = await eventually { standing(coordinator) == 1 }
                for task in awaits { task.cancel() }
                for task in awaits { await task.value }
                hasGoneOn.add()
                _ = await eventually { end.value > 0 }
            }
            let token = root()
            #expect(await eventually { hasGoneOn.value > 0 })
            // Whoever waits has been let in by the time that its wait is noted, if it ever is.
            #expect(await eventually { coordinator.engine.waits.withLock { $0.entries.count } == 1 })
            #expect(leaves.all.map(\.state) == [.waiting])
            end.add()
            #expect(await settle([token]))
            #expect(await settle(leaves.all))
        }
    }

    enum Taking: CaseIterable { case lowered, stranger }

    @Test(
        "C9 a body that takes its permit back, when others have all there are, is let in for a guest that has not begun",
        arguments: Taking.allCases)
    func takesBack(_ taking: Taking) async throws {
        try await withTestCoordinator(oneInTier) { coordinator in
            let (name, two) = ("exchange_back", OperationOptions(concurrency: 2))
            let (lent, go) = (Tally(), Tally())
            let roots = Journal<TaskToken<Int>>()
            let child = TaskTokenGuard("exchange_child", on: coordinator) { (n: Int) async in
                lent.add()
                _ = await eventually { go.value > 0 }
                return n
            }
            let sync = TaskTokenGuard(name, storage: .slow, options: two, on: coordinator) { (n: Int) in
                while standing(coordinator) != 1 { Thread.sleep(forTimeInterval: 0.000_1) }
                return try child(n).wait()
            }
            let sibling = TaskTokenGuard(name, storage: .slow, options: two, on: coordinator) { (n: Int) async in n }
            let stranger = TaskTokenGuard(name, options: two, on: coordinator) { (_: Int) async throws in
                try await roots.all[0].value
            }
            let root = TaskTokenGuard(name, storage: .slow, options: two, on: coordinator) { (n: Int) async throws in
                try await gather([sync(n), sibling(n)]).reduce(0) { try $0 + $1.get() }
            }
            roots.note(root(1))
            #expect(await eventually { lent.value == 1 })
            switch taking {
            case .lowered: try coordinator.setConcurrencyLimit(1, of: name)
            case .stranger:
                let other = stranger(0)
                roots.note(other)
                #expect(await eventually { other.state == .executing })
            }
            go.add()
            try #require(await settle(roots.all))
            #expect(try await roots.all[0].value == 2)
        }
    }

    @Test("C9 a guest that is exchanged again and again is listed once in each line")
    func listedOnce() async throws {
        try await withTestCoordinator(oneInTier) { coordinator in
            let most = Guarded(0)
            let leaf = TaskTokenGuard("exchange_listed", storage: .slow, options: Self.one, on: coordinator) {
                (n: Int) async in n
            }
            let tiered = TaskTokenGuard("exchange_many", storage: .slow, on: coordinator) { (n: Int) async throws in
                _ = await eventually { standing(coordinator) == 1 }
                var sum = 0
                for _ in 0..<n {
                    sum += try await leaf(1).value
                    for line in coordinator.engine.allLines {
                        let count = line.needed.withLock { $0.listed(atMost: .max) { _ in true }.count }
                        most.withLock { $0 = max($0, count) }
                    }
                }
                return sum
            }
            let root = TaskTokenGuard("exchange_listed", storage: .slow, options: Self.one, on: coordinator) {
                () async throws in
                try await gather([tiered(50), leaf(1)]).reduce(0) { try $0 + $1.get() }
            }
            let sum = try await root().value
            #expect(sum == 51)
            #expect((1...2).contains(most.withLock { $0 }))
        }
    }
}
