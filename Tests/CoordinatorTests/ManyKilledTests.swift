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

/// A kill looks for its token where it stands, and does not walk the lists.
///
/// The sizes are such that a walk for each would take longer than any test may.
@Suite("Many tokens that are killed one by one")
struct ManyKilledTests {
    private static let many = Sizes.part(of: 100_000)

    @Test(
        "a hundred thousand ordered tokens that a pause holds are killed, the last first; the rest run in their order")
    func paused() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let log = Journal<Int>()
            let call = TaskTokenGuard(
                "many.paused", locality: .sticky(ordered: true) { (number: Int) in number }, on: coordinator
            ) { (number: Int) in log.note(number) }
            coordinator.pause()
            let tokens = (0..<Self.many).map { call($0) }
            let (kept, killed) = (tokens.indices.filter { $0 % 1_000 == 0 }, tokens.indices.filter { $0 % 1_000 != 0 })
            for number in killed.reversed() { tokens[number].kill() }
            let held = coordinator.engine.withPaused { list in
                var count = 0
                list.forEach { _ in count += 1 }
                return count
            }
            #expect(held == kept.count)
            coordinator.resume()
            #expect(await settle(tokens))
            #expect(log.all == kept)
            #expect(tokens.filter { $0.state == .killed }.count == killed.count)
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test(
        "a hundred thousand tokens with a turn in a tier's line are killed, the last first; the rest run in their order"
    )
    func inLine() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 1]
        } _: { coordinator in
            let (gate, log) = (Gate(), Journal<Int>())
            let holder = TaskTokenGuard("many.holder", storage: .slow, on: coordinator) { (_: Int) in gate.pass() }
            let holding = holder(0)
            await gate.waitForArrivals(1)
            let call = TaskTokenGuard(
                "many.in_line", storage: .slow, locality: .sticky(ordered: true) { (number: Int) in number },
                on: coordinator
            ) { (number: Int) in log.note(number) }
            let tokens = (0..<Self.many).map { call($0) }
            let (kept, killed) = (tokens.indices.filter { $0 % 1_000 == 0 }, tokens.indices.filter { $0 % 1_000 != 0 })
            for number in killed.reversed() { tokens[number].kill() }
            #expect(coordinator.engine.tier(.slow).permits.withLock { $0.waiting } == kept.count)
            gate.open()
            #expect(await settle(tokens + [holding] as [AnyTaskToken]))
            #expect(log.all == kept)
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    /// What keeps the tokens.
    enum Keeper: CaseIterable { case pause, tier, limit, turn, anchorLimit }

    @Test(
        "killed one by one while as many callers wait for a place, each gives its place to one, without a walk through all lists",
        arguments: Keeper.allCases)
    func whileCallersWait(_ keeper: Keeper) async throws {
        let count = 200
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 1]
            $0.capacity = count + 1
        } _: { coordinator in
            let (gate, ran) = (Gate(), Tally())
            let locality: Locality<Int> =
                switch keeper {
                case .turn: .sticky("many", ordered: true)
                case .anchorLimit: .sticky("many", atOnce: 1)
                default: .free
                }
            let call = TaskTokenGuard(
                "many.capacity", storage: keeper == .tier ? .slow : nil, locality: locality,
                options: OperationOptions(concurrency: keeper == .limit ? 1 : nil), on: coordinator
            ) { (number: Int) in
                if number < 0 { gate.pass() }
                ran.add()
            }
            // Under the pause it only takes a place.
            if keeper == .pause { coordinator.pause() }
            let holder = call(keeper == .pause ? 0 : -1)
            if keeper != .pause { await gate.waitForArrivals(1) }
            let tokens = (0..<count).map { call($0) }
            let callers = (0..<count).map { number in Task { try await call.submit(number) } }
            #expect(await eventually { coordinator.statistics().admission?.waiting == count })
            let walks = coordinator.engine.walks.load(ordering: .sequentiallyConsistent)
            for (index, token) in tokens.reversed().enumerated() {
                token.kill()
                // Nothing else happens that could let a caller in.
                #expect(await eventually { coordinator.statistics().admission?.waiting == count - 1 - index })
            }
            for caller in callers { _ = try await caller.value }
            #expect(coordinator.statistics().admission?.inUse == count + 1)
            #expect(coordinator.engine.walks.load(ordering: .sequentiallyConsistent) == walks)
            gate.open()
            coordinator.resume()
            #expect(await settles(holder))
            for caller in callers { try await caller.value.value }
            #expect(ran.value == count + 1)
            #expect(await eventually { coordinator.statistics().admission?.inUse == 0 })
        }
    }
}
