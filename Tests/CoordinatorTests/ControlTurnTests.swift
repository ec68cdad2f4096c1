//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenGate

/// A pause never hangs a running body, also where what it pauses has the turn that the body's descendants need.
@Suite("Pause and the turns of ordered anchors")
struct ControlTurnTests {
    private typealias Call = TaskTokenGuard<Int, Int>

    private static func ordered(
        _ name: String, key: String = "k", on coordinator: OperationsCoordinator,
        _ body: @escaping @Sendable (Int) -> Int
    ) -> Call { Call(name, locality: .sticky(key, ordered: true), on: coordinator, body) }

    @Test("A paused token that has the turn lets a running body's child in before it", arguments: [false, true])
    func holderIsPaused(awaits: Bool) async throws {
        try await withTestCoordinator { coordinator in
            let gate = Gate()
            let log = Journal<Int>()
            let step = Self.ordered("turn.step", on: coordinator) {
                log.note($0)
                return $0
            }
            let blocking = Call("turn.blocking", on: coordinator) { (n: Int) throws in
                gate.pass()
                return try step(n).wait() + step(n + 1).wait()
            }
            let async = Call("turn.async", on: coordinator) { (n: Int) async throws in
                gate.pass()
                return try await step(n).value + step(n + 1).value
            }
            let parent = (awaits ? async : blocking)(1)
            await gate.waitForArrivals()
            coordinator.pause()
            let held = [step(10), step(11)]
            #expect(held.map(\.state) == [.waiting, .waiting])
            gate.open()
            try #require(await settles(parent))
            #expect(try await parent.value == 3)
            #expect(held.map(\.state) == [.waiting, .waiting])
            coordinator.resume()
            try #require(await settle(held))
            #expect(log.all == [1, 2, 10, 11])
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("A paused token that is given the turn passes it to a running body's child behind it")
    func holderComesToBePaused() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let (first, second) = (Gate(), Gate())
            let log = Journal<Int>()
            let hold = Self.ordered("turn.hold", on: coordinator) {
                first.pass()
                return $0
            }
            let step = Self.ordered("turn.next", on: coordinator) {
                log.note($0)
                return $0
            }
            let children = Journal<TaskToken<Int>>()
            let parent = Call("turn.parent", weight: .heavy, on: coordinator) { (n: Int) throws in
                second.pass()
                let child = step(n)
                children.note(child)
                return try child.wait()
            }
            let holder = hold(0)
            await first.waitForArrivals()
            let held = [step(10), step(11)]
            let running = parent(1)
            await second.waitForArrivals()
            second.open()
            #expect(await eventually { children.all.count == 1 })
            try coordinator.pause("turn.next")
            first.open()
            try #require(await settles(running))
            #expect(try await holder.value == 0)
            #expect(log.all == [1])
            #expect(held.map(\.state) == [.waiting, .waiting])
            held[0].kill()
            try coordinator.resume("turn.next")
            try #require(await settle(held))
            #expect(log.all == [1, 11])
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("Under pauses, kills and many anchors, what has begun ends without a resume", arguments: 1...5)
    func storm(round: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let steps = (0..<3).map { key in
                Self.ordered("turn.storm-\(key)", key: "k\(key)", on: coordinator) { n in
                    // Long enough for lines to form.
                    for _ in 0..<500 { _ = CurrentThread.tid() }
                    return n
                }
            }
            let parent = Call("turn.trees", on: coordinator) { (n: Int) throws in
                try (0..<6).reduce(0) { try $0 + steps[(n + $1) % 3]($1).wait() }
            }
            let tokens = Journal<TaskToken<Int>>()
            await concurrently(4) { thread in
                for index in 0..<Sizes.part(of: 60) {
                    switch thread {
                    case 0: tokens.note(parent(index))
                    case 1: if index % 4 == 0 { tokens.all.last?.kill() }
                    default: tokens.note(steps[index % 3](index))
                    }
                }
            }
            #expect(await eventually { coordinator.statistics().counts.settled > Sizes.part(of: 20 * round) })
            coordinator.pause()
            #expect(await eventually { coordinator.statistics().counts.executing == 0 })
            coordinator.resume()
            try #require(await settle(tokens.all))
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }
}
