//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

/// One CPU, one worker: where waiting goes wrong first.
func smallest(_ configuration: inout Configuration) {
    configuration.maximumDomains = 1
    configuration.workersPerCore = 1
}

/// One permit in the slow tier, and threads enough: who waits for it stands in its line, and may have something else.
func oneInTier(_ configuration: inout Configuration) {
    configuration.pretend(domains: 1)
    configuration.workersPerCore = 4
    configuration.storageLimits = [.slow: 1]
}

/// How many stand in the line of the slow tier.
func standing(_ coordinator: OperationsCoordinator) -> Int {
    coordinator.statistics().tiers.first { $0.speed == .slow }?.waiting ?? 0
}

private enum Tree {
    /// Blocks at each level for three children.
    static let blocking: TaskTokenGuard<Int, Int> = TaskTokenGuard("c9_tree_blocking") { depth in
        if depth == 0 { return 1 }
        let children = (0..<3).map { _ in blocking(depth - 1) }
        return try children.reduce(0) { try $0 + $1.wait() }
    }
    /// As `blocking`, awaiting.
    static let awaiting: TaskTokenGuard<Int, Int> = TaskTokenGuard("c9_tree_awaiting") { depth async throws in
        if depth == 0 { return 1 }
        let children = (0..<3).map { _ in awaiting(depth - 1) }
        var sum = 0
        for child in children { sum += try await child.value }
        return sum
    }
    /// A chain: each body blocks for one child.
    static let chain: TaskTokenGuard<Int, Int> = TaskTokenGuard("c9_chain") { depth in
        depth == 0 ? 0 : try chain(depth - 1).wait() + 1
    }
    /// As `blocking`, waiting for all children at once.
    static let gathering: TaskTokenGuard<Int, Int> = TaskTokenGuard("c9_tree_all") { depth in
        if depth == 0 { return 1 }
        return try waitForAll((0..<3).map { _ in gathering(depth - 1) }).reduce(0) { try $0 + $1.get() }
    }
    /// Blocks at odd levels, awaits at even ones.
    static let mixed: TaskTokenGuard<Int, Int> = TaskTokenGuard("c9_mixed_blocking") { depth in
        if depth == 0 { return 1 }
        return try (0..<2).map { _ in mixedAsync(depth - 1) }.reduce(0) { try $0 + $1.wait() }
    }
    static let mixedAsync: TaskTokenGuard<Int, Int> = TaskTokenGuard("c9_mixed_awaiting") { depth async throws in
        if depth == 0 { return 1 }
        var sum = 0
        for child in (0..<2).map({ _ in mixed(depth - 1) }) { sum += try await child.value }
        return sum
    }
}

@Suite("C9 waiting inside a body is safe")
struct C9WaitingTests {
    @Test(
        "C9 a heavy lead with three medium children, waited for inside the body, at depth 3, on one CPU with one worker"
    )
    func heavyLeadBlocking() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let lead = TaskTokenGuard(
                "c9_lead", weight: .heavy, locality: .lead(externalCalls: ["c9_tree_blocking"]), on: coordinator
            ) { (depth: Int) in
                try (0..<3).map { _ in Tree.blocking(depth - 1) }.reduce(0) { try $0 + $1.wait() }
            }
            let token = lead(3)
            try #require(await settles(token))
            #expect(try await token.value == 27)
        }
    }

    @Test("C9 the same heavy lead, awaited inside async bodies")
    func heavyLeadAwaiting() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let lead = TaskTokenGuard(
                "c9_lead_async", weight: .heavy, locality: .lead(externalCalls: ["c9_tree_awaiting"]), on: coordinator
            ) { (depth: Int) async throws in
                var sum = 0
                for child in (0..<3).map({ _ in Tree.awaiting(depth - 1) }) { sum += try await child.value }
                return sum
            }
            let token = lead(3)
            try #require(await settles(token))
            #expect(try await token.value == 27)
        }
    }

    @Test("C9 blocking bodies of async children of blocking bodies, on one CPU with one worker", arguments: [1, 4])
    func mixed(workers: Int) async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.workersPerCore = workers
        } _: { coordinator in
            let root = TaskTokenGuard("c9_mixed_root", on: coordinator) { try Tree.mixed(4).wait() }
            let token = root()
            try #require(await settles(token))
            #expect(try await token.value == 16)
        }
    }

    @Test("C9 a chain of blocking waits of any depth", arguments: [1, 2, 3, 10, 100, 1_000])
    func chain(depth: Int) async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let root = TaskTokenGuard("c9_chain_root", on: coordinator) { try Tree.chain(depth).wait() }
            let token = root()
            try #require(await settles(token))
            #expect(try await token.value == depth)
        }
    }

    @Test("C9 thousands of nested waits on small stacks")
    func deep() async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.stackSize = 512 << 10
        } _: { coordinator in
            let depth = Sizes.depth
            let root = TaskTokenGuard("c9_deep_root", on: coordinator) { try Tree.chain(depth).wait() }
            let token = root()
            try #require(await settles(token))
            #expect(try await token.value == depth)
            let quiet = await eventually { coordinator.statistics().domains[0].workers.allSatisfy { $0.depth == 0 } }
            #expect(quiet)
            #expect(coordinator.statistics().domains[0].workers.count <= 2)
        }
    }

    @Test("C9 waitForAll inside bodies")
    func waitingForAll() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let root = TaskTokenGuard("c9_all_root", on: coordinator) { try Tree.gathering(4).wait() }
            let token = root()
            try #require(await settles(token))
            #expect(try await token.value == 81)
        }
    }

    @Test("C9 a wait with a timeout inside a body gives up in time, and the token goes on")
    func timeout() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let gate = Gate()
            // Of another tier's threads, so that it is running, not ready, when the body waits for it.
            let slow = TaskTokenGuard("c9_slow", storage: .slow) { gate.pass() }
            let root = TaskTokenGuard("c9_timeout_root", on: coordinator) { () -> TokenError.Code? in
                let child = slow()
                while child.state != .executing {}
                do {
                    try child.wait(timeout: .milliseconds(20))
                    return nil
                } catch {
                    gate.open()
                    try child.wait()
                    return (error as? TokenError)?.code
                }
            }
            let token = root()
            try #require(await settles(token))
            #expect(try await token.value == .waitTimedOut)
        }
    }

    @Test("C9 a wait for a token that is not the body's own lends the worker", arguments: [2, 4])
    func strangersToken(workers: Int) async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.workersPerCore = workers
        } _: { coordinator in
            let gate = Gate()
            let started = Gate(open: true)
            let plain = TaskTokenGuard("c9_other", on: coordinator) { 7 }
            let box = Journal<TaskToken<Int>>()
            let root = TaskTokenGuard("c9_waits_for_other", on: coordinator) {
                started.pass()
                gate.pass()
                return try box.all[0].wait()
            }
            let token = root()
            await started.waitForArrivals()
            box.note(plain())
            gate.open()
            try #require(await settles(token))
            #expect(try await token.value == 7)
        }
    }
}
