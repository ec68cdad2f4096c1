//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("C11 stop returns")
struct C11StopTests {
    @Test("C11 stop returns in its time with bodies that never end, and reports each abandoned token")
    func endlessBodies() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let (gate, async) = (Gate(), Gate())
        let endless = TaskTokenGuard("c11_endless", on: coordinator) { gate.pass() }
        let writer = TaskTokenGuard("c11_endless_writer", storage: .slow, on: coordinator) { gate.pass() }
        let sleeper = TaskTokenGuard("c11_sleeper", on: coordinator) { () async -> Void in await async.waitForArrivals()
        }
        let tokens = (0..<20).map { _ in endless() } + (0..<20).map { _ in writer() } + [sleeper()]
        await gate.waitForArrivals(coordinator.domainCount + 10)
        let report = await coordinator.stop(timeout: .milliseconds(200))
        #expect(report.isComplete && !report.isClean)
        #expect(Set(report.abandoned.map(\.id)) == Set(tokens.map(\.id)))
        #expect(report.abandoned.count == tokens.count)
        #expect(report.abandoned.count { $0.state == .executing } >= coordinator.domainCount + 10)
        #expect(report.busyThreads >= coordinator.domainCount + 10)
        #expect(tokens.allSatisfy { $0.isSettled })
        for token in tokens {
            await #expect { try await token.value } throws: { ($0 as? TokenError)?.code == .coordinatorStopped }
        }
        #expect(coordinator.statistics().counts.live == 0)
        gate.open()
        async.open()
        async.pass()
        #expect(await eventually { coordinator.statistics().domains.allSatisfy(\.workers.isEmpty) })
        #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 } })
    }

    @Test("C11 a stop does not wait for busy threads beyond its time")
    func returnsInTime() async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let gate = Gate()
        let endless = TaskTokenGuard("c11_in_time", on: coordinator) { gate.pass() }
        _ = endless()
        await gate.waitForArrivals()
        let report = await coordinator.stop(timeout: .milliseconds(100))
        // Wide, for busy machines: what matters is that nothing is waited for that does not come.
        #expect(report.duration < .seconds(2.5), "\(report.duration)")
        #expect(report.busyThreads == 1)
        gate.open()
    }

    @Test("C11 each token that a stop settles is in its report, also those that workers come upon meanwhile")
    func complete() async throws {
        for round in 0..<6 {
            let coordinator = try makeCoordinator()
            try await coordinator.start()
            let storage: StorageSpeed? = round % 2 == 0 ? nil : .slow
            let short = TaskTokenGuard("c11_complete", storage: storage, on: coordinator) { (n: Int) in n }
            let tokens = (0..<Sizes.part(of: 20_000)).map { short($0) }
            let report = await coordinator.stop(timeout: .zero)
            let left = tokens.filter { if case .failure = $0.resultIfSettled { true } else { false } }
            #expect(tokens.allSatisfy { $0.isSettled })
            #expect(report.abandoned.count == left.count, "round \(round)")
            #expect(Set(report.abandoned.map(\.id)) == Set(left.map(\.id)))
        }
    }

    @Test("C11 stop finishes what is there when there is time")
    func finishes() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let child = TaskTokenGuard("c11_child") { (n: Int) in n }
        let parent = TaskTokenGuard("c11_parent", on: coordinator) { (n: Int) in try child(n).wait() }
        let tokens = (0..<1_000).map { parent($0) }
        let report = await coordinator.stop(timeout: .seconds(240))
        #expect(report.isComplete && report.abandoned.isEmpty)
        for token in tokens { _ = try await token.value }
        #expect(parent(1).isSettled)
    }

    @Test("C11 stopping twice at once is one stop, with the nearer deadline")
    func twice() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let gate = Gate()
        let endless = TaskTokenGuard("c11_twice", on: coordinator) { gate.pass() }
        let token = endless()
        await gate.waitForArrivals()
        async let long = coordinator.stop(timeout: .seconds(3_600))
        try #require(await eventually { coordinator.phase == .draining })
        let reports = await withTaskGroup(of: StopReport.self) { group in
            for _ in 0..<8 { group.addTask { await coordinator.stop(timeout: .milliseconds(50)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let first = await long
        #expect((reports + [first]).allSatisfy { $0.abandoned.map(\.id) == [token.id] && $0.isComplete })
        let again = await coordinator.stop()
        #expect(again.abandoned.map(\.id) == [token.id])
        gate.open()
    }

    @Test("C11 a stop from inside a body begins it and returns at once", arguments: [true, false])
    func inside(async: Bool) async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let child = TaskTokenGuard("c11_inside_child") { 5 }
        let stopped = Journal<StopReport>()
        let token: TaskToken<Int>
        if async {
            token = TaskTokenGuard("c11_inside_async", on: coordinator) { [unowned coordinator] () async throws in
                stopped.note(await coordinator.stop())
                return try await child().value
            }()
        } else {
            let lead = TaskTokenGuard(
                "c11_inside_sync", locality: .lead(externalCalls: ["c11_inside_child"]), on: coordinator
            ) { [unowned coordinator] in
                Task { stopped.note(await coordinator.stop()) }
                while stopped.count == 0 {}
                return try child().wait()
            }
            token = lead()
        }
        #expect(await settles(token))
        #expect(try await token.value == 5)
        #expect(stopped.all.map(\.isComplete) == [false])
        #expect(await coordinator.stop().abandoned.isEmpty)
    }

    @Test("C11 stop before start settles what waits, and start refuses after it")
    func beforeStart() async throws {
        let coordinator = try makeCoordinator()
        let plain = TaskTokenGuard("c11_early", on: coordinator) {}
        let lead = TaskTokenGuard("c11_early_lead", locality: .lead(externalCalls: ["x"]), on: coordinator) {}
        let sticky = TaskTokenGuard("c11_early_sticky", locality: .sticky("k", ordered: true), on: coordinator) {}
        let tokens = (0..<10).flatMap { _ in [plain(), lead(), sticky()] }
        let report = await coordinator.stop(timeout: .seconds(240))
        #expect(Set(report.abandoned.map(\.id)) == Set(tokens.map(\.id)))
        #expect(tokens.allSatisfy { $0.isSettled })
        #expect(coordinator.statistics().openLeases == 0)
        await #expect(throws: TokenError.self) { try await coordinator.start() }
        #expect(plain().isSettled)
    }

    @Test("C11 stop while paused settles what the pause holds")
    func whilePaused() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        coordinator.pause()
        let plain = TaskTokenGuard("c11_paused", on: coordinator) {}
        let writer = TaskTokenGuard("c11_paused_writer", storage: .slow, on: coordinator) {}
        let sticky = TaskTokenGuard("c11_paused_sticky", locality: .sticky("k", ordered: true), on: coordinator) {}
        let tokens = (0..<50).flatMap { _ in [plain(), writer(), sticky()] }
        let report = await coordinator.stop(timeout: .seconds(240))
        #expect(report.isComplete && report.duration < .seconds(200))
        #expect(tokens.allSatisfy { $0.isSettled })
        #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
    }

    @Test("C11 stop with a great many waiting tokens")
    func manyWaiting() async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let gate = Gate()
        let blocker = TaskTokenGuard("c11_blocker", on: coordinator) { gate.pass() }()
        await gate.waitForArrivals()
        let plain = TaskTokenGuard("c11_many", on: coordinator) {}
        let count = Sizes.waiting
        let tokens = (0..<count).map { _ in plain() }
        let report = await coordinator.stop(timeout: .milliseconds(100))
        #expect(report.abandoned.count == count + 1)
        #expect(tokens.allSatisfy { $0.isSettled })
        #expect(blocker.isSettled)
        gate.open()
    }

    @Test("C11 a coordinator that is let go without a stop settles its tokens and ends its threads")
    func letGo() async throws {
        let gate = Gate()
        weak var gone: OperationsCoordinator?
        var tokens: [TaskToken<Void>] = []
        do {
            let coordinator = try makeCoordinator(smallest)
            gone = coordinator
            try await coordinator.start()
            let endless = TaskTokenGuard("c11_let_go") { gate.pass() }
            tokens = await withAmbientSubmitter(coordinator) { (0..<10).map { _ in endless() } }
            await gate.waitForArrivals()
        }
        #expect(await settle(tokens))
        #expect(gone == nil)
        gate.open()
    }

    @Test("C11 what a pause meets on its way while the coordinator stops is reported, too")
    func pausedOnTheWay() async throws {
        let coordinator = try makeCoordinator { $0.maximumDomains = 1 }
        try await coordinator.start()
        let gate = Gate()
        let busy = TaskTokenGuard("c11_busy", on: coordinator) { gate.pass() }
        let behind = TaskTokenGuard("c11_behind", on: coordinator) {}
        let first = busy()
        await gate.waitForArrivals()
        let second = behind()
        coordinator.pause()
        async let report = coordinator.stop(timeout: .seconds(240))
        #expect(await eventually { coordinator.phase == .draining })
        gate.open()
        #expect(await report.abandoned.map(\.id) == [second.id])
        #expect(await !report.isClean)
        #expect(first.state == .completed && second.state == .killed)
    }

    @Test("C11 a callback that takes its time does not hold a stop up")
    func slowCallback() async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let (body, callback) = (Gate(), Gate())
        let guarded = TaskTokenGuard("c11_callback", on: coordinator) { body.pass() }
        try coordinator.pause("c11_callback_paused")
        let paused = TaskTokenGuard("c11_callback_paused", on: coordinator) {}()
        let tokens = [guarded(), guarded(), paused]
        for token in tokens { token.onSettled { callback.pass() } }
        await body.waitForArrivals()
        let report = await coordinator.stop(timeout: .zero)
        #expect(report.abandoned.count == 3)
        // None was let through yet, so the stop waited for none.
        #expect(await callback.waitForArrivals())
        #expect(callback.standing >= 1)
        callback.open()
        #expect(await callback.waitForArrivals(3))
        #expect(callback.timedOut == 0)
        body.open()
    }
}
