//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("breaker, block and reputation: an operation that fails is known, and kept from callers")
struct BreakerTests {
    private struct Fault: Error {}

    private func code(_ token: TaskToken<Int>) -> TokenError.Code? {
        guard case .failure(let error as TokenError)? = token.resultIfSettled else { return nil }
        return error.code
    }

    @Test("half open it can be seen, and those that it refuses are told why")
    func halfOpen() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let gate = Gate()
            let breaker = CircuitBreaker(failureRate: 0, minimumRuns: 1, coolDown: .seconds(30))
            let operation = TaskTokenGuard(
                "breaker_half", options: OperationOptions(breaker: breaker), on: coordinator
            ) { (number: Int) throws -> Int in
                if number == 0 { throw Fault() }
                gate.pass()
                return number
            }
            await operation(0).settled()
            func reputation() throws -> Reputation { try #require(try coordinator.reputation(of: "breaker_half")) }
            #expect(try reputation().isBreakerOpen && !reputation().isBreakerHalfOpen)
            time.advance(by: .seconds(30))
            #expect(try !reputation().isBreakerOpen && reputation().recommendation.contains("next token tries"))
            let trying = operation(1)
            await gate.waitForArrivals()
            guard case .failure(let error as TokenError) = operation(2).resultIfSettled else {
                Issue.record("let in beside the one that tries")
                return
            }
            #expect(error.code == .operationBlocked && error.message.contains("half open"))
            #expect(
                try reputation().isBreakerHalfOpen && reputation().recommendation.contains("waits for those that try"))
            gate.open()
            let value = try await trying.value
            #expect(value == 1)
            #expect(try !reputation().isBreakerOpen && !reputation().isBreakerHalfOpen)
        }
    }

    @Test("it opens, refuses, lets one try, and closes; each step is an event")
    func opens() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let events = coordinator.events
            let works = Guarded(false)
            let breaker = CircuitBreaker(failureRate: 0.5, minimumRuns: 4, coolDown: .seconds(30))
            let operation = TaskTokenGuard(
                "breaker_opens", options: OperationOptions(breaker: breaker), on: coordinator
            ) { (number: Int) throws -> Int in
                if !works.withLock({ $0 }) { throw Fault() }
                return number
            }
            for _ in 0..<4 { await operation(0).settled() }
            let refused = operation(1)
            #expect(code(refused) == .operationBlocked && refused.attempts == 0)
            #expect(try coordinator.reputation(of: "breaker_opens")?.isBreakerOpen == true)
            time.advance(by: .seconds(30))
            let failing = operation(2)
            await failing.settled()
            #expect(code(failing) == nil && code(operation(3)) == .operationBlocked)
            time.advance(by: .seconds(30))
            works.withLock { $0 = true }
            let value = try await operation(4).value
            let next = try await operation(5).value
            #expect(value == 4 && next == 5)
            let reputation = try #require(try coordinator.reputation(of: "breaker_opens"))
            // Those that were refused are no runs.
            #expect(reputation.runs == 7 && reputation.completed == 2 && reputation.failed == 5)
            #expect(!reputation.isBreakerOpen && reputation.health == .problematic)
            await coordinator.stop()
            var steps: [String] = []
            for await event in events {
                switch event.kind {
                case .breakerOpened(let name, let time): steps.append("\(name) open \(time)")
                case .breakerHalfOpen: steps.append("half open")
                case .breakerClosed: steps.append("closed")
                default: break
                }
            }
            let open = "breaker_opens open 30.0 seconds"
            #expect(steps == [open, "half open", open, "half open", "closed"])
        }
    }

    @Test("a token that was to try and is killed, or runs out of time in the queue, leaves the try to another")
    func lostProbe() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let breaker = CircuitBreaker(failureRate: 0, minimumRuns: 1, coolDown: .seconds(1))
            let operation = TaskTokenGuard(
                "breaker_probe", options: OperationOptions(queueTimeout: .seconds(5), breaker: breaker), on: coordinator
            ) { (number: Int) throws -> Int in
                if number == 0 { throw Fault() }
                return number
            }
            await operation(0).settled()
            time.advance(by: .seconds(1))
            coordinator.pause()
            let killed = operation(1)
            #expect(!killed.isSettled && code(operation(9)) == .operationBlocked)
            killed.kill()
            let late = operation(2)
            #expect(!late.isSettled)
            time.advance(by: .seconds(5))
            #expect(code(late) == .timedOut)
            let third = operation(3)
            coordinator.resume()
            let value = try await third.value
            #expect(value == 3)
        }
    }

    @Test("blocked by hand: every call is refused at once, plain or with options, of bodies too, until it is unblocked")
    func block() async throws {
        try await withTestCoordinator { coordinator in
            let plain = TaskTokenGuard("blocked", on: coordinator) { (number: Int) in number }
            let anchored = TaskTokenGuard("blocked", locality: .sticky("k"), on: coordinator) { (number: Int) in number
            }
            let managed = TaskTokenGuard("blocked", options: OperationOptions(timeout: .seconds(60)), on: coordinator) {
                (number: Int) in number
            }
            let lead = TaskTokenGuard("blocker", locality: .lead(externalCalls: ["blocked"]), on: coordinator) {
                (number: Int) in plain(number).resultIfSettled != nil
            }
            #expect(try coordinator.block("blocked") && !coordinator.block("blocked"))
            let tokens = [plain(1), anchored(2), managed(3), managed.with(delay: .seconds(9))(4)]
            #expect(tokens.allSatisfy { code($0) == .operationBlocked })
            #expect(coordinator.statistics().counts.failed == 4)
            let isRefused = try await lead(5).value
            #expect(isRefused && plain.batch(0..<10).isSettled)
            #expect(try coordinator.reputation(of: "blocked")?.isBlocked == true)
            #expect(try coordinator.unblock("blocked") && !coordinator.unblock("blocked"))
            let value = try await plain(6).value
            #expect(value == 6 && coordinator.statistics().openLeases == 0)
            #expect(throws: TokenError.self) { try coordinator.block("") }
        }
    }

    @Test("health by the thresholds: 95, 80, 50 of a hundred, five runs at least")
    func health() {
        let classes: [(UInt64, UInt64, Reputation.Health)] = [
            (0, 0, .unknown), (4, 4, .unknown), (5, 5, .excellent), (100, 95, .excellent), (100, 94, .healthy),
            (1_000, 949, .healthy), (100, 80, .healthy), (100, 79, .atRisk), (100, 50, .atRisk),
            (100, 49, .problematic),
            (5, 0, .problematic), (.max, .max, .excellent),
        ]
        for (runs, completed, health) in classes {
            #expect(Reputation.Health(runs: runs, completed: completed) == health, "\(completed) of \(runs)")
        }
    }

    @Test("what bodies threw is counted by kind")
    func failures() async throws {
        struct Other: Error {}
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard("reputation", on: coordinator) { (number: Int) throws -> Int in
                switch number % 4 {
                case 0: throw Fault()
                case 1: throw Other()
                case 2: throw TokenError(.invalidArgument, "no")
                default: return number
                }
            }
            for token in (0..<40).map({ operation($0) }) + (0..<5).map({ _ in operation(0) }) { await token.settled() }
            let reputation = try #require(try coordinator.reputation(of: "reputation"))
            #expect(reputation.runs == 45 && reputation.completed == 10 && reputation.successRate == 10.0 / 45)
            #expect(reputation.failures.map(\.count) == [15, 10, 10] && reputation.failures[0].kind.hasSuffix("Fault"))
            #expect(reputation.failures.contains { $0.kind == "TokenError.invalidArgument" })
            #expect(reputation.recommendation.contains("Fault"))
            #expect(try coordinator.reputation(of: "nobody used this") == nil)
            #expect(coordinator.reputations().map(\.operationType) == ["reputation"])
        }
    }
}
