//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("timeouts: the token settles on time, and says for which")
struct TimeoutTests {
    private func message(_ token: TaskToken<Int>) -> String? {
        guard case .failure(let error as TokenError)? = token.resultIfSettled, error.code == .timedOut else {
            return nil
        }
        return error.message
    }

    @Test("queue timeout: it counts until the body begins, and settles what has not begun by then")
    func queue() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.time = time
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard(
                "timeout_queue", options: OperationOptions(queueTimeout: .seconds(1)), on: coordinator
            ) { (number: Int) in
                gate.pass()
                return number
            }
            let first = operation(1)
            #expect(await gate.waitForArrivals())
            let second = operation(2)
            time.advance(by: .milliseconds(999))
            #expect(!second.isSettled)
            time.advance(by: .milliseconds(1))
            #expect(message(second)?.contains("queue timeout") == true && second.state == .timedOut)
            #expect(!first.isSettled)
            gate.open()
            let value = try await first.value
            #expect(value == 1)
            #expect(gate.arrived == 1)
            #expect(coordinator.statistics().counts.timedOut == 1 && coordinator.realm.timers.count == 0)
        }
    }

    @Test("run timeout: the body is asked to end, and what it returns is late")
    func run() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let gate = Gate()
            let asked = Tally()
            let operation = TaskTokenGuard(
                "timeout_run", options: OperationOptions(runTimeout: .seconds(1)), on: coordinator
            ) { (number: Int) throws -> Int in
                let before = try #require(TokenContext.current)
                #expect(before.timeRemaining == .seconds(1) && !before.isCancelled)
                gate.pass()
                do throws(TokenError) { try TokenContext.checkCancellation() } catch {
                    if error.code == .timedOut, before.isCancelled, before.timeRemaining == .zero { asked.add() }
                }
                return number
            }
            let token = operation(1)
            #expect(await gate.waitForArrivals())
            time.advance(by: .seconds(1))
            #expect(message(token)?.contains("run timeout") == true)
            gate.open()
            #expect(await eventually { coordinator.statistics().counts.late == 1 })
            #expect(asked.value == 1 && coordinator.statistics().counts.timedOut == 1)
        }
    }

    @Test("a timeout of the whole life holds wherever the token is; the shorter of the guard's and the call's")
    func life() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            coordinator.pause()
            let operation = TaskTokenGuard(
                "timeout_life", options: OperationOptions(timeout: .seconds(10)), on: coordinator
            ) { (number: Int) in number }
            let plain = TaskTokenGuard("timeout_plain", on: coordinator) { (number: Int) in number }
            let tokens = [
                operation(0), operation.with(timeout: .seconds(5))(1), operation.with(timeout: .seconds(50))(2),
                plain.with(timeout: .seconds(7))(3), operation.with(delay: .seconds(60))(4),
            ]
            let order = [1, 3, 0, 2, 4]
            for (seconds, settled) in [(5, 1), (2, 2), (3, 5)] {
                time.advance(by: .seconds(seconds))
                #expect(order.map { tokens[$0].state == .timedOut } == (0..<5).map { $0 < settled })
            }
            coordinator.resume()
            #expect(await eventually { coordinator.statistics().counts.live == 0 })
            #expect(coordinator.statistics().counts.timedOut == 5 && coordinator.realm.timers.count == 0)
        }
    }

    @Test("what ends in time is not timed out, and leaves no timer", arguments: [true, false])
    func inTime(_ isAsync: Bool) async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let options = OperationOptions(queueTimeout: .seconds(1), runTimeout: .seconds(1), timeout: .seconds(2))
            let operation =
                isAsync
                ? TaskTokenGuard("timeout_none", options: options, on: coordinator) {
                    (number: Int) async throws -> Int in
                    await Task.yield()
                    return number
                } : TaskTokenGuard("timeout_none", options: options, on: coordinator) { (number: Int) in number }
            for number in 0..<100 {
                let value = try await operation(number).value
                #expect(value == number)
            }
            // The last await may have found its token settled a moment before its timers go.
            #expect(await eventually { coordinator.realm.timers.count == 0 })
            time.advance(by: .seconds(100))
            #expect(coordinator.statistics().counts.completed == 100)
        }
    }

    @Test("C1 a timeout against the body's own end: one of them, in every round")
    func race() async throws {
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard(
                "timeout_race", options: OperationOptions(timeout: .microseconds(60)), on: coordinator
            ) { (number: Int) in number }
            let tokens = (0..<2_000).map { operation($0) }
            #expect(await settle(tokens))
            for (number, token) in tokens.enumerated() {
                switch token.state {
                case .completed:
                    let value = try token.resultIfSettled?.get()
                    #expect(value == number)
                case .timedOut: #expect(message(token) != nil)
                default: Issue.record("\(token)")
                }
            }
            #expect(await eventually { coordinator.statistics().counts.live == 0 })
        }
    }
}
