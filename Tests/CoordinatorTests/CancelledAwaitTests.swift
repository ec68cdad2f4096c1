//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

/// Cancelled waits where a coordinator has to do with them: in bodies, of batches, beside guests.
@Suite("cancelled waits under a coordinator")
struct CancelledAwaitTests {
    @Test("batches that share their storage: their values, and one token's, throw; the tokens go on")
    func batches() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard("cancelled_batch", on: coordinator) { (number: Int) in
                gate.pass()
                return number
            }
            let batch = operation.batch(Array(0..<40))
            #expect(await gate.waitForArrivals())
            let values = Task { try await batch.values }
            let one = Task { try await batch[39].value }
            values.cancel()
            one.cancel()
            await #expect(throws: CancellationError.self) { try await values.value }
            await #expect(throws: CancellationError.self) { try await one.value }
            #expect(!batch.isSettled)
            gate.open()
            let all = try await batch.values
            #expect(all == Array(0..<40))
        }
    }

    @Test("completions end in a cancelled task, in a body as outside")
    func completionsEnd() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let gate = Gate()
            let child = TaskTokenGuard("cancelled_completion", storage: .fast, on: coordinator) { (number: Int) in
                gate.pass()
                return number
            }
            @Sendable func count(_ tokens: [TaskToken<Int>]) async -> Int {
                var count = 0
                for await _ in completions(of: tokens) { count += 1 }
                return count
            }
            let parent = TaskTokenGuard("cancelled_completion_parent", on: coordinator) { (number: Int) async in
                let tokens = (0..<3).map { child($0) }
                let task = Task { await count(tokens) }
                _ = await gate.waitForArrivals()
                task.cancel()
                let seen = await task.value
                gate.open()
                return seen + (await gather(tokens)).count
            }
            let counted = try await parent(1).value
            #expect(counted == 3)
        }
    }

    @Test("a cancelled wait goes on beside its guest, as one that times out; the turn is handed on when both are done")
    func besideItsGuest() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let gate = Gate()
            let order = Journal<String>()
            let locality = Locality<Int>.sticky("cancelled_guest", ordered: true)
            // On a thread of its own: the host has to go on beside it.
            let guest = TaskTokenGuard(
                "cancelled_guest", storage: .fast, locality: locality, on: coordinator
            ) { (number: Int) in
                gate.pass()
                order.note("guest")
                return number
            }
            let host = TaskTokenGuard("cancelled_host", locality: locality, on: coordinator) { (number: Int) async in
                let inside = guest(number)
                let wait = Task { try await inside.value }
                // It can be inside only as a guest: the host has the turn.
                let hasEntered = await gate.waitForArrivals()
                wait.cancel()
                let result = await wait.result
                if case .failure(let error) = result, error is CancellationError, hasEntered, !inside.isSettled {
                    order.note("cancelled")
                }
                gate.open()
                let value = (try? await inside.value) ?? -1
                order.note("host")
                return value
            }
            let stranger = TaskTokenGuard("cancelled_stranger", locality: locality, on: coordinator) { (_: Int) in
                order.note("stranger")
            }
            let token = host(7)
            let next = stranger(0)
            #expect(await settle([token, next]))
            let value = try await token.value
            #expect(value == 7)
            #expect(order.all == ["cancelled", "guest", "host", "stranger"])
        }
    }

    @Test("a host that ends after its wait was cancelled leaves the turn to its guest, and nobody enters beside it")
    func theGuestOutlivesItsHost() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let gate = Gate()
            let order = Journal<String>()
            let locality = Locality<Int>.sticky("cancelled_outlives", ordered: true)
            let guest = TaskTokenGuard(
                "outliving_guest", storage: .fast, locality: locality, on: coordinator
            ) { (_: Int) in
                gate.pass()
                order.note("guest")
            }
            let host = TaskTokenGuard("outlived_host", locality: locality, on: coordinator) { (number: Int) async in
                let inside = guest(number)
                let wait = Task { try await inside.value }
                _ = await gate.waitForArrivals()
                wait.cancel()
                _ = await wait.result
                order.note("host")
            }
            let stranger = TaskTokenGuard("outliving_stranger", locality: locality, on: coordinator) { (_: Int) in
                order.note("stranger")
            }
            let token = host(1)
            let next = stranger(1)
            #expect(await settles(token))
            #expect(next.state == .waiting)
            gate.open()
            #expect(await settles(next))
            #expect(order.all == ["host", "guest", "stranger"])
        }
    }

    @Test("cancelsTokenOnCancel: on one worker, whose body the cancelled task waits for, it settles at once")
    func killsWhatRuns() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard(
                "cancelled_running", options: OperationOptions(cancelsTokenOnCancel: true), on: coordinator
            ) { (number: Int) in
                gate.pass()
                return number
            }
            let running = operation(1)
            let waiting = operation(2)
            #expect(await gate.waitForArrivals())
            let tasks = [running, waiting].map { token in Task { try await token.value } }
            for task in tasks { task.cancel() }
            for task in tasks { await #expect(throws: CancellationError.self) { try await task.value } }
            #expect(running.state == .killed && waiting.state == .killed)
            gate.open()
            #expect(await eventually { coordinator.statistics().counts.late == 1 })
            #expect(gate.arrived == 1)
        }
    }

    @Test(
        "trees in ordered anchors and tiers, their waits cancelled at random: all settles, no turn and no permit is lost"
    )
    func trees() async throws {
        var dice = SeededNumbers(for: "CancelledAwaitTests.trees")
        for round in 0..<Sizes.part(of: 10) {
            try await withTestCoordinator {
                $0.pretend(domains: 2)
                $0.storageLimits[.slow] = 1
            } _: { coordinator in
                let seed = dice.next()
                let leaf = TaskTokenGuard("cancelled_leaf", storage: .slow, on: coordinator) { (n: Int) in n }
                let branch = TaskTokenGuard(
                    "cancelled_branch", locality: .sticky(ordered: true) { $0 % 3 },
                    options: OperationOptions(cancelsTokenOnCancel: round % 2 == 0), on: coordinator
                ) { (number: Int) async in
                    let children = (0..<3).map { leaf(number * 3 + $0) }
                    let task = Task { try await gather(children[0], children[1], children[2]) }
                    if (seed >> UInt64(number % 32)) & 1 == 0 { task.cancel() }
                    _ = await task.result
                    return number
                }
                let root = TaskTokenGuard("cancelled_root", on: coordinator) { (number: Int) async in
                    let children = (0..<4).map { branch(number * 4 + $0) }
                    let task = Task {
                        var sum = 0
                        for child in children { sum += try await child.value }
                        return sum
                    }
                    if (seed >> UInt64(32 + number % 32)) & 1 == 0 { task.cancel() }
                    _ = await task.result
                }
                let roots = (0..<40).map { root($0) }
                #expect(await settle(roots))
                #expect(await eventually { coordinator.statistics().counts.live == 0 })
                // The turns and the permit are free again.
                let after = (0..<3).map { branch($0) } + (0..<3).map { leaf($0) }
                #expect(await settle(after))
            }
        }
    }
}
