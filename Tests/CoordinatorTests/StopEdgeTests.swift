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

/// Faults of stops that were found from outside, each as the program that showed it.
@Suite("stops at their edges")
struct StopEdgeTests {
    private struct Fault: Error {}

    private func code(_ token: TaskToken<Int>) -> TokenError.Code? {
        guard case .failure(let error as TokenError) = token.resultIfSettled else { return nil }
        return error.code
    }

    @Test("C11 a long line of an ordered anchor that a pause holds is settled without deep recursion")
    func pausedLine() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1) }
        try await coordinator.start()
        let ordered = TaskTokenGuard("stop_line", locality: .sticky("k", ordered: true), on: coordinator) { (n: Int) in
            n
        }
        coordinator.pause()
        let tokens = (0..<20_000).map { ordered($0) }
        let report = await coordinator.stop(timeout: .seconds(240))
        #expect(report.abandoned.count == 20_000 && tokens.allSatisfy { code($0) == .coordinatorStopped })
        #expect(coordinator.statistics().liveAnchors == 0)
    }

    @Test("C11 the same on a worker: an operation is paused, the stop begins, the body that has the turn ends")
    func pausedLineOnWorker() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1) }
        try await coordinator.start()
        let gate = Gate()
        let ordered = TaskTokenGuard("stop_mail", locality: .sticky("k", ordered: true), on: coordinator) { (n: Int) in
            if n == 0 { gate.pass() }
            return n
        }
        let tokens = (0..<20_000).map { ordered($0) }
        await gate.waitForArrivals()
        try coordinator.pause("stop_mail")
        async let stopping = coordinator.stop(timeout: .seconds(240))
        try #require(await eventually { coordinator.isDraining })
        gate.open()
        let report = await stopping
        #expect(report.abandoned.count == 19_999 && tokens[0].state == .completed)
        #expect(tokens.dropFirst().allSatisfy { code($0) == .coordinatorStopped })
        #expect(coordinator.statistics().liveAnchors == 0)
    }

    @Test("C11 a stop that meets the start finishes what was there before it, as one that comes later does")
    func meetsStart() async throws {
        for _ in 0..<Sizes.part(of: 50) {
            let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
            let operation = TaskTokenGuard("stop_start", on: coordinator) { (n: Int) in n }
            let tokens = (0..<500).map { operation($0) }
            let starting = Task.detached { try await coordinator.start() }
            while coordinator.phase == .idle { await Task.yield() }
            let report = await coordinator.stop(timeout: .seconds(240))
            try await starting.value
            #expect(report.abandoned.isEmpty && tokens.allSatisfy { $0.state == .completed })
        }
    }

    @Test("C11 a stop does not wait for an attempt that would come after it; its token is in the report")
    func sleepingRetry() async throws {
        let time = ManualTime()
        let coordinator = try makeCoordinator { $0.time = time }
        try await coordinator.start()
        let retry = RetryPolicy(attempts: 9, backOff: .constant(.seconds(36_000)), jitter: 0)
        let operation = TaskTokenGuard("stop_retry", options: OperationOptions(retry: retry), on: coordinator) {
            (n: Int) throws -> Int in throw Fault()
        }
        let token = operation(1)
        #expect(await eventually { coordinator.realm.timers.count == 1 })
        guard case .time(let left) = token.status().waitsFor else {
            Issue.record("\(token.status())")
            return
        }
        #expect(left == .seconds(36_000) && token.state == .executing)
        async let stopping = coordinator.stop(timeout: .seconds(3_600))
        // Within minutes, where the stop has an hour.
        #expect(await settles(token))
        let report = await stopping
        #expect(code(token) == .coordinatorStopped && token.attempts == 1)
        #expect(report.abandoned.map(\.id) == [token.id])
    }

    @Test("C11 while there is time a stop lets tokens be tried again")
    func retriesWhileDraining() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let gate = Gate()
        let retry = RetryPolicy(attempts: 3, backOff: .none)
        let operation = TaskTokenGuard("stop_tries", options: OperationOptions(retry: retry), on: coordinator) {
            (n: Int) throws -> Int in
            gate.pass()
            if TokenContext.current?.attempt != 3 { throw Fault() }
            return n
        }
        let token = operation(7)
        await gate.waitForArrivals()
        async let stopping = coordinator.stop(timeout: .seconds(240))
        try #require(await eventually { coordinator.isDraining })
        gate.open()
        #expect(await stopping.isClean)
        #expect(try await token.value == 7 && token.attempts == 3)
    }

    @Test("C11 what was to come after a token that a stop settles is settled by the stop, too, and in its report")
    func dependents() async throws {
        let coordinator = try makeCoordinator { $0.time = ManualTime() }
        try await coordinator.start()
        let operation = TaskTokenGuard("stop_after", on: coordinator) { (n: Int) in n }
        let first = operation.with(delay: .seconds(36_000))(0)
        let second = operation.with(after: [first])(1)
        let third = operation.with(after: [second])(2)
        let others = (0..<50).map { operation.with(after: [first])($0) }
        let report = await coordinator.stop(timeout: .seconds(3_600))
        let all = [first, second, third] + others
        #expect(all.allSatisfy { code($0) == .coordinatorStopped })
        #expect(Set(report.abandoned.map(\.id)) == Set(all.map(\.id)) && report.abandoned.count == all.count)
    }
}
