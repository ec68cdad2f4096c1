//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("C11 a system that refuses threads")
struct C11ThreadFaultTests {
    @Test("C2 start throws where a domain's worker is refused, and what was submitted settles", arguments: [1, 2])
    func start(which: Int) async throws {
        let system = RefusingAffinity { $0 == which }
        let coordinator = try makeCoordinator {
            $0.pretend(domains: 2)
            $0.affinitySystem = system
        }
        let token = TaskTokenGuard("c2_early", on: coordinator) {}()
        do {
            try await coordinator.start()
            Issue.record("the start succeeded")
        } catch {
            #expect(error.code == .threadUnavailable)
        }
        #expect(await settles(token))
        #expect(coordinator.phase == .stopped)
        #expect(await eventually { coordinator.statistics().domains.allSatisfy(\.workers.isEmpty) })
    }

    @Test("C2 work of each kind is done when only the first worker gets a thread")
    func onlyOne() async throws {
        let system = RefusingAffinity { $0 > 1 }
        try await withTestCoordinator {
            $0.maximumDomains = 1
            $0.affinitySystem = system
        } _: { coordinator in
            let child = TaskTokenGuard("c2_child") { 1 }
            let sleeper = TaskTokenGuard("c2_sleeper") { () async throws -> Int in
                try await Task.sleep(for: .milliseconds(1))
                return 1
            }
            let heavy = TaskTokenGuard("c2_heavy", weight: .heavy, on: coordinator) { try child().wait() }
            let writer = TaskTokenGuard("c2_writer", storage: .slow, on: coordinator) { try child().wait() }
            let blocked = TaskTokenGuard("c2_blocked", on: coordinator) { try sleeper().wait() }
            let heavyAsync = TaskTokenGuard("c2_heavy_async", weight: .heavy, on: coordinator) {
                () async throws in try await sleeper().value
            }
            let tokens = (0..<20).flatMap { _ in [heavy(), writer(), blocked(), heavyAsync()] }
            try #require(await settle(tokens))
            for token in tokens { #expect(try await token.value == 1) }
            #expect(system.refused.value > 0)
        }
    }

    @Test("C2 work is done when threads are refused now and then")
    func nowAndThen() async throws {
        let system = RefusingAffinity { $0 > 1 && $0 % 3 != 0 }
        try await withTestCoordinator {
            $0.maximumDomains = 1
            $0.affinitySystem = system
            $0.idleThreadTime = .milliseconds(1)
        } _: { coordinator in
            let writer = TaskTokenGuard("c2_now_and_then", storage: .slow, on: coordinator) { (n: Int) async in n }
            let heavy = TaskTokenGuard("c2_now_and_then_heavy", weight: .heavy, on: coordinator) { (n: Int) in n }
            for _ in 0..<50 {
                let tokens = (0..<10).flatMap { [writer($0), heavy($0)] }
                try #require(await settle(tokens))
            }
        }
    }

    @Test(
        "C9 storage bodies that wait for children of their tier, one permit in all, go on where threads are refused",
        arguments: [1, 4])
    func onePermit(workers: Int) async throws {
        let isRefusing = Tally()
        let system = RefusingAffinity { _ in isRefusing.value > 0 }
        try await withTestCoordinator {
            $0.maximumDomains = 1
            $0.workersPerCore = workers
            $0.storageLimits[.slow] = 1
            $0.affinitySystem = system
        } _: { coordinator in
            isRefusing.add()
            let child = TaskTokenGuard("c9_child", storage: .slow) { 1 }
            let parent = TaskTokenGuard("c9_parent", storage: .slow, on: coordinator) { () throws -> Int in
                // When one is done, the next has the permit before the parent can take it back.
                let children = (0..<4).map { _ in child() }
                return try children.reduce(0) { $0 + (try $1.wait()) }
            }
            // One tree at a time: a stranger that got the permit could not be run by anybody.
            for _ in 0..<3 {
                let token = parent()
                try #require(await settles(token))
                #expect(try await token.value == 4)
            }
            #expect(system.refused.value > 0)
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
            #expect(coordinator.statistics().tiers[0].peak == 1)
        }
    }
}
