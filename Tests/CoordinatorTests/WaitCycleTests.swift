//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("circles of waits are told, with the tokens in them; what is no circle is not")
struct WaitCycleTests {
    typealias Told = Journal<[Event.WaitLink]>

    /// A coordinator on a clock that stands still, and the circles that it tells.
    func watched(
        _ configure: (inout Configuration) -> Void = { _ in },
        _ body: (OperationsCoordinator, ManualTime, Told) async throws -> Void
    ) async throws {
        let time = ManualTime()
        let told = Told()
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.time = time
            configure(&$0)
        } _: { coordinator in
            let events = coordinator.events
            let reader = Task {
                for await event in events { if case .waitCycle(let links) = event.kind { told.note(links) } }
            }
            do {
                try await body(coordinator, time, told)
            } catch {
                coordinator.killAll()
                throw error
            }
            reader.cancel()
        }
    }

    /// Looks until a circle is told: each look is due after a second.
    func look(_ time: ManualTime, _ told: Told, for count: Int = 1) async -> Bool {
        await eventually {
            time.advance(by: .seconds(1))
            return told.count >= count
        }
    }

    /// The links as words, from the one with the least operation type on.
    func words(_ links: [Event.WaitLink]) -> [String] {
        let names = links.map { "\($0.operationType) \($0.reason.rawValue)" }
        let start = names.indices.min { names[$0] < names[$1] } ?? 0
        return Array(names[start...] + names[..<start])
    }

    @Test(
        "two async bodies with an anchor's turn each that wait for the other's: four links, told once; a kill gets out")
    func anchors() async throws {
        try await watched { coordinator, time, told in
            let inside = Tally()
            let children = Journal<AnyTaskToken>()
            let inner = TaskTokenGuard(
                "cycle_inner", locality: .sticky(ordered: true) { (key: String) in key }, on: coordinator
            ) { (_: String) in }
            let outer = TaskTokenGuard(
                "cycle_outer", locality: .sticky(ordered: true) { (keys: (String, String)) in keys.0 }, on: coordinator
            ) { (keys: (String, String)) async in
                inside.add()
                _ = await eventually { inside.value == 2 }
                let child = inner(keys.1)
                children.note(child)
                await child.settled()
            }
            let tokens = [outer(("a", "b")), outer(("b", "a"))]
            try #require(await look(time, told))
            #expect(
                words(told.all[0]) == [
                    "cycle_inner anchorTurn", "cycle_outer body", "cycle_inner anchorTurn", "cycle_outer body",
                ])
            let ids = Set(told.all[0].map(\.id))
            #expect(ids == Set((tokens as [AnyTaskToken] + children.all).map(\.id)))
            for _ in 0..<5 { time.advance(by: .seconds(1)) }
            #expect(told.count == 1)
            for child in children.all { child.kill() }
            #expect(await settle(tokens))
        }
    }

    @Test(
        "a body that waits for a token that comes after itself; two bodies that wait for each other",
        arguments: [false, true])
    func direct(_ isAsync: Bool) async throws {
        try await watched { coordinator, time, told in
            let own = Journal<AnyTaskToken>()
            let after = TaskTokenGuard("cycle_after", on: coordinator) {}
            let made = Journal<AnyTaskToken>()
            let body =
                isAsync
                ? TaskTokenGuard("cycle_self", on: coordinator) { () async in
                    _ = await eventually { own.count == 1 }
                    let token = after.with(after: own.all)()
                    made.note(token)
                    await token.settled()
                }
                : TaskTokenGuard("cycle_self", on: coordinator) {
                    while own.count == 0 { _ = CurrentThread.tid() }
                    let token = after.with(after: own.all)()
                    made.note(token)
                    _ = try? token.wait()
                }
            own.note(body())
            try #require(await look(time, told))
            #expect(words(told.all[0]) == ["cycle_after dependency", "cycle_self body"])
            made.all[0].kill()
            #expect(await settle(own.all))

            let pair = Journal<TaskToken<Void>>()
            let each = TaskTokenGuard("cycle_each", on: coordinator) { (other: Int) async in
                _ = await eventually { pair.count == 2 }
                await pair.all[other].settled()
            }
            pair.note(each(1))
            pair.note(each(0))
            // And another pair, that has nothing to do with it.
            let other = Journal<TaskToken<Void>>()
            let next = TaskTokenGuard("cycle_next", on: coordinator) { (neighbour: Int) async in
                _ = await eventually { other.count == 2 }
                await other.all[neighbour].settled()
            }
            other.note(next(1))
            other.note(next(0))
            try #require(await look(time, told, for: 3))
            #expect(
                Set(told.all[1...].map(words)) == [
                    ["cycle_each body", "cycle_each body"], ["cycle_next body", "cycle_next body"],
                ])
            for token in pair.all + other.all { token.kill() }
        }
    }

    @Test("limits of operations and storage tiers that async bodies hold while they wait for each other's")
    func limits() async throws {
        try await watched {
            $0.storageLimits[.slow] = 1
        } _: { coordinator, time, told in
            let inside = Tally()
            let children = Journal<AnyTaskToken>()
            let names = ["cycle_limited", "cycle_stored"]
            try coordinator.setConcurrencyLimit(1, of: names[0])
            let leaves = [
                TaskTokenGuard(names[0], on: coordinator) {},
                TaskTokenGuard(names[1], storage: .slow, on: coordinator) {},
            ]
            func root(_ name: String, _ storage: StorageSpeed?, _ child: TaskTokenGuard<Void, Void>) -> TaskToken<Void>
            {
                TaskTokenGuard(name, storage: storage, on: coordinator) { () async in
                    inside.add()
                    _ = await eventually { inside.value == 2 }
                    let token = child()
                    children.note(token)
                    await token.settled()
                }()
            }
            let tokens = [root(names[0], nil, leaves[1]), root("cycle_storing", .slow, leaves[0])]
            try #require(await look(time, told))
            #expect(
                words(told.all[0]) == [
                    "cycle_limited body", "cycle_stored storage", "cycle_storing body", "cycle_limited operationLimit",
                ])
            for child in children.all { child.kill() }
            #expect(await settle(tokens))
        }
    }

    @Test("a body that waits for a stranger whose only worker it is, where the system has no other thread")
    func worker() async throws {
        let isFull = Tally()
        try await watched {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
            $0.affinitySystem = RefusingAffinity { _ in isFull.value > 0 }
        } _: { coordinator, time, told in
            let strangers = Journal<TaskToken<Void>>()
            let stranger = TaskTokenGuard("cycle_stranger", on: coordinator) {}
            let waiter = TaskTokenGuard("cycle_waiter", on: coordinator) {
                while strangers.count == 0 { _ = CurrentThread.tid() }
                _ = try? strangers.all[0].wait()
            }
            let token = waiter()
            #expect(await eventually { token.state == .executing })
            isFull.add()
            strangers.note(stranger())
            try #require(await look(time, told))
            #expect(words(told.all[0]) == ["cycle_stranger worker", "cycle_waiter body"])
            strangers.all[0].kill()
            #expect(await settles(token))
        }
    }

    @Test(
        "what waits for long without a circle is not told: chains, trees, lines, pauses, delays, and bodies that take long"
    )
    func noFalseAlarm() async throws {
        var numbers = SeededNumbers(for: "no false wait cycles")
        try await watched {
            $0.workersPerCore = 2
            $0.storageLimits[.slow] = 1
        } _: { coordinator, time, told in
            try coordinator.setConcurrencyLimit(1, of: "cycle_forest_0")
            let roots = (0..<6).map { _ in
                Forest.grow(Int.random(in: 0..<4, using: &numbers), numbers.next(), 3, coordinator)
            }
            let opened = Tally()
            let slow = TaskTokenGuard("cycle_long", locality: .sticky("long", ordered: true), on: coordinator) {
                () async in
                _ = await eventually { opened.value > 0 }
            }
            let waiting = TaskTokenGuard("cycle_waits", on: coordinator) { () async in
                await slow().settled()
                await slow().settled()
            }
            let delayed = TaskTokenGuard("cycle_delayed", on: coordinator) { () async in
                let child = slow.with(delay: .seconds(1_000))()
                await child.settled()
            }
            let last = [waiting(), delayed(), waiting()]
            _ = await eventually {
                time.advance(by: .seconds(1))
                return roots.allSatisfy(\.isSettled)
            }
            for _ in 0..<50 {
                time.advance(by: .seconds(1))
                await Task.yield()
            }
            opened.add()
            time.advance(by: .seconds(2_000))
            #expect(await settle(last))
            #expect(told.count == 0, "\(told.all)")
        }
    }

    /// Trees of bodies that wait for their children, over turns and permits taken in one order.
    private enum Forest {
        static func grow(_ kind: Int, _ seed: UInt64, _ depth: Int, _ coordinator: OperationsCoordinator) -> TaskToken<
            Int
        > {
            let locality: Locality<Int> = kind == 1 ? .sticky("cycle_\(depth)", ordered: true) : .free
            let storage: StorageSpeed? = kind == 2 ? .slow : nil
            @Sendable func children() -> [TaskToken<Int>] {
                var numbers = SeededNumbers(seed: seed)
                // Only synchronous bodies below permits: those lend them.
                return (0..<Int.random(in: 1...3, using: &numbers)).map { _ in
                    grow(Int.random(in: 0..<3, using: &numbers), numbers.next(), depth - 1, coordinator)
                }
            }
            if kind == 3 {
                return TaskTokenGuard("cycle_forest_3", on: coordinator) { (_: Int) async throws in
                    if depth == 0 { return 1 }
                    var sum = 1
                    for child in children() { sum += try await child.value }
                    return sum
                }(0)
            }
            return TaskTokenGuard("cycle_forest_\(kind)", storage: storage, locality: locality, on: coordinator) {
                (_: Int) in
                if depth == 0 { return 1 }
                return try children().reduce(1) { try $0 + $1.wait() }
            }(0)
        }
    }

    @Test("without a time to look after nobody looks; C12 one that is not positive is refused")
    func configuration() async throws {
        try await watched {
            $0.waitCycleTime = nil
        } _: { coordinator, time, told in
            let own = Journal<TaskToken<Void>>()
            let body = TaskTokenGuard("cycle_unseen", on: coordinator) { () async in
                _ = await eventually { own.count == 1 }
                await own.all[0].settled()
            }
            own.note(body())
            for _ in 0..<10 { time.advance(by: .seconds(10)) }
            #expect(coordinator.realm.timers.count == 0)
            own.all[0].kill()
            #expect(told.count == 0)
        }
        var configuration = Configuration()
        configuration.waitCycleTime = .zero
        let error = #expect(throws: TokenError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration && error?.message.contains("waitCycleTime 0") == true)
    }
}
