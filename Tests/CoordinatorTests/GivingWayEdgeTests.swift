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

/// Giving way with several tiers, three permits, bodies that take two permits back, and limits that change.
@Suite("Giving way where it is less simple")
struct GivingWayEdgeTests {
    private static func limit(_ coordinator: OperationsCoordinator, _ name: String) -> Statistics.Limit? {
        coordinator.statistics().operations.first { $0.operationType == name }?.concurrency
    }

    /// For trees of bodies that are all in one tier.
    private static func oneInTier(_ configuration: inout Configuration, _ workers: Int) {
        configuration.pretend(domains: 1 + workers / 2)
        configuration.workersPerCore = workers
        configuration.storageLimits = [.slow: 1]
    }

    private static func waits(_ coordinator: OperationsCoordinator) -> Int {
        coordinator.engine.waits.withLock { $0.entries.count }
    }

    @Test("C9 of two that could take, the one whose tier the holder stands in line for does", arguments: [false, true])
    func tiers(isSwapped: Bool) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 1, .fast: 1]
        } _: { coordinator in
            let (name, options) = ("way_tiers", OperationOptions(concurrency: 1))
            let go = Tally()
            let holder = TaskTokenGuard(name, options: options, on: coordinator) { (_: Int) async in
                _ = await eventually { go.value > 0 }
            }
            let slow = TaskTokenGuard(name, storage: .slow, options: options, on: coordinator) { (n: Int) in n }
            let fast = TaskTokenGuard(name, storage: .fast, options: options, on: coordinator) { (n: Int) in n }
            let inSlow = TaskTokenGuard("way_slow", storage: .slow, on: coordinator) { (n: Int) async throws in
                try await slow(n).value
            }
            let inFast = TaskTokenGuard("way_fast", storage: .fast, on: coordinator) { (n: Int) async throws in
                try await fast(n).value
            }
            let first = holder(0)
            #expect(await eventually { Self.limit(coordinator, name)?.inUse == 1 })
            let stranger = fast(1)
            var hosts: [TaskToken<Int>] = []
            for host in isSwapped ? [inFast, inSlow] : [inSlow, inFast] {
                hosts.append(host(2))
                let count = hosts.count
                #expect(
                    await eventually {
                        Self.limit(coordinator, name)?.waiting == 1 + count && Self.waits(coordinator) == count
                    })
            }
            go.add()
            #expect(await settle(hosts + [first, stranger]))
        }
    }

    @Test("C9 a stranger that takes three permits gives way in whichever line it stands")
    func threePermits() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 1]
        } _: { coordinator in
            let options = OperationOptions(concurrency: 1)
            let limited = TaskTokenGuard("way_three", storage: .slow, options: options, on: coordinator) { (n: Int) in n
            }
            let anchored = TaskTokenGuard(
                "way_anchored", storage: .slow, locality: .sticky("way", atOnce: 1), on: coordinator
            ) { (n: Int) in n }
            let all = TaskTokenGuard(
                "way_three", storage: .slow, locality: .sticky("way", atOnce: 1), options: options, on: coordinator
            ) { (n: Int) in n }
            let (began, go) = (Tally(), Tally())
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { () async throws in
                // It has the anchor's permit, and nobody waits for it yet.
                let second = anchored(2)
                began.add()
                _ = await eventually { go.value > 0 }
                return try await limited(1).value + second.value
            }()
            #expect(await eventually { began.value == 1 })
            let stranger = all(3)
            #expect(Self.limit(coordinator, "way_three")?.inUse == 1)
            go.add()
            #expect(await settle([host, stranger]))
            let value = try await host.value
            #expect(value == 3)
        }
    }

    @Test("C9 an operation's limit that was lifted does not count", arguments: [false, true])
    func lifted(wasLimited: Bool) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 1]
        } _: { coordinator in
            if wasLimited {
                try coordinator.setConcurrencyLimit(5, of: "way_lifted")
                try coordinator.setConcurrencyLimit(nil, of: "way_lifted")
            }
            let anchored = TaskTokenGuard(
                "way_lifted", storage: .slow, locality: .sticky("way", atOnce: 1), on: coordinator
            ) { (n: Int) in n }
            let (began, go) = (Tally(), Tally())
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { () async throws in
                began.add()
                _ = await eventually { go.value > 0 }
                return try await anchored(1).value
            }()
            #expect(await eventually { began.value == 1 })
            let stranger = anchored(3)
            go.add()
            #expect(await settle([host, stranger]))
        }
    }

    @Test(
        "One that gave way goes ahead of those who came after it, in both lines: a stream of hosts does not starve it")
    func keepsItsPlace() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 1]
        } _: { coordinator in
            let (order, began, go) = (Journal<Int>(), Tally(), Tally())
            let limited = TaskTokenGuard(
                "way_stream", storage: .slow, options: OperationOptions(concurrency: 1), on: coordinator
            ) { (n: Int) in order.note(n) }
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { (n: Int) async throws in
                began.add()
                _ = await eventually { go.value > 0 }
                try await limited(n).value
                // The stranger stands in the tier's line again, when its own permit was passed on to it: else chance has it
                // whether this body or that is quicker.
                if n == 0 { _ = await eventually { standing(coordinator) == 40 } }
            }
            let first = host(0)
            #expect(await eventually { began.value == 1 })
            // It has the limit's permit, and stands in the tier's line behind these.
            let others = (1..<20).map { host($0) }
            let stranger = limited(100)
            let later = (20..<40).map { host($0) }
            go.add()
            #expect(await settle([first, stranger] + others + later))
            #expect(order.all.count == 41 && order.all.prefix(2) == [0, 100], "\(order.all)")
        }
    }

    /// Its first child is in the tier and waits for one that needs both; the second has the root's first permit by then, has not
    /// begun, and stands in the tier's line.
    @Test(
        "C9 of two children of one body that need the same, the one whose turn has not come gives its place to the other",
        arguments: [false, true], [false, true])
    func siblings(isAnchored: Bool, isAsync: Bool) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits = [.slow: 1]
        } _: { coordinator in
            let order = Journal<Int>()
            let name = "way_siblings"
            let options = OperationOptions(concurrency: isAnchored ? nil : 1)
            let locality: Locality<Int> = isAnchored ? .sticky(name, atOnce: 1) : .free
            let leaf =
                isAsync
                ? TaskTokenGuard(name, storage: .slow, locality: locality, options: options, on: coordinator) {
                    (n: Int) async in
                    order.note(n)
                    return n
                }
                : TaskTokenGuard(name, storage: .slow, locality: locality, options: options, on: coordinator) {
                    (n: Int) in
                    order.note(n)
                    return n
                }
            let tiered = TaskTokenGuard("way_tiered", storage: .slow, on: coordinator) { (n: Int) async throws -> Int in
                // The second one has come to stand in the tier's line.
                _ = await eventually { standing(coordinator) == 1 }
                return try await leaf(n).value + leaf(n + 1).value
            }
            let root = TaskTokenGuard(name, storage: .slow, locality: locality, options: options, on: coordinator) {
                (_: Int) async throws -> Int in
                try await gather([tiered(1), leaf(3)]).reduce(0) { try $0 + $1.get() }
            }
            let token = root(0)
            try #require(await settles(token))
            #expect(try await token.value == 6 && order.all == [1, 2, 3], "\(order.all)")
            #expect(await eventually { coordinator.engine.nests.withLock { $0.count } == 0 })
            #expect(coordinator.engine.allLines.allSatisfy { $0.permits.withLock { $0.imbalances == 0 } })
        }
    }

    /// All of a tree's bodies are in the tier, some under the limit, too; each gathers its children.
    @Test("C9 random trees whose bodies gather children that need one permit or both end", arguments: [1, 3])
    func gatheringTrees(_ workers: Int) async throws {
        var numbers = SeededNumbers(for: "GivingWayEdgeTests.gatheringTrees \(workers)")
        try await withTestCoordinator {
            Self.oneInTier(&$0, workers)
        } _: { coordinator in
            for round in 0..<Sizes.part(of: 100) {
                let tree = GatheringTree("way_gather_\(round % 4)", coordinator)
                let roots = (0..<Int.random(in: 1...2, using: &numbers)).map { _ in
                    tree.grow(depth: 3, Bool.random(using: &numbers), numbers.next())
                }
                try #require(await settle(roots), "round \(round)")
            }
            #expect(await eventually { coordinator.engine.nests.withLock { $0.count } == 0 })
            #expect(coordinator.engine.allLines.allSatisfy { $0.permits.withLock { $0.imbalances == 0 } })
        }
    }

    /// As above, sync and async, under an anchor's limit, too, and with kills: a body whose wait a kill has ended waits for its guests.
    @Test(
        "C9 random trees under a limit, an anchor's limit and a tier end, also where some are killed",
        arguments: [1, 3])
    func killedTrees(_ workers: Int) async throws {
        var numbers = SeededNumbers(for: "GivingWayEdgeTests.killedTrees \(workers)")
        try await withTestCoordinator {
            Self.oneInTier(&$0, workers)
        } _: { coordinator in
            for round in 0..<Sizes.part(of: 150) {
                let tree = MixedTree("way_mixed_\(round % 4)", coordinator)
                let roots = (0..<Int.random(in: 1...3, using: &numbers)).map { _ in tree.grow(3, numbers.next()) }
                for _ in 0..<Int.random(in: 0...8, using: &numbers) {
                    await Task.yield()
                    tree.all.all.randomElement(using: &numbers)?.kill()
                }
                try #require(await settle(roots), "round \(round)")
                let engine = coordinator.engine
                let isQuiet = await eventually {
                    tree.all.all.allSatisfy(\.isSettled) && engine.nests.withLock { $0.count } == 0
                        && engine.guestCount.load(ordering: .sequentiallyConsistent) == 0
                }
                try #require(isQuiet, "round \(round)")
            }
            #expect(
                await eventually {
                    coordinator.engine.allLines.allSatisfy {
                        $0.permits.withLock { $0.imbalances == 0 && $0.inUse == 0 }
                    }
                })
            #expect(coordinator.engine.standers.withLock { $0.count } == 0)
        }
    }

    enum Change: CaseIterable { case nothing, limit, tier, everything }

    @Test(
        "C9 random hosts and strangers with up to three permits end, whatever is killed, paused or limited anew",
        arguments: Change.allCases, [1, 3])
    func forest(_ change: Change, _ workers: Int) async throws {
        var numbers = SeededNumbers(for: "GivingWayEdgeTests.forest \(change) \(workers)")
        let isLimitChanged = change == .limit || change == .everything
        let isTierChanged = change == .tier || change == .everything
        try await withTestCoordinator {
            $0.pretend(domains: 1 + workers / 2)
            $0.workersPerCore = workers
            $0.storageLimits = [.slow: 2]
        } _: { coordinator in
            let (name, options) = ("way_forest", OperationOptions(concurrency: 1))
            let (limit, anchor, tier) = (InsideCount(), InsideCount(), InsideCount())
            let (most, mostInTier) = (isLimitChanged ? 4 : 1, isTierChanged ? 4 : 2)
            let leaf = TaskTokenGuard("way_leaf", on: coordinator) { (_: Int) async in await Task.yield() }
            let limited = TaskTokenGuard(name, storage: .slow, options: options, on: coordinator) { (n: Int) throws in
                if n % 3 == 0 { try leaf(n).wait() }
                limit.pass(most)
                tier.pass(mostInTier)
                if n % 5 == 0 { throw CancellationError() }
            }
            let anchored = TaskTokenGuard(
                "way_anchored", storage: .slow, locality: .sticky("way", atOnce: 1), on: coordinator
            ) { (n: Int) throws in
                if n % 3 == 0 { try leaf(n).wait() }
                anchor.pass(1)
                tier.pass(mostInTier)
            }
            let all = TaskTokenGuard(
                name, storage: .slow, locality: .sticky("way", atOnce: 1), options: options, on: coordinator
            ) { (n: Int) throws in
                if n % 3 == 0 { try leaf(n).wait() }
                limit.pass(most)
                anchor.pass(1)
                tier.pass(mostInTier)
            }
            let host = TaskTokenGuard("way_host", storage: .slow, on: coordinator) { (n: Int) async in
                var tokens = [n % 2 == 0 ? limited(n) : anchored(n)]
                if n % 4 > 1 { tokens.append(n % 3 == 0 ? limited(n + 1) : anchored(n + 1)) }
                if n % 7 == 0 { tokens.reverse() }
                for token in tokens { try? await token.value }
            }
            for _ in 0..<Sizes.part(of: 150) {
                let tokens: [AnyTaskToken] = (0..<Int.random(in: 2...12, using: &numbers)).map { _ in
                    let n = Int.random(in: 0..<48, using: &numbers)
                    return switch Int.random(in: 0..<6, using: &numbers) {
                    case 0: limited(n)
                    case 1: anchored(n)
                    case 2: all(n)
                    default: host(n)
                    }
                }
                if let token = tokens.randomElement(using: &numbers), n(&numbers) == 0 { token.kill() }
                if isLimitChanged { try coordinator.setConcurrencyLimit(1 + n(&numbers), of: name) }
                if isTierChanged { try coordinator.setStorageLimit(1 + n(&numbers), for: .slow) }
                if n(&numbers) == 0 {
                    coordinator.pause()
                    await Task.yield()
                    coordinator.resume()
                }
                try #require(await settle(tokens))
            }
            #expect(limit.breaches.value + anchor.breaches.value + tier.breaches.value == 0)
            #expect(
                await eventually {
                    let limit = Self.limit(coordinator, name)
                    let tier = coordinator.statistics().tiers[0]
                    return limit?.inUse == 0 && limit?.waiting == 0 && tier.inUse == 0 && tier.waiting == 0
                        && coordinator.engine.allLines.allSatisfy { $0.permits.withLock { $0.imbalances == 0 } }
                        && coordinator.engine.standers.withLock { $0.count } == 0
                })
        }
    }

    /// 0 to 3.
    private func n(_ numbers: inout SeededNumbers) -> Int { Int.random(in: 0...3, using: &numbers) }
}

/// Bodies in one tier, each of which gathers its children; of a name, or of another that is held to one at once.
private struct GatheringTree: Sendable {
    let name: String
    let coordinator: OperationsCoordinator

    init(_ name: String, _ coordinator: OperationsCoordinator) { (self.name, self.coordinator) = (name, coordinator) }

    func grow(depth: Int, _ isLimited: Bool, _ seed: UInt64) -> TaskToken<Int> {
        let body: @Sendable (Int) async throws -> Int = { depth in
            var numbers = SeededNumbers(seed: seed)
            let count = depth == 0 ? 0 : Int.random(in: 0...3, using: &numbers)
            let children = (0..<count).map { _ in grow(depth: depth - 1, Bool.random(using: &numbers), numbers.next()) }
            return try await gather(children).reduce(1) { try $0 + $1.get() }
        }
        let operation =
            isLimited
            ? TaskTokenGuard(
                "\(name)_limited", storage: .slow, options: OperationOptions(concurrency: 1), on: coordinator, body)
            : TaskTokenGuard(name, storage: .slow, on: coordinator, body)
        return operation(depth)
    }
}

/// Bodies in one tier that wait for their children, a third under a limit, a third under an anchor's; a quarter are synchronous.
private struct MixedTree: Sendable {
    let name: String
    let coordinator: OperationsCoordinator
    let all = Journal<TaskToken<Int>>()

    init(_ name: String, _ coordinator: OperationsCoordinator) { (self.name, self.coordinator) = (name, coordinator) }

    func grow(_ depth: Int, _ seed: UInt64) -> TaskToken<Int> {
        var numbers = SeededNumbers(seed: seed)
        let (kind, isSync, next) = (
            Int.random(in: 0..<3, using: &numbers), Int.random(in: 0..<4, using: &numbers) == 0, numbers.next()
        )
        let children: @Sendable (Int) -> [TaskToken<Int>] = { depth in
            var numbers = SeededNumbers(seed: next)
            return (0..<(depth == 0 ? 0 : Int.random(in: 0...3, using: &numbers))).map { _ in
                grow(depth - 1, numbers.next())
            }
        }
        let limit = OperationOptions(concurrency: kind == 0 ? 1 : nil)
        let locality: Locality<Int> = kind == 1 ? .sticky("\(name)", atOnce: 1) : .free
        let type = "\(name)_\(kind)"
        let operation =
            isSync
            ? TaskTokenGuard(type, storage: .slow, locality: locality, options: limit, on: coordinator) {
                (depth: Int) in
                children(depth).reduce(1) { $0 + ((try? $1.wait()) ?? 0) }
            }
            : TaskTokenGuard(type, storage: .slow, locality: locality, options: limit, on: coordinator) {
                (depth: Int) async in
                await gather(children(depth)).reduce(1) { $0 + ((try? $1.get()) ?? 0) }
            }
        let token = operation(depth)
        all.note(token)
        return token
    }
}
