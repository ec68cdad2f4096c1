//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

/// How guests and hosts end: killed, stopped, one before the other; and what is left of them.
@Suite("C9 how guests of async bodies end")
struct C9GuestEndTests {
    @Test("C9 C5 a host whose guest is killed goes on when the guest's body has left")
    func killedGuest() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let (gate, room) = (Gate(), Room())
            let submitted = Journal<TaskToken<Int>>()
            let guest = TaskTokenGuard("c9_killed_guest", locality: .sticky("k", ordered: true)) {
                room.body {
                    gate.pass()
                    return 1
                }
            }
            let host = TaskTokenGuard(
                "c9_killed_host", locality: .sticky("k", ordered: true), on: coordinator
            ) { () async in
                await room.body {
                    let token = guest()
                    submitted.note(token)
                    return await room.away { await token.result }
                }
            }
            let token = host()
            await gate.waitForArrivals()
            #expect(submitted.all[0].kill())
            #expect(token.state == .executing)
            gate.open()
            try #require(await settles(token))
            #expect(room.overlaps.value == 0)
        }
    }

    @Test("C9 C5 a turn whose holder ended stays with a guest that is still inside")
    func hostEndsFirst() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let (arrived, opened) = (Tally(), Tally())
            let journal = Journal<String>()
            let guest = TaskTokenGuard("c9_outliving_guest", locality: .sticky("k", ordered: true)) { () async in
                arrived.add()
                _ = await eventually { opened.value > 0 }
                journal.note("guest")
            }
            let next = TaskTokenGuard("c9_outliving_next", locality: .sticky("k", ordered: true), on: coordinator) {
                journal.note("next")
            }
            let host = TaskTokenGuard(
                "c9_outliving_host", locality: .sticky("k", ordered: true), on: coordinator
            ) { () async in
                let token = guest()
                // A task that the body leaves behind waits for the guest; the body itself does not.
                Task { try await token.value }
                _ = await eventually { arrived.value > 0 }
            }
            let token = host()
            let stranger = next()
            try #require(await settles(token))
            #expect(!stranger.isSettled)
            opened.add()
            try #require(await settles(stranger))
            #expect(journal.all == ["guest", "next"])
        }
    }

    @Test("C9 a guest that is killed on its way into the second line lets its host go on", arguments: 1...3)
    func killedOnItsWay(round: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let child = TaskTokenGuard(
                "c9_way_child", storage: .slow, locality: .sticky("k", ordered: true)
            ) { (n: Int) in n }
            let host = TaskTokenGuard(
                "c9_way_host", storage: .slow, locality: .sticky("k", ordered: true), on: coordinator
            ) { (delay: Int) async in
                let token = child(1)
                let killer = Task.detached {
                    try? await Task.sleep(for: .microseconds(delay))
                    token.kill()
                }
                _ = await token.result
                await killer.value
            }
            for delay in stride(from: 0, to: 300, by: 300 / Sizes.part(of: 300)) {
                let token = host(delay)
                try #require(await settles(token))
            }
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
        }
    }

    @Test("C9 a killed token that holds a turn while it waits for a permit passes the turn on at once")
    func killedInSecondLine() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let gate = Gate()
            let stranger = TaskTokenGuard("c9_line_stranger", storage: .slow, on: coordinator) { gate.pass() }
            let both = TaskTokenGuard(
                "c9_line_both", storage: .slow, locality: .sticky("k", ordered: true), on: coordinator
            ) { 1 }
            let ordered = TaskTokenGuard("c9_line_ordered", locality: .sticky("k", ordered: true), on: coordinator) {
                2
            }
            let first = stranger()
            await gate.waitForArrivals()
            let holder = both()
            let next = ordered()
            #expect(holder.kill())
            #expect(await settles(next))
            gate.open()
            try await first.value
        }
    }

    @Test("C9 a stop in the middle of guests leaves nothing held", arguments: [0, 1, 5])
    func stopInTheMiddle(milliseconds: Int) async throws {
        for round in 0..<Sizes.part(of: 20) {
            let coordinator = try makeCoordinator {
                $0.pretend(domains: 2)
                $0.storageLimits[.slow] = 1
            }
            try await coordinator.start()
            let start = TaskTokenGuard("c9_stop_start", on: coordinator) { (node: GuestTree.Node) async in
                await GuestTree.call(node).result
            }
            for n in 0..<20 { _ = start(GuestTree.Node(depth: 4, anchor: n % 3, seed: UInt64(round * 100 + n))) }
            await coordinator.stop(timeout: .milliseconds(milliseconds))
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
        }
    }

    @Test("C9 the first of two guests wins: the host goes on before the next is let in, and kills it")
    func firstWins() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let quick = TaskTokenGuard("c9_first_quick", locality: .sticky("k", ordered: true)) { 1 }
            let endless = TaskTokenGuard("c9_first_endless", locality: .sticky("k", ordered: true)) {
                while TokenContext.current?.isCancelled == false {}
                return 2
            }
            let host = TaskTokenGuard(
                "c9_first_host", locality: .sticky("k", ordered: true), on: coordinator
            ) { () async throws in
                let tokens = [quick(), endless()]
                for await completion in completions(of: tokens) {
                    for token in tokens { token.kill() }
                    return try completion.get()
                }
                return 0
            }
            for _ in 0..<50 {
                let token = host()
                try #require(await settles(token))
                #expect(try await token.value == 1)
            }
        }
    }

    @Test("C9 what was waited for is let go when it has run")
    func letsGo() async throws {
        final class Big: Sendable {
            let count: Tally
            init(_ count: Tally) { (self.count, _) = (count, count.add()) }
            deinit { count.add(-1) }
        }
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let alive = Tally()
            let child = TaskTokenGuard("c9_big_child", storage: .slow) { Big(alive) }
            let ordered = TaskTokenGuard("c9_big_ordered", locality: .sticky("k", ordered: true)) { Big(alive) }
            let host = TaskTokenGuard("c9_big_host", on: coordinator) { () async in
                await gather((0..<2_000).map { _ in child() }).count + gather((0..<2_000).map { _ in ordered() }).count
            }
            let count = try await host().value
            #expect(count == 4_000)
            // A few may stay in the lists until they are looked at next, and one on its worker.
            #expect(await eventually { alive.value < 200 })
        }
    }
}
