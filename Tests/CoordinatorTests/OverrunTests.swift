//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// A body that runs on although its token is settled keeps its worker; the crew gets another one, within its cap.
@Suite struct OverrunTests {
    enum Manner: Sendable, CaseIterable { case standard, heavy, storage, retried }

    private func make(
        _ manner: Manner, on coordinator: OperationsCoordinator, runTimeout: Duration? = nil,
        _ body: @escaping @Sendable (Int) -> Int
    ) -> TaskTokenGuard<Int, Int> {
        var options = OperationOptions(runTimeout: runTimeout)
        if manner == .retried { options.retry = RetryPolicy(attempts: 2) }
        return switch manner {
        case .standard, .retried: TaskTokenGuard("overrun.\(manner)", options: options, on: coordinator, body)
        case .heavy: TaskTokenGuard("overrun.heavy", weight: .heavy, options: options, on: coordinator, body)
        case .storage: TaskTokenGuard("overrun.storage", storage: .fast, options: options, on: coordinator, body)
        }
    }

    /// Threads that count as active or overrun, in all crews.
    private func counted(_ coordinator: OperationsCoordinator) -> Int {
        coordinator.engine.domains.flatMap(\.crews).reduce(0) { sum, crew in
            crew.state.withLock { sum + abs($0.active) + abs($0.overrun) }
        }
    }

    private func overrun(_ coordinator: OperationsCoordinator) -> Int {
        coordinator.statistics().domains.flatMap(\.workers).count { $0.isOverrun }
    }

    @Test(
        "A body that runs out of time is replaced: the next token of its domain runs beside it",
        arguments: Manner.allCases)
    func replaced(_ manner: Manner) async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 2
            $0.time = time
        } _: { coordinator in
            let gate = Gate()
            let events = coordinator.events
            let slow = make(manner, on: coordinator, runTimeout: .seconds(1)) { number in
                gate.pass()
                return number
            }
            let next = make(manner, on: coordinator) { $0 }
            let first = slow(1)
            #expect(await gate.waitForArrivals())
            #expect(overrun(coordinator) == 0)
            time.advance(by: .seconds(1))
            #expect(first.state == .timedOut)
            #expect(overrun(coordinator) == 1)
            for number in 0..<20 {
                let value = try await next(number).value
                #expect(value == number)
            }
            #expect(gate.standing == 1 && overrun(coordinator) == 1)
            #expect(coordinator.statistics().domains[0].workers.count { $0.crew == "standard" } <= 2)
            gate.open()
            #expect(await eventually { overrun(coordinator) == 0 && counted(coordinator) == 0 })
            let value = try await next(7).value
            #expect(value == 7)
            var told = 0
            for await event in events {
                if case .workerOverrun(let domain, _, _, let id, let operation) = event.kind {
                    #expect(domain == 1 && id == first.id && operation == first.operationType)
                    told += 1
                }
                if case .lateResult(let id, _) = event.kind, id == first.id { break }
            }
            #expect(told == 1)
        }
    }

    @Test("With a cap of one thread an overrun body is not replaced, and what waits runs when it returns")
    func capOfOne() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
            $0.time = time
        } _: { coordinator in
            let gate = Gate()
            let slow = make(.standard, on: coordinator, runTimeout: .seconds(1)) { number in
                gate.pass()
                return number
            }
            let next = make(.standard, on: coordinator) { $0 }
            let first = slow(1)
            #expect(await gate.waitForArrivals())
            let second = next(2)
            time.advance(by: .seconds(1))
            #expect(first.state == .timedOut && overrun(coordinator) == 1)
            let third = next(3)
            // Nobody is there to begin them, and nobody can be made.
            let threads = coordinator.engine.domains[0][.standard].state.withLock { $0.threads }
            #expect(threads == 1 && second.state == .admitted && third.state == .admitted)
            gate.open()
            let values = try await [second.value, third.value]
            #expect(values == [2, 3])
            #expect(await eventually { counted(coordinator) == 0 })
        }
    }

    @Test(
        "A body that is killed while it waits for a child counts as overrun when it goes on", arguments: [true, false])
    func afterWait(_ killsEarly: Bool) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 2
        } _: { coordinator in
            let gates = [Gate(), Gate()]
            let child = make(.standard, on: coordinator) { number in
                gates[0].pass()
                return number
            }
            let parent = TaskTokenGuard("overrun.parent", on: coordinator) { (number: Int) throws in
                let value = try child(number).wait()
                gates[1].pass()
                return value
            }
            let next = TaskTokenGuard("overrun.next", on: coordinator) { (number: Int) in number }
            let token = parent(1)
            #expect(await gates[0].waitForArrivals())
            if killsEarly { token.kill() }
            gates[0].open()
            #expect(await gates[1].waitForArrivals())
            if !killsEarly { token.kill() }
            #expect(await eventually { overrun(coordinator) == 1 })
            let value = try await next(3).value
            #expect(value == 3 && gates[1].standing == 1)
            gates[1].open()
            #expect(await eventually { counted(coordinator) == 0 })
        }
    }

    @Test("Where no thread is to be had an overrun body is not replaced, and nothing is lost")
    func refused() async throws {
        // The worker of the one domain is made, no other.
        let system = RefusingAffinity { $0 > 1 }
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.affinitySystem = system
        } _: { coordinator in
            let gate = Gate()
            let slow = make(.standard, on: coordinator) { number in
                gate.pass()
                return number
            }
            let first = slow(1)
            #expect(await gate.waitForArrivals())
            let second = make(.standard, on: coordinator) { $0 }(2)
            first.kill()
            #expect(system.refused.value >= 1)
            gate.open()
            let value = try await second.value
            #expect(value == 2)
            #expect(await eventually { counted(coordinator) == 0 })
        }
    }

    @Test("C2 kills at any moment, of bodies that wait for children at any depth, leave no thread miscounted")
    func balance() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.workersPerCore = 3
        } _: { coordinator in
            let tokens = Journal<TaskToken<Int>>()
            let leaf = TaskTokenGuard("overrun.leaf", on: coordinator) { (number: Int) in
                (0..<number % 64 * 20).reduce(number) { $0 ^ $1 }
            }
            let heavy = TaskTokenGuard("overrun.leafHeavy", weight: .heavy, on: coordinator) { (number: Int) in number }
            let middle = TaskTokenGuard("overrun.middle", on: coordinator) { (number: Int) throws in
                let parts = [leaf(number), heavy(number), leaf(number + 1)]
                if number % 5 == 0 { parts[number % 3].kill() }
                return parts.reduce(0) { sum, part in sum + ((try? part.wait()) ?? 0) }
            }
            let root = TaskTokenGuard("overrun.root", on: coordinator) { (number: Int) throws in
                let part = middle(number)
                if number % 7 == 0 { tokens.all.last?.kill() }
                return (try? part.wait()) ?? 0
            }
            let async = TaskTokenGuard("overrun.async", on: coordinator) { (number: Int) async throws in
                let value = try? await middle(number).value
                // As a synchronous helper would: its thread is blocked.
                func helper() -> Int { (try? leaf(number).wait()) ?? 0 }
                return (value ?? 0) + helper()
            }
            await concurrently(4) { thread in
                for number in 0..<Sizes.part(of: 300) {
                    let token = (thread == 3 ? async : root)(thread * 1_000 + number)
                    tokens.note(token)
                    if number % 3 == 0 { token.kill() }
                    let all = tokens.all
                    if number % 4 == 0 { all[number * 31 % all.count].kill() }
                }
            }
            _ = await gather(tokens.all)
            #expect(await eventually { coordinator.statistics().counts.live == 0 })
            #expect(await eventually { counted(coordinator) == 0 })
            let again = root(1)
            _ = await again.result
        }
    }
}
