//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Coordinator
import TestSupport
import Testing
import TokenCore

/// C2: a token once returned to its caller always settles, and says why where no body did it.
@Suite struct C2NothingLostTests {
    /// What a token ended with, in a word.
    private func ending(_ result: Result<Int, any Error>) -> String {
        switch result {
        case .success: "ok"
        case .failure(let error): (error as? TokenError).map { "\($0.code)" } ?? "threw"
        }
    }

    @Test("C2 tokens submitted before start wait, and run once it starts")
    func beforeStart() async throws {
        let coordinator = try makeCoordinator()
        let runs = Tally()
        let operations: [TaskTokenGuard<Int, Int>] = [
            TaskTokenGuard("c2.before", on: coordinator) { (n: Int) in runs.add(n) },
            TaskTokenGuard("c2.before-heavy", weight: .heavy, on: coordinator) { (n: Int) in runs.add(n) },
            TaskTokenGuard("c2.before-storage", storage: .slow, on: coordinator) { (n: Int) in runs.add(n) },
            TaskTokenGuard("c2.before-anchor", locality: .sticky("k", ordered: true), on: coordinator) { runs.add($0) },
            TaskTokenGuard("c2.before-lead", locality: .lead(externalCalls: ["x"]), on: coordinator) { runs.add($0) },
        ]
        let tokens = (0..<100).flatMap { _ in operations.map { $0(1) } }
        #expect(tokens.allSatisfy { $0.state == .waiting })
        #expect(coordinator.statistics().counts.queued == 500)
        #expect(runs.value == 0)
        try await coordinator.start()
        #expect(await gather(tokens).allSatisfy { ending($0) == "ok" })
        #expect(runs.value == 500)
        #expect(await coordinator.stop().isClean)
    }

    @Test("C2 a token submitted after stop settles at once with coordinatorStopped")
    func afterStop() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        await coordinator.stop()
        let plain = TaskTokenGuard("c2.after", on: coordinator) { (n: Int) in n }
        let lead = TaskTokenGuard("c2.after-lead", locality: .lead(externalCalls: ["x"]), on: coordinator) { (n: Int) in
            n
        }
        let sticky = TaskTokenGuard("c2.after-sticky", locality: .sticky("k"), on: coordinator) { (n: Int) in n }
        for token in [plain(1), lead(1), sticky(1)] {
            #expect(token.isSettled)
            let error = await #expect(throws: TokenError.self) { try await token.value }
            #expect(error?.code == .coordinatorStopped)
            #expect(error?.message.contains(token.operationType) == true)
        }
        #expect(coordinator.statistics().counts.killed == 3)
        #expect(coordinator.statistics().openLeases == 0)
    }

    @Test("C2 a coordinator that is stopped before it was started settles what waits, with coordinatorStopped")
    func stoppedUnstarted() async throws {
        let coordinator = try makeCoordinator()
        let tokens = (0..<50).map { TaskTokenGuard("c2.unstarted", on: coordinator) { (n: Int) in n }($0) }
        let report = await coordinator.stop()
        #expect(report.abandoned.count == 50)
        #expect(Set(report.abandoned.map(\.id)) == Set(tokens.map(\.id)))
        #expect(await gather(tokens).allSatisfy { ending($0) == "coordinatorStopped" })
    }

    @Test(
        "C2 submitting from many threads while it stops: every token settles, run or coordinatorStopped",
        arguments: 0..<6)
    func duringStop(round: Int) async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1 + round % 3) }
        try await coordinator.start()
        let operations: [TaskTokenGuard<Int, Int>] = [
            TaskTokenGuard("c2.during", on: coordinator) { (n: Int) in n },
            TaskTokenGuard("c2.during-heavy", weight: .heavy, on: coordinator) { (n: Int) in n },
            TaskTokenGuard("c2.during-storage", storage: .slow, on: coordinator) { (n: Int) in n },
            TaskTokenGuard("c2.during-ordered", locality: .sticky(ordered: true) { $0 % 5 }, on: coordinator) { $0 },
            TaskTokenGuard("c2.during-async", on: coordinator) { (n: Int) async in
                await Task.yield()
                return n
            },
        ]
        let tokens = Journal<TaskToken<Int>>()
        let submitted = Tally()
        let stopped = Tally()
        async let submitting: Void = concurrently(4) { _ in
            var index = 0
            while stopped.value == 0 || index < 300 {
                tokens.note(operations[index % 5](index))
                index += 1
                if submitted.add() > 20_000 { break }
            }
        }
        _ = await eventually { submitted.value > 100 }
        await coordinator.stop(timeout: round % 2 == 0 ? .seconds(20) : .zero)
        stopped.add()
        await submitting
        let endings = Set(await gather(tokens.all).map(ending))
        #expect(endings.isSubset(of: ["ok", "coordinatorStopped"]), "\(endings)")
        let counts = coordinator.statistics().counts
        #expect(counts.live == 0 && counts.settled == UInt64(tokens.count), "\(counts) of \(tokens.count)")
    }

    @Test("C2 a coordinator that is let go without a stop settles every token, running ones too")
    func dropped() async throws {
        let gate = Gate()
        let tokens: [TaskToken<Int>]
        weak var gone: OperationsCoordinator?
        do {
            let coordinator = try makeCoordinator()
            gone = coordinator
            try await coordinator.start()
            let slow = TaskTokenGuard("c2.dropped", on: coordinator) { (n: Int) in
                gate.pass()
                return n
            }
            tokens = (0..<50).map { slow($0) }
            await gate.waitForArrivals()
        }
        #expect(gone == nil, "something keeps the coordinator")
        #expect(await gather(tokens).allSatisfy { ending($0) == "coordinatorStopped" })
        gate.open()
    }

    @Test("C2 a coordinator that is let go before it was started settles every token")
    func droppedUnstarted() async throws {
        var tokens: [TaskToken<Int>] = []
        do {
            let coordinator = try makeCoordinator()
            tokens = (0..<50).map { TaskTokenGuard("c2.dropped-idle", on: coordinator) { (n: Int) in n }($0) }
        }
        #expect(await gather(tokens).allSatisfy { ending($0) == "coordinatorStopped" })
    }

    @Test("C2 tokens held by a pause, a permit, an anchor's turn or a full worker all settle at the stop")
    func heldTokens() async throws {
        let coordinator = try makeCoordinator { configuration in
            configuration.pretend(domains: 1)
            configuration.storageLimits[.slow] = 1
        }
        try await coordinator.start()
        let gate = Gate()
        let body: @Sendable (Int) -> Int = { n in
            gate.pass()
            return n
        }
        try coordinator.pause("c2.held-paused")
        let tokens = [
            TaskTokenGuard("c2.held-permit", storage: .slow, on: coordinator, body),
            TaskTokenGuard(
                "c2.held-turn", weight: .heavy, locality: .sticky("k", ordered: true), on: coordinator, body),
            TaskTokenGuard("c2.held-worker", on: coordinator, body),
            TaskTokenGuard("c2.held-paused", on: coordinator, body),
        ].flatMap { operation in (0..<20).map { operation($0) } }
        await gate.waitForArrivals(3)
        let report = await coordinator.stop(timeout: .milliseconds(20))
        #expect(await gather(tokens).allSatisfy { ending($0) == "coordinatorStopped" })
        #expect(report.abandoned.filter { $0.state == .executing }.count == 3)
        #expect(gate.arrived == 3)
        gate.open()
        let counts = coordinator.statistics().counts
        #expect(counts.killed == 80 && counts.live == 0)
    }

    @Test("C2 tokens derived from others settle when their coordinator stops")
    func derived() async throws {
        let coordinator = try makeCoordinator()
        let source = TaskTokenGuard("c2.derived", on: coordinator) { (n: Int) in n }(1)
        let mapped = source.map { $0 + 1 }.map { $0 + 1 }
        let pair = mapped.zip(source)
        await coordinator.stop(timeout: .zero)
        #expect(ending(await mapped.result) == "coordinatorStopped")
        await #expect(throws: TokenError.self) { try await pair.value }
        #expect(await eventually { coordinator.statistics().counts.live == 0 })
    }

    @Test("A token outlives its coordinator: id, operation type, state and result stay")
    func outlives() async throws {
        var coordinator: OperationsCoordinator? = try makeCoordinator()
        try await coordinator?.start()
        let origin = coordinator?.realm.origin
        let token = TaskTokenGuard("c2.outlives", on: coordinator) { (n: Int) in n * 2 }(21)
        #expect(try await token.value == 42)
        let id = token.id
        await coordinator?.stop()
        coordinator = nil
        #expect(token.id == id && id.origin == origin)
        #expect(token.operationType == "c2.outlives")
        #expect(token.state == .completed)
        #expect(try await token.value == 42)
    }

    @Test("C2 a token derived after the stop settles at once and is counted")
    func derivedAfterTheStop() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let other = try makeCoordinator()
        let mine = TaskTokenGuard("c2.mine", on: coordinator) { 1 }()
        let foreign = TaskTokenGuard("c2.foreign", on: other) { 2 }()
        _ = try await mine.value
        let before = mine.zip(foreign)
        await coordinator.stop(timeout: .zero)
        #expect(before.state == .killed)
        let after = mine.zip(foreign)
        await other.stop(timeout: .zero)
        #expect(await eventually { after.isSettled })
        #expect(coordinator.statistics().counts.live == 0)
    }

    @Test("C2 a long chain of maps settles, fails and is freed without deep recursion")
    func longChains() async throws {
        try await withTestCoordinator { coordinator in
            let head = TaskTokenGuard("c2.chain", on: coordinator) { (fails: Bool) throws in
                if fails { throw CancellationError() }
                return 0
            }
            let count = Sizes.part(of: 20_000)
            for fails in [false, true] {
                coordinator.pause()
                var last = head(fails)
                for _ in 0..<count { last = last.map { $0 + 1 } }
                coordinator.resume()
                let result = await last.result
                #expect((try? result.get()) == (fails ? nil : count))
            }
        }
    }
}
