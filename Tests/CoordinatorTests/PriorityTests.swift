//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("priorities: the more urgent first, and none for ever behind")
struct PriorityTests {
    private func operation(
        _ name: String, _ priority: TokenPriority?, storage: StorageSpeed? = nil, locality: Locality<Int> = .free,
        on coordinator: OperationsCoordinator, _ log: Journal<String>
    ) -> TaskTokenGuard<Int, Void> {
        TaskTokenGuard(
            name, storage: storage, locality: locality, options: OperationOptions(priority: priority), on: coordinator
        ) { (number: Int) in log.note("\(priority?.description ?? "none")\(number)") }
    }

    /// How tokens stand: in the mailboxes of a worker that is busy, free or bound, or in the line of a tier.
    enum Place: CaseIterable, Sendable { case free, bound, storage }

    @Test(
        "where aging takes long, all of the more urgent go first, each as they came; where it takes no time, all go as they came",
        arguments: Place.allCases, [true, false])
    func order(_ place: Place, _ isStrict: Bool) async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.agingTime = isStrict ? .seconds(100_000) : .zero
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let log = Journal<String>()
            let gate = Gate()
            let storage: StorageSpeed? = place == .storage ? .slow : nil
            let blocker = TaskTokenGuard("priority_blocker", storage: storage, on: coordinator) { gate.pass() }
            let first = blocker()
            await gate.waitForArrivals()
            let locality: Locality<Int> = place == .bound ? .sticky("priority") : .free
            let operations = [TokenPriority.low, nil, .high, .normal].map {
                operation("priority_of", $0, storage: storage, locality: locality, on: coordinator, log)
            }
            let tokens = (0..<3).flatMap { round in operations.map { $0(round) } }
            gate.open()
            #expect(await settle(tokens + [first]))
            let asTheyCame = (0..<3).flatMap { round in ["low", "none", "high", "normal"].map { "\($0)\(round)" } }
            let urgentFirst =
                (0..<3).map { "high\($0)" } + (0..<3).flatMap { ["none\($0)", "normal\($0)"] }
                + (0..<3).map { "low\($0)" }
            #expect(log.all == (isStrict ? urgentFirst : asTheyCame))
        }
    }

    @Test("a plain token that has waited for longer than a step of aging goes before one that is more urgent")
    func plainAges() async throws {
        try await withTestCoordinator {
            smallest(&$0)
            // Less than the clock's tick: who came before has waited for as long.
            $0.agingTime = .nanoseconds(1)
        } _: { coordinator in
            let log = Journal<String>()
            let gate = Gate()
            let blocker = TaskTokenGuard("priority_plain_blocker", on: coordinator) { gate.pass() }
            let first = blocker()
            await gate.waitForArrivals()
            let plain = TaskTokenGuard("priority_plain", on: coordinator) { (number: Int) in log.note("plain\(number)")
            }
            let urgent = operation("priority_urgent", .high, on: coordinator, log)
            let old = plain(0)
            // Until the clock has moved on by what aging takes.
            let submitted = ContinuousClock.now
            while ContinuousClock.now < submitted + .microseconds(1) {}
            let tokens = [urgent(1), urgent(2)]
            gate.open()
            #expect(await settle(tokens))
            #expect(await settle([old, first]))
            #expect(log.all == ["plain0", "high1", "high2"])
        }
    }

    @Test("a lead's descendants are as urgent as it is, unless they say otherwise")
    func inheritance() async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.agingTime = .seconds(100_000)
        } _: { coordinator in
            let log = Journal<String>()
            let gate = Gate()
            let child = TaskTokenGuard("priority_child") { (number: Int) in log.note("child\(number)") }
            let lowly = operation("priority_lowly", .low, on: coordinator, log)
            let lead = TaskTokenGuard(
                "priority_lead", locality: .lead(externalCalls: ["priority_child", "priority_lowly"]),
                options: OperationOptions(priority: .high), on: coordinator
            ) { (_: Int) -> [AnyTaskToken] in
                let tokens: [AnyTaskToken] = [lowly(9), child(1), child(2)]
                gate.pass()
                return tokens
            }
            let token = lead(0)
            await gate.waitForArrivals()
            let plain = TaskTokenGuard("priority_stranger", on: coordinator) { (number: Int) in
                log.note("plain\(number)")
            }
            let strangers = [plain(1), plain(2)]
            gate.open()
            #expect(await settle(strangers))
            let children = try await token.value
            #expect(await settle(children))
            #expect(log.all == ["child1", "child2", "plain1", "plain2", "low9"])
        }
    }

    @Test("an urgent token behind a body that takes long is taken over by another domain")
    func takenOver() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.agingTime = .seconds(1)
        } _: { coordinator in
            let log = Journal<String>()
            for round in 0..<50 {
                let gate = Gate()
                let blocker = TaskTokenGuard("priority_long", on: coordinator) { gate.pass() }
                let long = blocker()
                await gate.waitForArrivals()
                let urgent = operation("priority_taken", round % 2 == 0 ? .high : .low, on: coordinator, log)
                let tokens = (0..<4).map { urgent($0) }
                #expect(await settle(tokens))
                gate.open()
                #expect(await settles(long))
            }
        }
    }

    @Test("an ordered anchor's tokens keep their order, however urgent they are")
    func orderedAnchors() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let log = Journal<String>()
            let operations = [TokenPriority.low, .high, .normal].map {
                operation("priority_ordered", $0, locality: .sticky("k", ordered: true), on: coordinator, log)
            }
            let tokens = (0..<30).map { operations[$0 % 3]($0) }
            #expect(await settle(tokens))
            #expect(log.all == (0..<30).map { "\(["low", "high", "normal"][$0 % 3])\($0)" })
        }
    }

    @Test("C2 kills, discards and stops find tokens of every priority where they stand")
    func sweeps() async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let log = Journal<String>()
        let gate = Gate()
        let blocker = TaskTokenGuard("priority_sweep_blocker", on: coordinator) { gate.pass() }
        let first = blocker()
        await gate.waitForArrivals()
        func some() -> [TaskToken<Void>] {
            [TokenPriority.low, .normal, .high].map { operation("priority_sweep", $0, on: coordinator, log)(0) }
        }
        let (killed, discarded, single) = (some(), some(), some())
        #expect(single.allSatisfy { $0.kill() })
        #expect(try coordinator.killAll("priority_sweep") == killed.count + discarded.count)
        let second = some()
        #expect(try coordinator.discardWaiting("priority_sweep") == second.count)
        let last = some()
        let stop = Task { await coordinator.stop(timeout: .zero) }
        #expect(await settle(last))
        gate.open()
        _ = await stop.value
        #expect(first.isSettled && log.all.isEmpty)
    }

    @Test("C12 a negative aging time is refused by name")
    func badAging() {
        var configuration = Configuration()
        configuration.agingTime = .seconds(-1)
        let error = #expect(throws: TokenError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration && error?.message.contains("agingTime -1") == true)
    }
}
