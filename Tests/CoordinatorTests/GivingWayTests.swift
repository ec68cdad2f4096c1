//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@testable import Coordinator

/// Bodies that do not wait, and how many of them there were at once.
struct InsideCount {
    let now = Tally()
    let breaches = Tally()

    func pass(_ most: Int) {
        if now.add() > most { breaches.add() }
        for _ in 0..<50 { _ = CurrentThread.tid() }
        now.add(-1)
    }
}

@Suite("who has a permit and waits for the next gives way to one that needs it below an async body")
struct GivingWayTests {
    private func limit(_ coordinator: OperationsCoordinator, _ name: String) -> Statistics.Limit? {
        coordinator.statistics().operations.first { $0.operationType == name }?.concurrency
    }

    /// Whether both lines are empty, and what was granted was given back once.
    private func isQuiet(_ coordinator: OperationsCoordinator, _ name: String) -> Bool {
        let limit = limit(coordinator, name)
        let tier = coordinator.statistics().tiers[0]
        return limit?.inUse ?? 0 == 0 && limit?.waiting ?? 0 == 0 && tier.inUse == 0 && tier.waiting == 0
            && coordinator.engine.allLines.allSatisfy { $0.permits.withLock { $0.imbalances == 0 } }
    }

    @Test(
        "C9 an async body in a tier awaits a limited operation of that tier, whose permit a stranger in the tier's line has",
        arguments: [false, true], [1, 4])
    func tokens(_ isDeep: Bool, _ strangers: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let name = "way_limited"
            let (began, goOn, inside) = (Tally(), Tally(), InsideCount())
            let limited = TaskTokenGuard(
                name, storage: .slow, options: OperationOptions(concurrency: 1), on: coordinator
            ) { (number: Int) in
                inside.pass(1)
                return number
            }
            // The host begins to wait after the one between it and the limited token does, or before.
            let between = TaskTokenGuard("way_between", on: coordinator) { (number: Int) async throws in
                try await limited(number).value
            }
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { () async throws in
                began.add()
                _ = await eventually { goOn.value > 0 }
                if !isDeep { return try await limited(7).value }
                let token = between(7)
                _ = await eventually { limit(coordinator, name)?.waiting ?? 0 >= strangers }
                return try await token.value
            }()
            #expect(await eventually { began.value == 1 })
            let others = (0..<strangers).map { limited($0) }
            #expect(limit(coordinator, name)?.inUse == 1 && coordinator.statistics().tiers[0].waiting == 1)
            goOn.add()
            let result = try await host.value
            #expect(result == 7)
            #expect(await settle(others))
            for (number, other) in others.enumerated() {
                let value = try await other.value
                #expect(value == number)
            }
            #expect(inside.breaches.value == 0)
            #expect(await eventually { isQuiet(coordinator, name) })
        }
    }

    @Test("C9 the same of an anchor's limit")
    func anchor() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let (began, goOn, inside) = (Tally(), Tally(), InsideCount())
            let limited = TaskTokenGuard(
                "way_anchored", storage: .slow, locality: .sticky("way", atOnce: 1), on: coordinator
            ) { (number: Int) in
                inside.pass(1)
                return number
            }
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { () async throws in
                began.add()
                _ = await eventually { goOn.value > 0 }
                return try await limited(7).value
            }()
            #expect(await eventually { began.value == 1 })
            let others = (0..<3).map { limited($0) }
            goOn.add()
            let result = try await host.value
            #expect(result == 7)
            #expect(await settle(others))
            #expect(inside.breaches.value == 0)
            #expect(await eventually { isQuiet(coordinator, "") && coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("C9 bodies that take back what they lent, below two async ones that have the whole tier")
    func bodies() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits[.slow] = 2
        } _: { coordinator in
            let name = "way_lent"
            let (arrived, opened) = ((0..<4).map { _ in Tally() }, (0..<4).map { _ in Tally() })
            let inside = InsideCount()
            let leaf = TaskTokenGuard("way_leaf", on: coordinator) { (number: Int) async -> Int in
                arrived[number].add()
                _ = await eventually { opened[number].value > 0 }
                return number
            }
            let limited = TaskTokenGuard(
                name, storage: .slow, options: OperationOptions(concurrency: 1), on: coordinator
            ) { (number: Int) throws -> Int in
                let result = try leaf(number).wait()
                inside.pass(1)
                return result
            }
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { (number: Int) async throws in
                try await limited(number).value
            }
            /// Its body has lent what it has.
            func waits(_ number: Int, _ waiting: Int) async {
                let engine = coordinator.engine
                _ = await eventually {
                    arrived[number].value == 1 && engine.waits.withLock { $0.entries.count } == waiting
                        && limit(coordinator, name)?.inUse == 0
                }
            }
            let first = host(1)
            await waits(1, 2)
            let stranger = limited(2)
            await waits(2, 3)
            let last = host(3)
            await waits(3, 5)
            // The stranger takes the operation's permit back, and waits for the tier's. The first lacks both, and its host has one of
            // the tier; the last lacks the former alone.
            opened[2].add()
            #expect(await eventually { limit(coordinator, name)?.inUse == 1 })
            opened[1].add()
            opened[3].add()
            let tokens = [first, stranger, last]
            #expect(await settle(tokens))
            for (number, token) in zip([1, 2, 3], tokens) {
                let value = try await token.value
                #expect(value == number)
            }
            #expect(inside.breaches.value == 0)
            #expect(await eventually { isQuiet(coordinator, name) })
        }
    }

    @Test("C9 C8 many such trees at once, with kills")
    func forest() async throws {
        var numbers = SeededNumbers(for: "giving way")
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.storageLimits[.slow] = 2
        } _: { coordinator in
            let name = "way_forest"
            let inside = InsideCount()
            let leaf = TaskTokenGuard("way_leaf", on: coordinator) { (number: Int) async -> Int in
                await Task.yield()
                return number
            }
            let blocking = TaskTokenGuard(
                name, storage: .slow, options: OperationOptions(concurrency: 1), on: coordinator
            ) { (number: Int) throws -> Int in
                if number % 3 == 0 { _ = try leaf(number).wait() }
                inside.pass(1)
                return number
            }
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { (number: Int) async throws in
                if number % 2 == 0 { return try await blocking(number).value }
                let between = TaskTokenGuard("way_between", on: coordinator) { (number: Int) async throws in
                    try await blocking(number).value
                }
                return try await between(number).value
            }
            for _ in 0..<Sizes.part(of: 300) {
                let count = Int.random(in: 2...8, using: &numbers)
                let tokens = (0..<count).map { _ in
                    let number = Int.random(in: 0..<6, using: &numbers)
                    return Bool.random(using: &numbers) ? host(number) : blocking(number)
                }
                if Bool.random(using: &numbers) { tokens[Int.random(in: 0..<count, using: &numbers)].kill() }
                try #require(await settle(tokens))
            }
            #expect(inside.breaches.value == 0)
            #expect(await eventually { isQuiet(coordinator, name) })
        }
    }
}
