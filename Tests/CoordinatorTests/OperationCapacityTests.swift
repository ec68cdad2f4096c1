//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("capacity of an operation: its live tokens are bounded, those of others are not")
struct OperationCapacityTests {
    private func code(_ token: TaskToken<Int>) -> TokenError.Code? {
        guard case .failure(let error) = token.resultIfSettled else { return nil }
        return (error as? TokenError)?.code
    }

    private func held(
        _ name: String, _ options: OperationOptions, on coordinator: OperationsCoordinator, _ gate: Gate
    ) -> TaskTokenGuard<Int, Int> {
        TaskTokenGuard(name, options: options, on: coordinator) { (number: Int) in
            gate.pass()
            return number
        }
    }

    private func admission(_ coordinator: OperationsCoordinator, _ name: String) -> Statistics.Admission? {
        coordinator.statistics().operations.first { $0.operationType == name }?.admission
    }

    @Test(
        "reject: what comes on top settles at once with an error that names the operation; guards without options count, too"
    )
    func reject() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let gate = Gate()
            let name = "capacity_of_reject"
            let operation = held(name, OperationOptions(capacity: 3, overload: .reject), on: coordinator, gate)
            let inside = (0..<3).map { operation($0) }
            let plain = TaskTokenGuard(name, on: coordinator) { (number: Int) in number }
            let outside = [operation(3), plain(4), plain(5)]
            #expect(outside.allSatisfy { code($0) == .overloaded })
            guard case .failure(let error as TokenError) = try #require(outside[1].resultIfSettled) else {
                Issue.record("no error")
                return
            }
            #expect(error.message.contains(name) && error.message.contains("capacity 3"))
            let other = TaskTokenGuard("capacity_of_other", storage: .fast, on: coordinator) { (number: Int) in number }
            let others = (0..<50).map { other($0) }
            #expect(await settle(others))
            let places = try #require(self.admission(coordinator, name))
            #expect(places.capacity == 3 && places.inUse == 3 && places.rejected == 3)
            gate.open()
            for (number, token) in inside.enumerated() { #expect(try await token.value == number) }
            #expect(await eventually { self.admission(coordinator, name)?.inUse == 0 })
            #expect(try await plain(9).value == 9)
        }
    }

    @Test("suspend: submitters wait in their order, tasks and threads; a cancelled one submits nothing")
    func suspend() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let gate = Gate()
            let name = "capacity_of_suspend"
            let operation = held(name, OperationOptions(capacity: 1), on: coordinator, gate)
            let first = try await operation.submit(0)
            #expect(code(operation(1)) == .overloaded)
            let waiting = Task { try await operation.submit(2).value }
            #expect(await eventually { self.admission(coordinator, name)?.waiting == 1 })
            let blocked = Task { try await onThread { try operation.submitBlocking(3).wait() } }
            #expect(await eventually { self.admission(coordinator, name)?.waiting == 2 })
            let cancelled = Task { try await operation.submit(4).value }
            #expect(await eventually { self.admission(coordinator, name)?.waiting == 3 })
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            let timedOut = await #expect(throws: TokenError.self) {
                try await onThread { try operation.submitBlocking(5, timeout: .zero) }
            }
            #expect(timedOut?.code == .waitTimedOut && timedOut?.message.contains(name) == true)
            gate.open()
            #expect(try await first.value == 0)
            #expect(try await waiting.value == 2)
            #expect(try await blocked.value == 3)
            #expect(await eventually { self.admission(coordinator, name)?.inUse == 0 })
        }
    }

    @Test("dropOldest: the operation's oldest that waits goes, and no other's")
    func dropOldest() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let gate = Gate()
            let name = "capacity_of_drop"
            let operation = held(name, OperationOptions(capacity: 4, overload: .dropOldest), on: coordinator, gate)
            let other = TaskTokenGuard("capacity_of_drop_other", on: coordinator) { (number: Int) in number }
            let tokens = (0..<4).map { operation($0) }
            await gate.waitForArrivals()
            let others = (0..<20).map { other($0) }
            let late = operation(4)
            // Two are through, two stand in the line: the elder of those is dropped.
            #expect(code(tokens[2]) == .overloaded && tokens[2].state == .killed && !late.isSettled)
            #expect(admission(coordinator, name)?.dropped == 1)
            gate.open()
            #expect(await settle(others + [late]))
            #expect(others.allSatisfy { $0.state == .completed } && late.state == .completed)
            #expect(await eventually { self.admission(coordinator, name)?.inUse == 0 })
        }
    }

    @Test(
        "C9 descendants always come in, and both capacities count them",
        arguments: [OverloadPolicy.suspend, .reject, .dropOldest])
    func descendants(_ overload: OverloadPolicy) async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.capacity = 1
            $0.overload = overload
        } _: { coordinator in
            let child = TaskTokenGuard(
                "capacity_of_child", options: OperationOptions(capacity: 1, overload: overload), on: coordinator
            ) { (number: Int) in number }
            let parent = TaskTokenGuard("capacity_of_parent", on: coordinator) { (count: Int) in
                let children = (0..<count).map { child($0) }
                return try children.reduce(0) { try $0 + $1.wait() }
            }
            let sum = try await parent.submit(100).value
            #expect(sum == 4_950)
            #expect(await eventually { self.admission(coordinator, "capacity_of_child")?.inUse == 0 })
            #expect(await eventually { coordinator.statistics().admission?.inUse == 0 })
        }
    }

    @Test("kills, sweeps and stops leave no place behind, under both capacities and every policy")
    func ledger() async throws {
        var numbers = SeededNumbers(for: "capacity of operations ledger")
        for overload in [OverloadPolicy.suspend, .reject, .dropOldest] {
            for outer in [OverloadPolicy.suspend, .reject, .dropOldest] {
                try await withTestCoordinator {
                    $0.pretend(domains: 2)
                    $0.capacity = 12
                    $0.overload = outer
                } _: { coordinator in
                    let names = ["capacity_ledger_a", "capacity_ledger_b"]
                    let operations = names.map { name in
                        TaskTokenGuard(
                            name, locality: .sticky(ordered: true) { (number: Int) in "k\(number % 2)" },
                            options: OperationOptions(concurrency: 2, capacity: 6, overload: overload), on: coordinator
                        ) { (number: Int) in number }
                    }
                    var tokens: [TaskToken<Int>] = []
                    for round in 0..<Sizes.part(of: 400) {
                        let operation = operations[Int.random(in: 0..<2, using: &numbers)]
                        if Int.random(in: 0..<4, using: &numbers) == 0, round % 20 < 15 {
                            coordinator.resume()
                            tokens.append(try await operation.submit(round))
                        } else {
                            tokens.append(operation(round))
                        }
                        switch Int.random(in: 0..<12, using: &numbers) {
                        case 0: tokens.randomElement(using: &numbers)?.kill()
                        case 1: coordinator.pause()
                        case 2: coordinator.resume()
                        case 3: try coordinator.discardWaiting(names[Int.random(in: 0..<2, using: &numbers)])
                        case 4: try coordinator.killAll(names[Int.random(in: 0..<2, using: &numbers)])
                        default: break
                        }
                    }
                    coordinator.resume()
                    try #require(await settle(tokens))
                    #expect(
                        await eventually {
                            names.allSatisfy { self.admission(coordinator, $0)?.inUse ?? 0 == 0 }
                                && coordinator.statistics().admission?.inUse == 0
                        })
                }
            }
        }
    }
}
