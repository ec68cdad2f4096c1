//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("concurrency limits: never more tokens of an operation, or of an anchor, inside than its limit")
struct ConcurrencyLimitTests {
    /// Who is inside and not blocked, and how often there were too many.
    private struct Watch: Sendable {
        let limit: Int
        let inside = Tally()
        let breaches = Tally()

        func enter() { if inside.add() > limit { breaches.add() } }
        func leave() { inside.add(-1) }
    }

    private func inUse(_ coordinator: OperationsCoordinator, _ operationType: String) -> Int? {
        coordinator.statistics().operations.first { $0.operationType == operationType }?.concurrency?.inUse
    }

    @Test("the limit is reached, not exceeded, and those that wait occupy no worker", arguments: [false, true])
    func reached(isAsync: Bool) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let opened = Tally()
            let (inside, most) = (Tally(), Tally())
            let limit = isAsync ? 3 : 1
            let options = OperationOptions(concurrency: limit)
            let gate = Gate()
            let limited =
                isAsync
                ? TaskTokenGuard("limit_reached_async", options: options, on: coordinator) { (number: Int) async in
                    if inside.add() > limit { most.add() }
                    _ = await eventually { opened.value > 0 }
                    inside.add(-1)
                    return number
                }
                : TaskTokenGuard("limit_reached", storage: .fast, options: options, on: coordinator) { (number: Int) in
                    if inside.add() > limit { most.add() }
                    gate.pass()
                    inside.add(-1)
                    return number
                }
            let tokens = (0..<20).map { limited($0) }
            #expect(await eventually { inside.value == limit })
            let statistics = try #require(coordinator.statistics().operations.first?.concurrency)
            #expect(statistics.limit == limit && statistics.inUse == limit && statistics.waiting == 20 - limit)
            let plain = TaskTokenGuard("limit_plain", on: coordinator) { (number: Int) in number }
            let others = (0..<100).map { plain($0) }
            #expect(await settle(others))
            #expect(inside.value == limit)
            opened.add()
            gate.open()
            for (number, token) in tokens.enumerated() { #expect(try await token.value == number) }
            #expect(most.value == 0)
            #expect(await eventually { coordinator.statistics().operations.first?.concurrency?.inUse == 0 })
        }
    }

    @Test(
        "the limit is changed at random, lifted and set again while tokens run; guards without options are held to it, too"
    )
    func changes() async throws {
        var numbers = SeededNumbers(for: "concurrency limit changes")
        try await withTestCoordinator {
            $0.pretend(domains: 4)
            $0.storageLimits[.insane] = 200
        } _: { coordinator in
            let name = "limit_changed"
            try coordinator.setConcurrencyLimit(4, of: name)
            let (inside, breaches, allowed) = (Tally(), Tally(), Tally())
            allowed.add(4)
            let body: @Sendable (Int) -> Void = { spins in
                if inside.add() > allowed.value { breaches.add() }
                for _ in 0..<spins { _ = CurrentThread.tid() }
                inside.add(-1)
            }
            let plain = TaskTokenGuard(name, on: coordinator, body)
            let stored = TaskTokenGuard(name, storage: .insane, on: coordinator, body)
            let tokens = (0..<4_000).map { number in
                (number % 2 == 0 ? plain : stored)(Int.random(in: 0...200, using: &numbers))
            }
            var now = 4
            for round in 0..<60 where tokens.contains(where: { !$0.isSettled }) {
                let next = Int.random(in: 1...12, using: &numbers)
                if round % 10 == 9 {
                    // Lifted: as many as like to. Set again, those inside are counted, since they have permits.
                    allowed.add(1_000_000)
                    try coordinator.setConcurrencyLimit(nil, of: name)
                    try coordinator.setConcurrencyLimit(next, of: name)
                    try #require(await eventually { inside.value <= next && inUse(coordinator, name) ?? .max <= next })
                    allowed.add(-1_000_000)
                } else {
                    if next > now { allowed.add(next - now) }
                    try coordinator.setConcurrencyLimit(next, of: name)
                    if next < now {
                        try #require(await eventually { inUse(coordinator, name) ?? .max <= next })
                        allowed.add(next - now)
                    }
                    now = next
                    continue
                }
                allowed.add(next - now)
                now = next
            }
            #expect(await settle(tokens))
            #expect(breaches.value == 0)
            #expect(await eventually { inUse(coordinator, name) == 0 })
        }
    }

    @Test(
        "C9 a limited operation calls itself at any depth, on one worker, and waits for itself",
        arguments: [false, true])
    func recursion(isAsync: Bool) async throws {
        try await withTestCoordinator(smallest) { coordinator in
            try coordinator.setConcurrencyLimit(1, of: "limit_recursive")
            #expect(try await Recursion.start(isAsync, 40, coordinator) == 40)
            #expect(await eventually { inUse(coordinator, "limit_recursive") == 0 })
        }
    }

    private enum Recursion {
        static func start(_ isAsync: Bool, _ depth: Int, _ coordinator: OperationsCoordinator) async throws -> Int {
            try await (isAsync ? deeperAsync(coordinator) : deeper(coordinator))(depth).value
        }

        static func deeper(_ coordinator: OperationsCoordinator) -> TaskTokenGuard<Int, Int> {
            TaskTokenGuard("limit_recursive", on: coordinator) { (depth: Int) in
                depth == 0 ? 0 : try deeper(coordinator)(depth - 1).wait() + 1
            }
        }

        static func deeperAsync(_ coordinator: OperationsCoordinator) -> TaskTokenGuard<Int, Int> {
            TaskTokenGuard("limit_recursive", on: coordinator) { (depth: Int) async throws in
                depth == 0 ? 0 : try await deeperAsync(coordinator)(depth - 1).value + 1
            }
        }
    }

    /// A tree of calls of operations that are limited, stored and anchored in all combinations, which wait for each other.
    private struct Forest: Sendable {
        let coordinator: OperationsCoordinator
        let watches: [Watch]
        let names: [String]
        let storages: [StorageSpeed?] = [nil, .slow, nil, .moderate]

        func call(_ kind: Int, _ seed: UInt64, _ depth: Int) -> TaskToken<Int> {
            let locality: Locality<Int> =
                switch kind % 4 {
                case 2: .sticky("limit_forest_\(seed % 3)", atOnce: 2)
                default: .free
                }
            return TaskTokenGuard(names[kind], storage: storages[kind], locality: locality, on: coordinator) {
                (_: Int) in
                var numbers = SeededNumbers(seed: seed)
                let watch = watches[kind]
                watch.enter()
                defer { watch.leave() }
                if depth == 0 { return 1 }
                let children = (0..<Int.random(in: 1...3, using: &numbers)).map { _ in
                    call(Int.random(in: 0..<names.count, using: &numbers), numbers.next(), depth - 1)
                }
                var sum = 1
                for child in children {
                    watch.leave()
                    let value = try child.wait()
                    watch.enter()
                    sum += value
                }
                return sum
            }(0)
        }
    }

    @Test("C9 trees of limited, stored and anchored operations that wait for each other end, and no limit is exceeded")
    func forest() async throws {
        var numbers = SeededNumbers(for: "concurrency limit forest")
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.workersPerCore = 2
            $0.storageLimits[.slow] = 1
            $0.storageLimits[.moderate] = 2
        } _: { coordinator in
            let names = (0..<4).map { "limit_forest_\($0)" }
            let limits = [1, 2, 3, 1]
            for (name, limit) in zip(names, limits) { try coordinator.setConcurrencyLimit(limit, of: name) }
            let forest = Forest(coordinator: coordinator, watches: limits.map { Watch(limit: $0) }, names: names)
            let roots = (0..<24).map { _ in forest.call(Int.random(in: 0..<4, using: &numbers), numbers.next(), 3) }
            try #require(await settle(roots))
            for root in roots { #expect(try await root.value > 0) }
            #expect(forest.watches.allSatisfy { $0.breaches.value == 0 && $0.inside.value == 0 })
            #expect(await eventually { names.allSatisfy { inUse(coordinator, $0) == 0 } })
            #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 } })
        }
    }

    @Test("tokens that are killed, discarded or paused anywhere on their way give their permits back")
    func ledger() async throws {
        var numbers = SeededNumbers(for: "concurrency limit ledger")
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.storageLimits[.slow] = 2
        } _: { coordinator in
            let names = ["limit_ledger_free", "limit_ledger_stored", "limit_ledger_ordered"]
            for name in names { try coordinator.setConcurrencyLimit(2, of: name) }
            let free = TaskTokenGuard(names[0], on: coordinator) { (number: Int) in number }
            let stored = TaskTokenGuard(names[1], storage: .slow, on: coordinator) { (number: Int) async in
                await Task.yield()
                return number
            }
            let ordered = TaskTokenGuard(
                names[2], storage: .slow,
                locality: .sticky(ordered: true, atOnce: 1) { (number: Int) in "k\(number % 3)" },
                on: coordinator
            ) { (number: Int) in number }
            var tokens: [TaskToken<Int>] = []
            for round in 0..<1_500 {
                let guards = [free, stored, ordered]
                tokens.append(guards[Int.random(in: 0..<3, using: &numbers)](round))
                switch Int.random(in: 0..<40, using: &numbers) {
                case 0: tokens.randomElement(using: &numbers)?.kill()
                case 1: coordinator.pause()
                case 2: coordinator.resume()
                case 3: try coordinator.discardWaiting(names[Int.random(in: 0..<3, using: &numbers)])
                case 4: try coordinator.killAll(names[Int.random(in: 0..<3, using: &numbers)])
                case 5:
                    let limit: Int? = Int.random(in: 0...4, using: &numbers)
                    try coordinator.setConcurrencyLimit(
                        limit == 0 ? nil : limit, of: names[Int.random(in: 0..<3, using: &numbers)])
                default: break
                }
            }
            coordinator.resume()
            try #require(await settle(tokens))
            for name in names { try coordinator.setConcurrencyLimit(1, of: name) }
            // Nothing is kept: each has room for the next.
            #expect(await eventually { names.allSatisfy { inUse(coordinator, $0) == 0 } })
            for operation in [free, stored, ordered] { #expect(try await operation(7).value == 7) }
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("an anchor's limit holds for its tokens, whoever submits them, and for no other anchor's")
    func anchors() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let opened = Tally()
            let (one, other) = (Watch(limit: 2), Watch(limit: 2))
            let operations = (0..<2).map { number in
                TaskTokenGuard(
                    "limit_anchor_\(number)", locality: .sticky(atOnce: 2) { (key: String) in key }, on: coordinator
                ) { (key: String) async in
                    let watch = key == "one" ? one : other
                    watch.enter()
                    _ = await eventually { opened.value > 0 }
                    watch.leave()
                }
            }
            let tokens = (0..<12).map { operations[$0 % 2]($0 % 3 == 0 ? "other" : "one") }
            #expect(await eventually { one.inside.value == 2 && other.inside.value == 2 })
            // One that states no limit is not held to it.
            let free = TaskTokenGuard("limit_anchor_free", locality: .sticky("one"), on: coordinator) { 1 }
            let value = try await free().value
            #expect(value == 1)
            opened.add()
            #expect(await settle(tokens))
            #expect(one.breaches.value == 0 && other.breaches.value == 0)
        }
    }

    @Test("a batch of a limited operation is held to its limit")
    func batches() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let watch = Watch(limit: 2)
            try coordinator.setConcurrencyLimit(2, of: "limit_batch")
            let operation = TaskTokenGuard("limit_batch", on: coordinator) { (number: Int) in
                watch.enter()
                defer { watch.leave() }
                return number
            }
            let batch = operation.batch(0..<500)
            #expect(try await batch.values == Array(0..<500))
            #expect(watch.breaches.value == 0)
        }
    }

    @Test("a stop with a full line settles all of it, and leaves nothing behind")
    func stop() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1) }
        try await coordinator.start()
        let opened = Tally()
        let held = TaskTokenGuard(
            "limit_stop", locality: .sticky("stop", ordered: true), options: OperationOptions(concurrency: 1),
            on: coordinator
        ) { (number: Int) async in _ = await eventually { opened.value > 0 } }
        let tokens = (0..<2_000).map { held($0) }
        #expect(await eventually { tokens[0].state == .executing })
        let report = await coordinator.stop(timeout: .zero)
        #expect(tokens.allSatisfy { $0.isSettled })
        #expect(report.abandoned.count == 2_000)
        opened.add()
    }

    @Test("C12 a limit out of range is refused by name, and changes nothing", arguments: [0, -1, 65_537, .min, .max])
    func badLimits(_ limit: Int) async throws {
        try await withTestCoordinator { coordinator in
            try coordinator.setConcurrencyLimit(3, of: "limit_bad")
            var error = #expect(throws: TokenError.self) { try coordinator.setConcurrencyLimit(limit, of: "limit_bad") }
            #expect(error?.code == .invalidArgument && error?.message.contains("\(limit)") == true)
            error = #expect(throws: TokenError.self) { try coordinator.setConcurrencyLimit(1, of: "") }
            #expect(error?.code == .invalidOperationType)
            let operation = TaskTokenGuard("limit_bad", on: coordinator) { 1 }
            #expect(try await operation().value == 1)
            #expect(coordinator.statistics().operations.first?.concurrency?.limit == 3)
            let sticky = TaskTokenGuard("limit_bad", locality: .sticky("x", atOnce: limit), on: coordinator) { 1 }
            if !(1...65_535).contains(limit) {
                let refused = await #expect(throws: TokenError.self) { try await sticky().value }
                #expect(refused?.code == .invalidArgument && refused?.message.contains("\(limit)") == true)
            }
        }
    }
}
