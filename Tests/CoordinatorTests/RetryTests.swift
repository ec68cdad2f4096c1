//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("retry: a body that threw is run again, as the same token")
struct RetryTests {
    private struct Fault: Error, Equatable { let number: Int }

    /// Fails so many times, then answers how often it was called.
    private func failing(
        _ name: String, _ failures: Int, _ options: OperationOptions, on coordinator: OperationsCoordinator,
        _ calls: Tally = Tally()
    ) -> TaskTokenGuard<Int, Int> {
        TaskTokenGuard(name, options: options, on: coordinator) { (_: Int) throws -> Int in
            calls.add()
            if calls.value <= failures { throw Fault(number: calls.value) }
            return calls.value
        }
    }

    @Test(
        "attempts are counted and visible; between them it waits for its time, and only that; the last error is the one"
    )
    func attempts() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let retry = RetryPolicy(attempts: 3, backOff: .constant(.seconds(10)), jitter: 0)
            let calls = Tally()
            let token = failing("retry_twice", 2, OperationOptions(retry: retry), on: coordinator, calls)(0)
            #expect(await eventually { coordinator.realm.timers.count == 1 })
            #expect(token.attempts == 1 && calls.value == 1 && token.state == .executing)
            time.advance(by: .milliseconds(9_999))
            #expect(calls.value == 1)
            time.advance(by: .milliseconds(1))
            #expect(await eventually { coordinator.realm.timers.count == 1 && calls.value == 2 })
            time.advance(by: .seconds(10))
            let value = try await token.value
            #expect(value == 3 && token.attempts == 3)

            let hopeless = failing("retry_hopeless", 99, OperationOptions(retry: retry), on: coordinator)(0)
            for _ in 0..<2 {
                #expect(await eventually { coordinator.realm.timers.count == 1 })
                time.advance(by: .seconds(10))
            }
            await #expect(throws: Fault(number: 3)) { try await hopeless.value }
            #expect(hopeless.attempts == 3 && hopeless.state == .failed)
            let counts = coordinator.statistics().counts
            #expect(counts.submitted == 2 && counts.completed == 1 && counts.failed == 1 && counts.executing == 0)
        }
    }

    @Test("what is not worth it is not tried again; by default that is cancellation")
    func predicate() async throws {
        try await withTestCoordinator { coordinator in
            var retry = RetryPolicy(attempts: 5, backOff: .none)
            let cancelled = TaskTokenGuard("retry_cancelled", options: OperationOptions(retry: retry), on: coordinator)
            {
                (_: Int) throws -> Int in throw CancellationError()
            }(0)
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            #expect(cancelled.attempts == 1)
            retry.isRetryable = { ($0 as? Fault)?.number != 2 }
            let chosen = failing("retry_chosen", 99, OperationOptions(retry: retry), on: coordinator)(0)
            await #expect(throws: Fault(number: 2)) { try await chosen.value }
        }
    }

    @Test("no attempt begins after the deadline")
    func deadline() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let retry = RetryPolicy(
                attempts: 100, backOff: .constant(.seconds(4)), jitter: 0, deadline: .seconds(10))
            let token = failing("retry_deadline", 99, OperationOptions(retry: retry), on: coordinator)(0)
            // At 0, 4 and 8 seconds; 12 is too late.
            for _ in 0..<2 {
                #expect(await eventually { coordinator.realm.timers.count == 1 })
                time.advance(by: .seconds(4))
            }
            await #expect(throws: Fault(number: 3)) { try await token.value }
        }
    }

    @Test("waiting for the next attempt keeps no worker")
    func noWorker() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
            $0.time = time
        } _: { coordinator in
            let retry = RetryPolicy(attempts: 2, backOff: .constant(.seconds(1)), jitter: 0)
            let operation = TaskTokenGuard("retry_many", options: OperationOptions(retry: retry), on: coordinator) {
                (number: Int) throws -> Int in
                if TokenContext.current?.attempt == 1 { throw Fault(number: number) }
                return number
            }
            let tokens = (0..<200).map { operation($0) }
            #expect(await eventually { coordinator.realm.timers.count == 200 })
            let other = TaskTokenGuard("retry_other", on: coordinator) { (number: Int) in number }
            let value = try await other(7).value
            #expect(value == 7)
            time.advance(by: .seconds(1))
            for (number, token) in tokens.enumerated() {
                let value = try await token.value
                #expect(value == number)
            }
        }
    }

    @Test("no attempt begins after the policy's deadline, also where the worker comes back to it late")
    func lateWorker() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
            $0.time = time
        } _: { coordinator in
            let retry = RetryPolicy(attempts: 5, backOff: .constant(.seconds(1)), jitter: 0, deadline: .seconds(2))
            let calls = Tally()
            let token = failing("retry_late", 99, OperationOptions(retry: retry), on: coordinator, calls)(0)
            #expect(await eventually { coordinator.realm.timers.count == 1 })
            let gate = Gate()
            let blocker = TaskTokenGuard("retry_blocker", on: coordinator) { gate.pass() }
            let blocking = blocker()
            await gate.waitForArrivals()
            // It is due, and woken; its worker has no time for it until the deadline has passed.
            time.advance(by: .seconds(1))
            time.advance(by: .seconds(2))
            gate.open()
            await #expect(throws: Fault(number: 1)) { try await token.value }
            #expect(token.attempts == 1 && calls.value == 1)
            _ = await blocking.result
        }
    }

    @Test("a token that is killed between attempts settles at once and is not tried again", arguments: [true, false])
    func killed(_ byStop: Bool) async throws {
        let time = ManualTime()
        let coordinator = try makeCoordinator { $0.time = time }
        try await coordinator.start()
        let calls = Tally()
        let retry = RetryPolicy(attempts: 9, backOff: .constant(.seconds(1)))
        let token = failing("retry_killed", 99, OperationOptions(retry: retry), on: coordinator, calls)(0)
        #expect(await eventually { coordinator.realm.timers.count == 1 })
        if !byStop { token.kill() }
        let report = await coordinator.stop(timeout: .zero)
        #expect(token.state == .killed && report.abandoned.count == (byStop ? 1 : 0))
        time.advance(by: .seconds(100))
        #expect(calls.value == 1)
    }

    @Test("C5 C6 an anchored token keeps its core and its turn over its attempts; a lead its seed")
    func places() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let retry = RetryPolicy(attempts: 3, backOff: .constant(.microseconds(50)))
            let seen = Guarded<[(number: Int, attempt: Int, domain: Int)]>([])
            let ordered = TaskTokenGuard(
                "retry_ordered", locality: .sticky("one", ordered: true), options: OperationOptions(retry: retry),
                on: coordinator
            ) { (number: Int) throws -> Int in
                let context = try #require(TokenContext.current)
                seen.withLock { $0.append((number, context.attempt, context.domain)) }
                if context.attempt < 3 { throw Fault(number: number) }
                return number
            }
            for token in (0..<50).map({ ordered($0) }) { _ = try await token.value }
            let all = seen.withLock { $0 }
            #expect(all.map(\.number) == (0..<50).flatMap { [$0, $0, $0] })
            #expect(Set(all.map(\.domain)).count == 1)

            let child = TaskTokenGuard("retry_child", on: coordinator) { (_: Int) in TokenContext.current?.seed }
            let lead = TaskTokenGuard(
                "retry_lead", locality: .lead(externalCalls: ["retry_child"]), options: OperationOptions(retry: retry),
                on: coordinator
            ) { (number: Int) throws -> Bool in
                let context = try #require(TokenContext.current)
                let seed = try child(number).wait()
                if context.attempt < 3 { throw Fault(number: number) }
                return seed != nil && seed == context.seed
            }
            for token in (0..<20).map({ lead($0) }) {
                let same = try await token.value
                #expect(same)
            }
        }
    }

    @Test("C9 bodies that are tried again wait for children that are tried again, deep, with one worker")
    func nested() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let retry = OperationOptions(retry: RetryPolicy(attempts: 2, backOff: .constant(.microseconds(20))))
            let box = Guarded<TaskTokenGuard<Int, Int>?>(nil)
            let operation = TaskTokenGuard("retry_nested", options: retry, on: coordinator) {
                (depth: Int) throws -> Int in
                let below = depth == 0 ? 0 : try box.withLock { $0 }?(depth - 1).wait() ?? -1
                if TokenContext.current?.attempt == 1 { throw Fault(number: depth) }
                return below + 1
            }
            box.withLock { $0 = operation }
            let value = try await operation(6).value
            #expect(value == 7)
            box.withLock { $0 = nil }
        }
    }
}
