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

@testable import Coordinator

/// Bodies that block all threads of a crew, and wait for what that crew alone can run and they may not run themselves.
@Suite("C9 strangers in a crew all of whose threads are blocked")
struct C9RescueTests {
    enum Stranger: CaseIterable { case token, after, key, map, batch, tokenOfBatch, childThatAwaits }

    @Test(
        "C9 a body that waits for a stranger, in whatever way, whose only workers are blocked, goes on",
        arguments: Stranger.allCases, [1, 2])
    func waitsForStranger(_ way: Stranger, workers: Int) async throws {
        try await withTestCoordinator {
            $0.maximumDomains = 1
            $0.workersPerCore = workers
            // It does not depend on whether anybody looks for circles.
            if workers == 2 { $0.waitCycleTime = nil }
        } _: { coordinator in
            let inside = Gate()
            let (strangers, batches) = (Journal<TaskToken<Int>>(), Journal<TokenBatch<Int>>())
            let stranger = TaskTokenGuard("c9_behind", on: coordinator) { (n: Int) in n }
            let mine = TaskTokenGuard("c9_after") { (n: Int) in n }
            let child = TaskTokenGuard("c9_child_awaits") { () async throws in try await strangers.all[0].value }
            let root = TaskTokenGuard("c9_waits_for_stranger", on: coordinator) { (n: Int) in
                inside.pass()
                switch way {
                case .token: return try strangers.all[0].wait()
                case .after: return try mine.with(after: [strangers.all[0]])(n).wait()
                case .key: return try stranger.with(key: "c9")(n).wait()
                case .map: return try strangers.all[0].map { $0 }.wait()
                case .batch: return try batches.all[0].wait()[0].get()
                case .tokenOfBatch: return try batches.all[0][0].wait()
                case .childThatAwaits: return try child().wait()
                }
            }
            let roots = (1...4).map { root($0) }
            #expect(await eventually { roots[0].state == .executing })
            strangers.note(way == .key ? stranger.with(key: "c9")(0) : stranger(0))
            batches.note(stranger.batch([0, 1]))
            inside.open()
            try #require(await settle(roots))
            for (n, root) in roots.enumerated() { #expect(try await root.value == (way == .after ? n + 1 : 0)) }
        }
    }

    @Test("C9 so does one whose stranger is suspended, or waits for another attempt", arguments: [false, true])
    func suspendedStranger(isRetried: Bool) async throws {
        struct Fault: Error {}
        let time = ManualTime()
        try await withTestCoordinator {
            $0.maximumDomains = 1
            $0.workersPerCore = 4
            $0.time = time
        } _: { coordinator in
            let (began, blocked, go) = (Tally(), Tally(), Tally())
            let retry = RetryPolicy(attempts: 2, backOff: .constant(.seconds(1)))
            let stranger = TaskTokenGuard(
                "c9_suspended", options: OperationOptions(retry: isRetried ? retry : nil), on: coordinator
            ) { () async throws -> Int in
                if isRetried, began.add() == 1 { throw Fault() }
                if !isRetried {
                    began.add()
                    _ = await eventually { go.value > 0 }
                }
                return 7
            }
            let shared = stranger()
            #expect(await eventually { began.value == 1 })
            let root = TaskTokenGuard("c9_waits_for_suspended", on: coordinator) {
                blocked.add()
                return try shared.wait()
            }
            let roots = (0..<6).map { _ in root() }
            // All the threads that there may be, by themselves.
            #expect(await eventually { blocked.value >= 4 })
            go.add()
            let isOver = await eventually {
                time.advance(by: .seconds(1))
                return roots.allSatisfy(\.isSettled)
            }
            try #require(isOver)
            for root in roots { #expect(try await root.value == 7) }
        }
    }

    enum Guest: CaseIterable { case inMailbox, inLine }

    @Test(
        "C9 so does one whose stranger waits for a guest that is in the stuck crew's mailbox, or behind one that is",
        arguments: Guest.allCases)
    func guestHasNotBegun(_ place: Guest) async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let (isBlocked, go) = (Tally(), Tally())
            let hosts = Journal<TaskToken<Int>>()
            let one = OperationOptions(concurrency: 1)
            let holder = TaskTokenGuard("c9_guest", weight: .heavy, options: one, on: coordinator) { (n: Int) in n }
            let guest =
                place == .inLine
                ? TaskTokenGuard(
                    "c9_guest", locality: .sticky("a", ordered: true), options: one, on: coordinator
                ) { (n: Int) in n }
                : TaskTokenGuard(
                    "c9_guest_heavy", weight: .heavy, locality: .sticky("a", ordered: true), on: coordinator
                ) {
                    (n: Int) in n
                }
            let quick = TaskTokenGuard("c9_guest_quick", on: coordinator) { (n: Int) in n }
            let host = TaskTokenGuard("c9_guest_host", locality: .sticky("a", ordered: true), on: coordinator) {
                (n: Int) async in
                _ = await eventually { go.value > 0 }
                // Its wait is over before the guest has begun.
                for await _ in completions(of: [guest(n), quick(n)]) { break }
                return n
            }
            let blocker = TaskTokenGuard("c9_guest_blocker", weight: .heavy, on: coordinator) {
                isBlocked.add()
                return try hosts.all[0].wait()
            }
            hosts.note(host(7))
            #expect(await eventually { hosts.all[0].state == .executing })
            let token = blocker()
            #expect(await eventually { isBlocked.value == 1 })
            let others = place == .inLine ? [holder(0)] : []
            go.add()
            try #require(await settle([token] + others))
            #expect(try await token.value == 7)
        }
    }

    enum Line: CaseIterable { case limit, turn }

    @Test(
        "C9 a body's async child awaits a stranger that stands in line behind one in the stuck crew",
        arguments: Line.allCases)
    func childAwaitsInLine(_ line: Line) async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let (inside, strangers) = (Gate(), Journal<TaskToken<Int>>())
            let stranger =
                line == .limit
                ? TaskTokenGuard("c9_in_line", options: OperationOptions(concurrency: 1), on: coordinator) { (n: Int) in
                    n
                }
                : TaskTokenGuard("c9_in_line", locality: .sticky("line", ordered: true), on: coordinator) { (n: Int) in
                    n
                }
            let child = TaskTokenGuard("c9_child_in_line") { () async throws in try await strangers.all[1].value }
            let root = TaskTokenGuard("c9_waits_in_line", on: coordinator) {
                inside.pass()
                return try child().wait()
            }
            let token = root()
            #expect(await eventually { token.state == .executing })
            for n in 0..<2 { strangers.note(stranger(n)) }
            inside.open()
            try #require(await settles(token))
            #expect(try await token.value == 1)
        }
    }

    @Test("C9 a body whose own wait is over waits for its guest, which awaits a stranger in the stuck crew")
    func guestAwaits() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let (inside, began, strangers) = (Gate(), Tally(), Journal<TaskToken<Int>>())
            let stranger = TaskTokenGuard("c9_behind", on: coordinator) { 1 }
            let guest = TaskTokenGuard("c9_guest_awaits", locality: .sticky("guest", ordered: true)) {
                () async throws in
                began.add()
                return try await strangers.all[0].value
            }
            let child = TaskTokenGuard("c9_child") { 1 }
            let root = TaskTokenGuard(
                "c9_host_of_guest", locality: .sticky("guest", ordered: true), on: coordinator
            ) {
                inside.pass()
                let token = guest()
                while began.value == 0 { _ = try? token.wait(timeout: .milliseconds(5)) }
                return try child().wait()
            }
            let token = root()
            #expect(await eventually { token.state == .executing })
            strangers.note(stranger())
            inside.open()
            try #require(await settles(token))
        }
    }

    /// 64 threads would come if it were taken for what the bodies wait for.
    @Test("a batch that nobody waits for brings a stuck crew no thread beyond its cap")
    func otherBatch() async throws {
        try await withTestCoordinator(smallest) { other in
            try await withTestCoordinator {
                $0.maximumDomains = 1
                $0.workersPerCore = 2
            } _: { coordinator in
                let (gate, inside) = (Gate(), Gate())
                let awaited = TaskTokenGuard("c9_elsewhere", on: other) { (_: Int) in gate.pass() }.batch([0])
                let root = TaskTokenGuard("c9_waits_for_batch", on: coordinator) { () throws in
                    inside.pass()
                    _ = try awaited.wait()
                }
                let roots = (0..<20).map { _ in root() }
                #expect(await eventually { roots[0].state == .executing })
                let queued = TaskTokenGuard("c9_queued", on: coordinator) { (_: Int) in }.batch([1, 2])
                inside.open()
                let engine = coordinator.engine
                #expect(await eventually { engine.domains[0][.standard].state.withLock { $0.active <= 0 } })
                // They have looked many times by then.
                #expect(await eventually { engine.nextRescueLook.load(ordering: .relaxed) > 0 })
                let looked = engine.nextRescueLook.load(ordering: .relaxed)
                #expect(await eventually { engine.nextRescueLook.load(ordering: .relaxed) > looked + 300_000_000 })
                #expect(engine.domains[0][.standard].state.withLock { $0.threads } == 2)
                gate.open()
                #expect(await settle(roots))
                _ = await queued.results
            }
        }
    }

    @Test("C9 bodies that each wait for the next stranger in one mailbox end, on a thread each")
    func chainOfStrangers() async throws {
        let count = 10
        try await withTestCoordinator {
            smallest(&$0)
            $0.idleThreadTime = .milliseconds(20)
        } _: { coordinator in
            let (inside, tokens) = (Gate(), Journal<TaskToken<Int>>())
            let waiter = TaskTokenGuard("c9_next_stranger", on: coordinator) { (n: Int) throws -> Int in
                inside.pass()
                return n == count ? 1 : try tokens.all[n].wait() + 1
            }
            for n in 1...count { tokens.note(waiter(n)) }
            inside.open()
            try #require(await settle(tokens.all))
            #expect(try await tokens.all[0].value == count)
            // Those beyond the cap end.
            #expect(await eventually { coordinator.statistics().domains[0].workers.count == 1 })
        }
    }
}
