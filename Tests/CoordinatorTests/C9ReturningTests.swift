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
                #expect(await eventually { engine.nests.withLock { $0.isReturning(token.id.sequence) } })
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

    enum Hold: CaseIterable { case turn, limit }

    @Test(
        "C9 what a body holds serves its descendants while it takes back what it lent, whether or not it gives up now and then",
        arguments: Hold.allCases, [false, true])
    func takesBack(_ hold: Hold, givesUp: Bool) async throws {
        try await withTestCoordinator(oneInTier) { coordinator in
            let isLent = Tally()
            let one = OperationOptions(concurrency: 1)
            let leaf =
                hold == .turn
                ? TaskTokenGuard("c9_back_leaf", locality: .sticky("a", ordered: true), on: coordinator) { (n: Int) in n
                }
                : TaskTokenGuard("c9_back", options: one, on: coordinator) { (n: Int) in n }
            let tiered = TaskTokenGuard("c9_back_tiered", storage: .slow, on: coordinator) { (n: Int) async throws in
                isLent.add()
                // The body that waited stands in the tier's line.
                _ = await eventually { standing(coordinator) > 0 }
                return try await leaf(n).value
            }
            let quick = TaskTokenGuard("c9_back_quick", on: coordinator) { (n: Int) async in
                _ = await eventually { isLent.value > 0 }
                return n
            }
            let body: @Sendable (Int) throws -> Int = { n in
                let (first, second) = (tiered(n), quick(n))
                if !givesUp { return try second.wait() + first.wait() }
                while true {
                    if let value = try? first.wait(timeout: .milliseconds(2)) { return try value + second.wait() }
                }
            }
            let middle =
                hold == .turn
                ? TaskTokenGuard(
                    "c9_back_turn", storage: .slow, locality: .sticky("a", ordered: true), on: coordinator, body)
                : TaskTokenGuard("c9_back", storage: .slow, options: one, on: coordinator, body)
            let root = TaskTokenGuard("c9_back", options: one, on: coordinator) { (n: Int) async throws in
                try await middle(n).value
            }
            let token = hold == .turn ? middle(1) : root(1)
            try #require(await settles(token))
            let value = try await token.value
            #expect(value == 2)
            #expect(await eventually { coordinator.engine.nests.withLock { $0.count } == 0 })
        }
    }

    @Test("C9 a guest gives its place to any descendant of a host that waits for it to leave")
    func anyDescendant() async throws {
        try await withTestCoordinator(oneInTier) { coordinator in
            let (began, isOver) = (Tally(), Tally())
            let hosts = Journal<TaskToken<Int>>()
            let one = OperationOptions(concurrency: 1)
            let engine = coordinator.engine
            let leaf = TaskTokenGuard("c9_any", storage: .slow, options: one, on: coordinator) { (n: Int) in n }
            let tiered = TaskTokenGuard("c9_any_tiered", storage: .slow, on: coordinator) { (n: Int) async throws in
                began.add()
                _ = await eventually { isOver.value > 0 }
                // The host's wait is over: it waits for its guest, which stands behind this one.
                _ = await eventually {
                    guard let host = hosts.all.first else { return false }
                    return engine.nests.withLock { $0.isReturning(host.id.sequence) }
                }
                return try await leaf(n).value
            }
            let quick = TaskTokenGuard("c9_any_quick", on: coordinator) { (n: Int) async in
                _ = await eventually { standing(coordinator) > 0 }
                isOver.add()
                return n
            }
            let host = TaskTokenGuard("c9_any", options: one, on: coordinator) { (n: Int) async in
                let first = tiered(n)
                _ = await eventually { began.value > 0 }
                var sum = 0
                for await completion in completions(of: [first, leaf(n), quick(n)]) {
                    sum += (try? completion.result.get()) ?? 0
                }
                return sum
            }
            hosts.note(host(1))
            try #require(await settles(hosts.all[0]))
            let sum = try await hosts.all[0].value
            #expect(sum == 3)
        }
    }

    /// What has ended is cut out of the lineages of those that live.
    @Test("C9 so does a guest of one that has ended, whatever the taker has awaited before", arguments: [false, true])
    func pastAnEnd(isCut: Bool) async throws {
        try await withTestCoordinator(oneInTier) { coordinator in
            let began = Tally()
            let (middles, guests) = (Journal<TaskToken<Int>>(), Journal<TaskToken<Int>>())
            let one = OperationOptions(concurrency: 1)
            let leaf = TaskTokenGuard("c9_cut", storage: .slow, options: one, on: coordinator) { (n: Int) in n }
            let plain = TaskTokenGuard("c9_cut_plain", on: coordinator) { (n: Int) async in n }
            let deeper = TaskTokenGuard("c9_cut_deeper", on: coordinator) { (n: Int) async throws in
                try await plain(n).value
            }
            let tiered = TaskTokenGuard("c9_cut_tiered", storage: .slow, on: coordinator) { (n: Int) async throws in
                began.add()
                _ = await eventually { middles.all.first?.isSettled == true }
                if isCut { _ = try await deeper(n).value }
                return try await leaf(n).value
            }
            let middle = TaskTokenGuard("c9_cut", options: one, on: coordinator) { (n: Int) async in
                guests.note(tiered(n))
                _ = await eventually { began.value > 0 }
                let guest = leaf(n)
                guests.note(guest)
                let wait = Task { _ = try? await guest.value }
                _ = await eventually { standing(coordinator) > 0 }
                wait.cancel()
                await wait.value
                return n
            }
            let host = TaskTokenGuard("c9_cut", options: one, on: coordinator) { (n: Int) async throws in
                let token = middle(n)
                middles.note(token)
                return try await token.value
            }
            let token = host(1)
            try #require(await settles(token))
            try #require(await settle(guests.all))
            #expect(await eventually { coordinator.engine.nests.withLock { $0.count } == 0 })
        }
    }
}
