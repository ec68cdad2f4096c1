//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenGate

/// Executors before the start, under a pause, after a stop, and beside bodies that wait.
@Suite("executors: start, pause, stop, waiting")
struct ExecutorLifeTests {
    /// One domain, one worker.
    private let smallest: @Sendable (inout Configuration) -> Void = {
        $0.pretend(domains: 1)
        $0.workersPerCore = 1
    }

    @Test("before the start jobs wait; then they run")
    func beforeStart() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
        let ran = Tally()
        let actor = PinnedActor(try coordinator.executor(anchor: "early"))
        let executor = try coordinator.executor(domain: 2)
        let tasks = (0..<20).map { number in
            number % 2 == 0
                ? Task(executorPreference: executor) {
                    ran.add()
                    return Whereabouts().isIn(2)
                }
                : Task {
                    await actor.run { _ in
                        ran.add()
                        return Whereabouts().isIn(actor.executor.domain)
                    }
                }
        }
        // No thread is there that could run them, nor is one made for them.
        #expect(coordinator.statistics().domains.allSatisfy { $0.workers.isEmpty } && ran.value == 0)
        try await coordinator.start()
        for task in tasks { #expect(await task.value) }
        #expect(ran.value == 20)
        await coordinator.stop()
    }

    @Test("jobs of a coordinator that is stopped, or let go, before it was started run then", arguments: [false, true])
    func neverStarted(dropped: Bool) async throws {
        var coordinator: OperationsCoordinator? = try makeCoordinator { $0.pretend(domains: 2) }
        let actor = PinnedActor(try #require(coordinator).executor(anchor: "never"))
        let executor = try #require(coordinator).executor(domain: 1)
        let tasks = (0..<50).map { number in
            number % 2 == 0
                ? Task { await actor.add() }
                : Task(executorPreference: executor) { () -> Int in
                    await Task.yield()
                    return await actor.add()
                }
        }
        if !dropped { await coordinator?.stop() }
        coordinator = nil
        var counts: [Int] = []
        for task in tasks { counts.append(await task.value) }
        #expect(counts.sorted() == Array(1...50))
    }

    @Test("C9 a body that blocks in an actor of another coordinator leaves that one's only worker to others")
    func blockedInAnotherCoordinator() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 2
        } _: { other in
            try await withTestCoordinator(smallest) { coordinator in
                let actor = PinnedActor(try other.executor(anchor: "other"))
                let far = TaskTokenGuard("executor.other-far", on: other) { (n: Int) in n }
                let inside = Tally()
                for number in 1...10 {
                    // It can run when the actor's job, which waits for it, has the other's worker.
                    try other.pause("executor.other-far")
                    let token = far(number)
                    let call = TaskTokenGuard("executor.other-calls", on: coordinator) { () async throws -> Int in
                        try await actor.blockingValue {
                            inside.add()
                            return token
                        }
                    }()
                    #expect(await eventually { inside.value == number })
                    try other.resume("executor.other-far")
                    let value = try await call.value
                    #expect(value == number)
                }
            }
        }
    }

    @Test("a pause does not hold jobs")
    func paused() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let actor = PinnedActor(try coordinator.executor(anchor: "paused"))
            let held = TaskTokenGuard("executor.held", on: coordinator) { () in 1 }
            coordinator.pause()
            let token = held()
            #expect(await actor.add() == 1)
            let executor = try coordinator.executor(domain: 1)
            #expect(await Task(executorPreference: executor) { Whereabouts().isIn(1) }.value)
            #expect(token.state == .waiting)
            coordinator.resume()
            #expect(await settles(token))
        }
    }

    @Test("an actor's jobs do not take its anchor's turn: they run beside an ordered token that holds it")
    func noTurn() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let gate = Gate()
            let ordered = TaskTokenGuard(
                "executor.ordered", locality: .sticky("turn", ordered: true), on: coordinator
            ) { () async -> Void in _ = await gate.waitForArrivals() }
            let token = ordered()
            #expect(await eventually { token.state == .executing })
            let actor = PinnedActor(try coordinator.executor(anchor: "turn"))
            #expect(await actor.add() == 1)
            #expect(token.state == .executing)
            gate.open()
            gate.pass()
            #expect(await settles(token))
        }
    }

    @Test("after a stop jobs still run, one at a time; nothing is lent any more, and no anchor is live")
    func afterStop() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
        try await coordinator.start()
        let number = Unprotected()
        let actor = PinnedActor(try coordinator.executor(anchor: "late"))
        let executor = try coordinator.executor(domain: 2)
        #expect(await actor.add() == 1)
        #expect(coordinator.statistics().liveAnchors == 1)
        #expect(await coordinator.stop().isClean)
        #expect(coordinator.statistics().liveAnchors == 0)
        #expect(coordinator.statistics().domains.allSatisfy { $0.homes == 0 })
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { for _ in 0..<25 { await actor.run { _ in number.add() } } }
                group.addTask(executorPreference: executor) { _ = await aside() }
            }
        }
        #expect(await actor.run { _ in number.count } == 500)
        #expect(await actor.run { _ in number.meetings } == 0)
        #expect(await actor.run { _ in CurrentThread.name() } == "tg-late")
        for make in [
            { _ = try coordinator.executor(domain: 1) }, { _ = try coordinator.executor(anchor: "late") },
        ] {
            let error = #expect(throws: TokenError.self) { try make() }
            #expect(error?.code == .coordinatorStopped)
        }
    }

    @Test("a stop in the middle of jobs ends, and every task goes on to its end", arguments: [false, true])
    func stopInTheMiddle(dropped: Bool) async throws {
        for round in 0..<10 {
            var coordinator: OperationsCoordinator? = try makeCoordinator { $0.pretend(domains: 2) }
            try await coordinator?.start()
            let (begun, done) = (Tally(), Tally())
            let actors = try (0..<4).map { PinnedActor(try coordinator!.executor(anchor: "\(round) \($0)")) }
            let tasks = (0..<16).map { task in
                Task {
                    for step in 0..<50 {
                        await actors[(task + step) % 4].add()
                        begun.add()
                    }
                    done.add()
                }
            }
            #expect(await eventually { begun.value > 10 })
            if !dropped { await coordinator?.stop(timeout: .milliseconds(round)) }
            coordinator = nil
            for task in tasks { await task.value }
            #expect(done.value == 16)
            var sum = 0
            for actor in actors { sum += await actor.count }
            #expect(sum == 800)
        }
    }

    @Test("jobs that never end leave the domain's tokens their share, with one worker")
    func fairness() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let actor = PinnedActor(try coordinator.executor(anchor: "busy"))
            let (gate, rounds) = (Gate(), Tally())
            let callers = (0..<40).map { _ in
                Task {
                    while gate.arrived == 0 {
                        await actor.add()
                        rounds.add()
                    }
                }
            }
            let plain = TaskTokenGuard("executor.share", on: coordinator) { (n: Int) in n }
            #expect(await eventually { rounds.value > 100 })
            for number in 0..<50 {
                let value = try await plain(number).value
                #expect(value == number)
            }
            gate.open()
            gate.pass()
            for caller in callers { await caller.value }
        }
    }

    @Test("C9 a body that waits for what an actor of its own domain does gets it, with one worker, at any depth")
    func bodiesThatWait() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let actor = PinnedActor(try coordinator.executor(anchor: "waited for"))
            let executor = try coordinator.executor(domain: 1)
            let asks = TaskTokenGuard("executor.asks") { () async throws -> Int in
                let count = await actor.add()
                return await Task(executorPreference: executor) { count }.value
            }
            for depth in [1, 2, 5] {
                let value = try await Nested.waits(depth, asks, on: coordinator).value
                #expect(value == depth + 1)
            }
            #expect(await actor.count == 3)
        }
    }

    /// Bodies that wait, one in the other, for one that asks an actor.
    private enum Nested {
        static func waits(
            _ depth: Int, _ asks: TaskTokenGuard<(), Int>, on coordinator: OperationsCoordinator
        ) -> TaskToken<Int> {
            TaskTokenGuard("executor.waits", on: coordinator) { (_: Int) throws -> Int in
                depth == 0 ? try min(1, asks(()).wait()) : try waits(depth - 1, asks, on: coordinator).wait() + 1
            }(0)
        }
    }

    @Test(
        "C9 an actor's job that blocks for a token gets it, with one worker: its own, a stranger's, or a sticky one's")
    func jobsThatWait() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let actor = PinnedActor(try coordinator.executor(anchor: "blocks"))
            let plain = TaskTokenGuard("executor.plain", on: coordinator) { () in 1 }
            let sticky = TaskTokenGuard("executor.same", locality: .sticky("blocks"), on: coordinator) { () in 2 }
            let later = TaskTokenGuard("executor.later", on: coordinator) { () async throws -> Int in
                await Task.yield()
                return try await plain().value + 2
            }
            for round in 0..<5 {
                #expect(try await actor.blockingValue { plain() } == 1, "\(round)")
                #expect(try await actor.blockingValue { sticky() } == 2)
                #expect(try await actor.blockingValue { later() } == 3)
                #expect(try await actor.value(of: later()) == 3)
            }
            let calls = TaskTokenGuard("executor.calls", on: coordinator) { () async throws -> Int in
                try await actor.blockingValue { plain() }
            }
            #expect(try await gather((0..<10).map { _ in calls() }).allSatisfy { try $0.get() == 1 })
            let expired = await actor.run { _ in
                coordinator.pause()
                let token = plain()
                defer { coordinator.resume() }
                return #expect(throws: TokenError.self) { try token.wait(timeout: .milliseconds(5)) }
            }
            #expect(expired?.code == .waitTimedOut)
        }
    }

    @Test("C9 an actor's job that blocks for a token of another coordinator, which waits for one of its own, gets it")
    func jobThatWaitsElsewhere() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            try await withTestCoordinator(smallest) { other in
                let actor = PinnedActor(try coordinator.executor(anchor: "far"))
                let near = TaskTokenGuard("executor.near", on: coordinator) { () in 1 }
                let far = TaskTokenGuard("executor.far", on: other) { () in 2 }
                let value = try await actor.blockingValue { far.with(after: [near()])() }
                #expect(value == 2)
            }
        }
    }

    @Test("an executor that only its actor keeps lives as long as a job of it runs")
    func lastReference() async throws {
        try await withTestCoordinator { coordinator in
            for number in 0..<200 {
                let task: Task<Int, any Error> = try {
                    let actor = PinnedActor(try coordinator.executor(anchor: number))
                    return Task {
                        _ = try await actor.journey()
                        return await actor.add()
                    }
                }()
                let count = try await task.value
                #expect(count == 1)
            }
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }
}
