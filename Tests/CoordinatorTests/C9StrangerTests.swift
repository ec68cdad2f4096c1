//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenCore
import TokenGate

/// Which bodies run inside which on one thread.
final class Nesting: Sendable {
    private let stacks = Guarded<[Int32: [TokenID]]>([:])
    private let parents = Guarded<[TokenID: TokenID]>([:])
    /// Bodies that ran on the stack of a body they do not descend from.
    let strangers = Tally()
    /// Bodies that ran inline.
    let inline = Tally()

    /// Runs `work` as the body it is called from; `parent` is the body that submitted it.
    func body<Result>(of parent: TokenID?, _ work: (TokenID) throws -> Result) rethrows -> Result {
        guard let me = TokenContext.current?.id else { return try work(TokenID(origin: 0, sequence: 0)) }
        let thread = CurrentThread.tid()
        parents.withLock { $0[me] = parent }
        let outer = stacks.withLock { stacks in
            defer { stacks[thread, default: []].append(me) }
            return stacks[thread]?.last
        }
        if let outer {
            inline.add()
            if !descends(me, from: outer) { strangers.add() }
        }
        defer { stacks.withLock { _ = $0[thread]?.popLast() } }
        return try work(me)
    }

    private func descends(_ token: TokenID, from ancestor: TokenID) -> Bool {
        parents.withLock { parents in
            var next: TokenID? = token
            while let current = next {
                if current == ancestor { return true }
                next = parents[current]
            }
            return false
        }
    }
}

@Suite("C9 strangers, spares and permits")
struct C9StrangerTests {
    struct Step: Sendable {
        var depth: Int
        var parent: TokenID?
        var seed: UInt64
    }

    private func body(_ nesting: Nesting) -> @Sendable (Step) throws -> Int {
        { step in
            try nesting.body(of: step.parent) { me in
                guard step.depth > 0 else { return 1 }
                var numbers = SeededNumbers(seed: step.seed)
                let children = (0..<3).map { _ in
                    let weight = Weight.allCases.randomElement(using: &numbers) ?? .light
                    let storage = Int.random(in: 0..<4, using: &numbers) == 0 ? StorageSpeed.slow : nil
                    let child =
                        Bool.random(using: &numbers)
                        ? TaskTokenGuard("c9_step", weight: weight, storage: storage, body(nesting))
                        : TaskTokenGuard(
                            "c9_step", weight: weight, storage: storage,
                            locality: .sticky("key \(Int.random(in: 0..<3, using: &numbers))"), body(nesting))
                    return child(Step(depth: step.depth - 1, parent: me, seed: numbers.next()))
                }
                return try children.shuffled(using: &numbers).reduce(0) { try $0 + $1.wait() }
            }
        }
    }

    @Test("C9 a blocked body never sees a stranger on its own stack", arguments: [1, 2, 4])
    func strangers(workers: Int) async throws {
        var numbers = SeededNumbers(for: "C9 strangers")
        let nesting = Nesting()
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.workersPerCore = workers
            $0.storageLimits[.slow] = 2
        } _: { coordinator in
            let root = TaskTokenGuard("c9_step", on: coordinator, body(nesting))
            let tokens = (0..<Sizes.part(of: 24)).map { _ in root(Step(depth: 4, parent: nil, seed: numbers.next())) }
            try #require(await settle(tokens))
            for token in tokens { #expect(try await token.value == 81) }
            #expect(nesting.strangers.value == 0)
            #expect(nesting.inline.value > 0)
            #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 && $0.waiting == 0 } })
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test(
        "C9 storage bodies that hold all permits of their tier wait for children of the same tier",
        arguments: [1, 2, 5])
    func permits(limit: Int) async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = limit
        } _: { coordinator in
            let inside = Gate()
            let leaf = TaskTokenGuard("c9_leaf", storage: .slow) { 1 }
            let middle = TaskTokenGuard("c9_middle", storage: .slow) { try leaf().wait() + leaf().wait() }
            let parent = TaskTokenGuard("c9_parent", storage: .slow, on: coordinator) {
                inside.pass()
                return try waitForAll([middle(), middle()]).reduce(0) { try $0 + $1.get() }
            }
            let tokens = (0..<limit * 3).map { _ in parent() }
            await inside.waitForArrivals(limit)
            inside.open()
            try #require(await settle(tokens))
            for token in tokens { #expect(try await token.value == 4) }
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
        }
    }

    @Test("C9 storage bodies on one stack, which wait for async children, do not wait for each other's permits")
    func nestedPermits() async throws {
        try await withTestCoordinator {
            $0.storageLimits[.slow] = 2
        } _: { coordinator in
            let awaits = TaskTokenGuard("c9_awaits") { () async throws in try await Task.sleep(for: .microseconds(200))
            }
            let inner = TaskTokenGuard("c9_inner_writer", storage: .slow) { for _ in 0..<3 { try awaits().wait() } }
            let outer = TaskTokenGuard("c9_outer_writer", storage: .slow, on: coordinator) {
                for _ in 0..<3 { try inner().wait() }
            }
            let tokens = (0..<60).map { _ in outer() }
            #expect(await settle(tokens))
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
        }
    }

    @Test("C9 async storage bodies that hold all permits await children of the same tier")
    func asyncPermits() async throws {
        try await withTestCoordinator {
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let leaf = TaskTokenGuard("c9_async_leaf", storage: .slow) { 1 }
            let parent = TaskTokenGuard("c9_async_parent", storage: .slow, on: coordinator) {
                () async throws in try await leaf().value
            }
            let token = parent()
            #expect(await settles(token))
            if !token.isSettled { coordinator.killAll() }
        }
    }

    @Test("C9 spare workers stay within workersPerCore, and end when idle")
    func spares() async throws {
        try await withTestCoordinator {
            $0.maximumDomains = 1
            $0.workersPerCore = 3
            $0.idleThreadTime = .milliseconds(20)
        } _: { coordinator in
            let (gate, blocked) = (Gate(), Tally())
            let writer = TaskTokenGuard("c9_gated", storage: .fast) { gate.pass() }
            let root = TaskTokenGuard("c9_blocked", on: coordinator) {
                let child = writer()
                while !child.isSettled, child.state != .executing {}
                blocked.add()
                try child.wait()
            }
            let tokens = (0..<10).map { _ in root() }
            try #require(await eventually { blocked.value == 3 })
            // A fourth would need a fourth thread; what is blocked lends its place up to the cap.
            func standard() -> Int { coordinator.statistics().domains[0].workers.count { $0.crew == "standard" } }
            #expect(standard() == 3)
            try await Task.sleep(for: .milliseconds(50))
            #expect(blocked.value == 3 && standard() == 3)
            gate.open()
            #expect(await settle(tokens))
            #expect(await eventually { coordinator.statistics().domains[0].workers.count == 1 })
        }
    }
}
