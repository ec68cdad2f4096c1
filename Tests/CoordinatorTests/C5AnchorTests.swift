//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Coordinator
import TestSupport
import Testing
import TokenCore

/// C5: while a token of an anchor is alive, every token of that anchor runs in the same domain.
@Suite struct C5AnchorTests {
    /// Follows bodies of anchors: which domain, how many at once, in which order.
    final class Watch: Sendable {
        struct Anchor: Sendable {
            var domain: Int?
            var inside = 0
            var peak = 0
            var order: [Int] = []
        }
        private let anchors = Guarded<[Int: Anchor]>([:])
        let misses = Tally()

        func enter(_ key: Int, _ call: Int = 0) {
            let domain = TokenContext.current?.domain
            anchors.withLock { table in
                var anchor = table[key, default: Anchor()]
                if let known = anchor.domain, known != domain { misses.add() }
                anchor.domain = domain
                anchor.inside += 1
                anchor.peak = max(anchor.peak, anchor.inside)
                anchor.order.append(call)
                table[key] = anchor
            }
        }

        func leave(_ key: Int) { anchors.withLock { $0[key]?.inside -= 1 } }
        func anchor(_ key: Int) -> Anchor { anchors.withLock { $0[key] ?? Anchor() } }
    }

    @Test("C5 overlapping arrivals from many threads and tasks: an anchor never runs in two domains")
    func overlapping() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
            // Nothing but live tokens keeps a home.
            $0.anchorIdleCapacity = 0
        } _: { coordinator in
            for round in 0..<5 {
                // Until this token ends, all its keys are alive.
                let gate = Gate()
                let watch = Watch()
                let holders = (0..<20).map { key in
                    TaskTokenGuard("c5.holder", storage: .insane, locality: .sticky(key), on: coordinator) { (_: Int) in
                        watch.enter(key)
                        gate.pass()
                    }(round)
                }
                let light = TaskTokenGuard("c5.light", weight: .light, locality: .sticky { $0 }, on: coordinator) {
                    watch.enter($0)
                }
                let heavy = TaskTokenGuard("c5.heavy", weight: .heavy, locality: .sticky { $0 }, on: coordinator) {
                    watch.enter($0)
                }
                let asynchronous = TaskTokenGuard("c5.async", locality: .sticky { $0 }, on: coordinator) {
                    (key: Int) async in
                    watch.enter(key)
                    await Task.yield()
                    watch.enter(key)
                }
                let tokens = Journal<TaskToken<Void>>()
                await concurrently(4) { thread in
                    for index in 0..<250 {
                        let key = (index * 7 + thread) % 20
                        tokens.note([light, heavy, asynchronous][(index + thread) % 3](key))
                    }
                }
                for result in await gather(tokens.all) { try result.get() }
                gate.open()
                _ = await gather(holders)
                #expect(watch.misses.value == 0)
                #expect(gate.timedOut == 0)
            }
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("C5 a constant key, a computed key and keys of different types with the same bytes are one anchor")
    func keysAreBytes() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 8)
        } _: { coordinator in
            let here: @Sendable (Int) -> Int? = { _ in TokenContext.current?.domain }
            var homes: Set<Int> = []
            for key in 0..<20 {
                let tokens: [TaskToken<Int?>] = [
                    TaskTokenGuard("c5.key-int", locality: .sticky(key), on: coordinator, here)(key),
                    TaskTokenGuard("c5.key-computed", locality: .sticky { $0 }, on: coordinator, here)(key),
                    TaskTokenGuard("c5.key-int32", locality: .sticky(Int32(key)), on: coordinator, here)(key),
                    TaskTokenGuard(
                        "c5.key-bytes", locality: .sticky([UInt8(key), 0, 0, 0, 0, 0, 0, 0]), on: coordinator, here)(
                            key),
                ]
                let domains = try await gather(tokens).compactMap { try $0.get() }
                #expect(Set(domains).count == 1 && domains.count == 4)
                homes.formUnion(domains)
            }
            #expect(homes.count > 1, "20 anchors use more than one of 8 domains")
        }
    }

    @Test("C5 the home of an anchor is a function of its key: alike in every coordinator of the same size")
    func stable() async throws {
        func homes() async throws -> [Int?] {
            try await withTestCoordinator {
                $0.pretend(domains: 8)
            } _: { coordinator in
                let look = TaskTokenGuard("c5.stable", locality: .sticky { "user-\($0)" }, on: coordinator) {
                    (_: Int) in
                    TokenContext.current?.domain
                }
                var homes: [Int?] = []
                for key in 0..<30 { homes.append(try await look(key).value) }
                return homes
            }
        }
        let (first, second) = (try await homes(), try await homes())
        #expect(first == second)
    }

    @Test("C5 workers of an anchor's domain are the only ones that take its tokens, though others are idle")
    func notStolen() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let gate = Gate()
            let look = TaskTokenGuard("c5.bound", locality: .sticky("one"), on: coordinator) { (n: Int) in
                if n == 0 { gate.pass() }
                return TokenContext.current?.domain
            }
            let first = look(0)
            await gate.waitForArrivals()
            let rest = (1...100).map { look($0) }
            // The other three domains have nothing else to do, and prove it.
            let free = TaskTokenGuard("c5.free", on: coordinator) { (n: Int) in n }
            _ = await gather((0..<100).map { free($0) })
            #expect(rest.allSatisfy { !$0.isSettled })
            gate.open()
            let home = try await first.value
            for result in await gather(rest) {
                let domain = try result.get()
                #expect(domain == home)
            }
        }
    }

    @Test("C5 an ordered anchor runs one at a time, in submission order, whatever is killed in between")
    func ordered() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator in
            var numbers = SeededNumbers(for: "C5 ordered")
            let gate = Gate()
            let watch = Watch()
            // Two operations share each key; one of them goes through a storage tier besides.
            let body: @Sendable (Int) -> Void = { call in
                watch.enter(call % 4, call)
                if call < 4 { gate.pass() }
                watch.leave(call % 4)
            }
            let plain = TaskTokenGuard(
                "c5.ordered", locality: .sticky(ordered: true) { $0 % 4 }, on: coordinator, body)
            let storage = TaskTokenGuard(
                "c5.ordered-storage", storage: .slow, locality: .sticky(ordered: true) { $0 % 4 }, on: coordinator, body
            )
            // Storage threads hold the turns first, so that no crew is blocked by the gate.
            var tokens = (0..<4).map { storage($0) }
            await gate.waitForArrivals(4)
            for call in 4..<800 { tokens.append(Bool.random(using: &numbers) ? plain(call) : storage(call)) }
            let killed = Set((0..<200).map { _ in Int.random(in: 4..<800, using: &numbers) })
            for call in killed { #expect(tokens[call].kill()) }
            gate.open()
            _ = await gather(tokens)
            for key in 0..<4 {
                let anchor = watch.anchor(key)
                #expect(anchor.peak == 1)
                #expect(anchor.order == (0..<800).filter { $0 % 4 == key && !killed.contains($0) })
            }
            #expect(watch.misses.value == 0)
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test(
        "C5 an ordered anchor under fire from many threads, with kills as they run: one at a time, each thread in order"
    )
    func orderedStorm() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator in
            let seed = SeededNumbers(for: "C5 ordered storm")
            var draw = seed
            let seeds = (0..<4).map { _ in draw.next() }
            let watch = Watch()
            let body: @Sendable (Int) -> Void = { call in
                watch.enter(0, call)
                watch.leave(0)
            }
            let kinds: [TaskTokenGuard<Int, Void>] = [
                TaskTokenGuard("c5.storm-a", locality: .sticky("storm", ordered: true), on: coordinator, body),
                TaskTokenGuard(
                    "c5.storm-b", weight: .heavy, locality: .sticky("storm", ordered: true), on: coordinator, body),
                TaskTokenGuard(
                    "c5.storm-c", storage: .slow, locality: .sticky("storm", ordered: true), on: coordinator, body),
            ]
            let tokens = Journal<TaskToken<Void>>()
            await concurrently(4) { thread in
                var numbers = SeededNumbers(seed: seeds[thread])
                for index in 0..<500 {
                    let token = kinds[Int.random(in: 0..<3, using: &numbers)](thread * 1_000 + index)
                    tokens.note(token)
                    if Int.random(in: 0..<4, using: &numbers) == 0 { token.kill() }
                }
            }
            _ = await gather(tokens.all)
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
            let anchor = watch.anchor(0)
            #expect(anchor.peak == 1)
            #expect(watch.misses.value == 0)
            for thread in 0..<4 {
                let mine = anchor.order.filter { $0 / 1_000 == thread }
                #expect(mine == mine.sorted())
            }
            #expect(anchor.order.count >= tokens.all.count { $0.state == .completed })
        }
    }
}
