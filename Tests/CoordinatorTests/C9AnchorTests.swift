//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("C9 waiting for tokens with anchors")
struct C9AnchorTests {
    /// A key for each domain of a coordinator, found by trying.
    static func keys(_ coordinator: OperationsCoordinator) async throws -> [Int: String] {
        var keys: [Int: String] = [:]
        let probe = TaskTokenGuard(
            "c9_probe", locality: .sticky { (key: String) in key }, on: coordinator
        ) { (_: String) in TokenContext.current?.domain ?? 0 }
        for number in 0..<1_000 where keys.count < coordinator.domainCount {
            keys[try await probe("key \(number)").value] = "key \(number)"
        }
        return keys
    }

    private enum Bounce {
        struct Step: Sendable {
            var left: Int
            var keys: [String]
        }
        /// Goes to and fro between anchors, each body blocked in a wait for the next.
        static let hop: TaskTokenGuard<Step, Int> = TaskTokenGuard(
            "c9_hop", locality: .sticky { (step: Step) in step.keys[step.left % step.keys.count] }
        ) { step in
            if step.left == 0 { return 0 }
            return try hop(Step(left: step.left - 1, keys: step.keys)).wait() + 1
        }
    }

    @Test("C9 bodies of two domains wait for each other's domains at once, with one worker each", arguments: 1...5)
    func bothDirections(round: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.workersPerCore = 1
        } _: { coordinator in
            let keys = try await Self.keys(coordinator)
            let (one, two) = (try #require(keys[1]), try #require(keys[2]))
            let meet = Gate()
            let start = TaskTokenGuard(
                "c9_both_start", locality: .sticky { (keys: [String]) in keys[1] }, on: coordinator
            ) { (keys: [String]) in
                meet.pass()
                return try Bounce.hop(Bounce.Step(left: 8, keys: keys)).wait()
            }
            let tokens = [start([one, two]), start([two, one])]
            await meet.waitForArrivals(2)
            meet.open()
            try #require(await settle(tokens))
            for token in tokens { #expect(try await token.value == 8) }
        }
    }

    @Test("C9 C4 what an async body's blocking wait runs for a domain whose threads are all blocked runs on its CPUs")
    func onItsCPUs() async throws {
        let system = FakeAffinity(.believes)
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.pinMode = .soft
            $0.affinitySystem = system
            $0.workersPerCore = 1
        } _: { coordinator in
            let keys = try await Self.keys(coordinator)
            let (one, two) = (try #require(keys[1]), try #require(keys[2]))
            try coordinator.pause("c9_held")
            let held = TaskTokenGuard("c9_held", on: coordinator) {}()
            let isIn = Gate(open: true)
            let blocks = TaskTokenGuard("c9_blocks", locality: .sticky(two), on: coordinator) {
                isIn.pass()
                _ = try? held.wait()
            }
            let blocked = blocks()
            await isIn.waitForArrivals()
            let child = TaskTokenGuard("c9_visitor", locality: .sticky(two)) {
                (TokenContext.current?.domain, try system.affinity())
            }
            @Sendable func blocking() throws -> (Int?, CPUSet) { try child().wait() }
            let waits = TaskTokenGuard("c9_async_waits", locality: .sticky(one), on: coordinator) {
                () async throws in try blocking()
            }
            let (domain, cpus) = try await waits().value
            #expect(domain == 2 && cpus == coordinator.machine.domains[1])
            held.kill()
            try #require(await settles(blocked))
        }
    }

    @Test("C9 the holder of an ordered anchor's turn waits for a child of the same anchor")
    func reentrance() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let inner = TaskTokenGuard("c9_inner", locality: .sticky("k", ordered: true)) { 5 }
            let outer = TaskTokenGuard("c9_outer", locality: .sticky("k", ordered: true), on: coordinator) {
                try inner().wait()
            }
            let tokens = (0..<20).map { _ in outer() }
            try #require(await settle(tokens))
            for token in tokens { #expect(try await token.value == 5) }
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("C9 the same through a body in between, which has no anchor")
    func reentranceThroughIntermediate() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let inner = TaskTokenGuard("c9_inner2", locality: .sticky("k", ordered: true)) { 5 }
            let between = TaskTokenGuard("c9_between") { try inner().wait() }
            let outer = TaskTokenGuard("c9_outer2", locality: .sticky("k", ordered: true), on: coordinator) {
                try between().wait()
            }
            let tokens = (0..<20).map { _ in outer() }
            try #require(await settle(tokens))
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("C9 two descendants inside one turn still run one at a time", arguments: 1...5)
    func nestedTurnsAreExclusive(round: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator in
            let inside = Tally()
            let overlaps = Tally()
            let inner = TaskTokenGuard("c9_inner3", locality: .sticky("k", ordered: true)) {
                if inside.add() > 1 { overlaps.add() }
                // Long enough to be met if a second one can get in; decides nothing else.
                for _ in 0..<2_000 where overlaps.value == 0 { _ = CurrentThread.tid() }
                inside.add(-1)
            }
            let between = TaskTokenGuard("c9_between3") { try inner().wait() }
            let outer = TaskTokenGuard("c9_outer3", locality: .sticky("k", ordered: true), on: coordinator) {
                for child in (0..<8).map({ _ in between() }) { try child.wait() }
            }
            let token = outer()
            try #require(await settles(token))
            #expect(overlaps.value == 0)
        }
    }

    @Test("C9 an async holder of an ordered anchor's turn awaits a child of the same anchor")
    func asyncReentrance() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let inner = TaskTokenGuard("c9_inner4", locality: .sticky("k", ordered: true)) { 5 }
            let outer = TaskTokenGuard("c9_outer4", locality: .sticky("k", ordered: true), on: coordinator) {
                () async throws in try await inner().value
            }
            let token = outer()
            #expect(await settles(token))
            if !token.isSettled { coordinator.killAll() }
        }
    }

    @Test("C9 a body waits for the last of several children of one ordered anchor")
    func siblingsInTheWay() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let child = TaskTokenGuard("c9_sibling", locality: .sticky("k", ordered: true)) { (n: Int) in n }
            let root = TaskTokenGuard("c9_siblings", on: coordinator) {
                let children = (0..<5).map { child($0) }
                return try children[4].wait()
            }
            let token = root()
            #expect(await settles(token))
            if !token.isSettled { coordinator.killAll() }
        }
    }

    @Test("C9 a body waits for a derived token whose source has not run")
    func derived() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let child = TaskTokenGuard("c9_source") { 20 }
            let root = TaskTokenGuard("c9_maps", on: coordinator) {
                let (sum, twice) = try child().map { $0 + 1 }.zip(child().map { $0 * 2 }).wait()
                return sum + twice
            }
            let token = root()
            #expect(await settles(token))
            if !token.isSettled { coordinator.killAll() }
            let value = try await token.value
            #expect(value == 61)
        }
    }
}
