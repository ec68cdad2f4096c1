//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TestSupport
import Testing
import TokenGate

@_spi(Stepping) @testable import Coordinator

/// Faults that were found by reading, each as the program that showed it.
@Suite("limits and waits at their edges")
struct LimitEdgeTests {
    private func inUse(_ coordinator: OperationsCoordinator, _ name: String) -> Int? {
        coordinator.statistics().operations.first { $0.operationType == name }?.concurrency?.inUse
    }

    @Test("a limit that a guard states holds from the first submission on, also where several threads make it")
    func firstSubmissions() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            for round in 0..<200 {
                let (inside, breaches) = (Tally(), Tally())
                let operation = TaskTokenGuard(
                    "limit_first_\(round)", storage: .insane, options: OperationOptions(concurrency: 1), on: coordinator
                ) { (_: Int) in
                    if inside.add() > 1 { breaches.add() }
                    for _ in 0..<200 { _ = CurrentThread.tid() }
                    inside.add(-1)
                }
                let tokens = Journal<TaskToken<Void>>()
                await concurrently(3) { tokens.note(operation($0)) }
                #expect(await settle(tokens.all))
                #expect(breaches.value == 0)
            }
        }
    }

    @Test("a token with a later permit than the limit that is set meanwhile does not stand in line with it")
    func limitSetBehind() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1) }
        let operation = TaskTokenGuard("limit_behind", locality: .sticky("k", atOnce: 1), on: coordinator) { (n: Int) in
            n
        }
        let other = TaskTokenGuard("limit_beside", locality: .sticky("k", atOnce: 1), on: coordinator) { (n: Int) in n }
        try await coordinator.withSteps { step in
            // In the mailbox with the anchor's permit, in line for it; then the limit; then one that has the limit's permit.
            for first in [operation, other] {
                var tokens = [first(1), operation(2)]
                #expect(tokens.map(\.state) == [.admitted, .waiting])
                try coordinator.setConcurrencyLimit(1, of: "limit_behind")
                tokens.append(operation(3))
                _ = step()
                #expect(tokens.allSatisfy { $0.state == .completed })
                try coordinator.setConcurrencyLimit(nil, of: "limit_behind")
            }
        }
        #expect(inUse(coordinator, "limit_behind") ?? 0 == 0)
        #expect(coordinator.statistics().liveAnchors == 0)
        #expect(await coordinator.stop().isClean)
    }

    @Test("a limit that is set reaches the tokens that wait in mailboxes already")
    func reachesMailboxes() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let gate = Gate()
            let blocker = TaskTokenGuard("limit_mail_blocker", on: coordinator) { gate.pass() }
            let blockers = (0..<4).map { _ in blocker() }
            await gate.waitForArrivals(4)
            let (inside, breaches) = (Tally(), Tally())
            let operation = TaskTokenGuard("limit_mail", on: coordinator) { (_: Int) in
                if inside.add() > 1 { breaches.add() }
                for _ in 0..<200 { _ = CurrentThread.tid() }
                inside.add(-1)
            }
            let tokens = (0..<400).map { operation($0) }
            try coordinator.setConcurrencyLimit(1, of: "limit_mail")
            gate.open()
            #expect(await settle(tokens + blockers))
            #expect(breaches.value == 0)
            #expect(await eventually { inUse(coordinator, "limit_mail") == 0 })
        }
    }

    @Test("a body that began without a permit lends none: its child waits for the one there is")
    func lendsOnlyItsOwn() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let name = "limit_lent"
            let (isSet, opened, inside, breaches) = (Tally(), Tally(), Tally(), Tally())
            let leaf = TaskTokenGuard(name, on: coordinator) { (_: Int) async in
                if inside.add() > 1 { breaches.add() }
                _ = await eventually { opened.value > 0 }
                inside.add(-1)
            }
            let began = Tally()
            let root = TaskTokenGuard(name, on: coordinator) { (_: Int) async in
                began.add()
                _ = await eventually { isSet.value > 0 }
                await leaf(0).settled()
            }
            let first = root(0)
            #expect(await eventually { began.value == 1 })
            try coordinator.setConcurrencyLimit(1, of: name)
            let stranger = leaf(1)
            #expect(await eventually { inside.value == 1 })
            isSet.add()
            #expect(
                await eventually {
                    coordinator.statistics().operations.first { $0.operationType == name }?.concurrency?.waiting == 1
                })
            #expect(breaches.value == 0)
            opened.add()
            #expect(await settle([first, stranger]))
            #expect(breaches.value == 0)
        }
    }

    @Test("C9 C2 bodies that block all threads there may be, for a permit that an async body and its like have, go on")
    func beyondRescues() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
            $0.stackSize = 256 << 10
        } _: { coordinator in
            let name = "limit_beyond"
            try coordinator.setConcurrencyLimit(1, of: name)
            let opened = Tally()
            let held = TaskTokenGuard(name, on: coordinator) { (_: Int) async in
                _ = await eventually { opened.value > 0 }
            }
            let leaf = TaskTokenGuard(name, on: coordinator) { (number: Int) in number }
            // Its permit is that of a suspended body, whose next step needs a thread; so does the one behind it.
            let first = held(0)
            #expect(await eventually { inUse(coordinator, name) == 1 && first.state == .executing })
            let child = TaskTokenGuard("limit_beyond_async", on: coordinator) { (_: Int) async in
                await leaf(1).settled()
            }(0)
            #expect(
                await eventually {
                    coordinator.statistics().operations.first { $0.operationType == name }?.concurrency?.waiting == 1
                })
            // More than there may be threads: one, and 64 for rescues.
            let parent = TaskTokenGuard("limit_beyond_parent", on: coordinator) { (number: Int) in
                try leaf(number).wait()
            }
            let parents = (0..<100).map { parent($0) }
            #expect(
                await eventually {
                    coordinator.engine.domains[0][.standard].state.withLock { $0.threads == 65 && $0.active == 0 }
                })
            opened.add()
            #expect(await settle(parents + [first, child]))
            #expect(await eventually { inUse(coordinator, name) == 0 })
        }
    }

    @Test("what keeps a token in the line of a limit is told")
    func status() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = 100
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard(
                "limit_status", storage: .insane, options: OperationOptions(concurrency: 1), on: coordinator
            ) { (_: Int) in gate.pass() }
            let tokens = [operation(0), operation(1)]
            await gate.waitForArrivals()
            #expect(tokens[1].status().waitsFor == .limit)
            gate.open()
            #expect(await settle(tokens))
        }
    }

    @Test("a wait that is cancelled, and one among many, leaves nothing behind in the register of waits")
    func register() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let opened = Tally()
            let held = TaskTokenGuard("wait_held", on: coordinator) { () async in
                _ = await eventually { opened.value > 0 }
            }
            let quick = TaskTokenGuard("wait_quick", on: coordinator) { (number: Int) in number }
            let most = Tally()
            let waiter = TaskTokenGuard("wait_waiter", on: coordinator) { () async throws -> Bool in
                let token = held()
                let child = Task { try await token.value }
                _ = await eventually { coordinator.engine.waits.withLock { !$0.entries.isEmpty } }
                child.cancel()
                let isCancelled = await #expect(throws: CancellationError.self) { try await child.value } != nil
                #expect(coordinator.engine.waits.withLock { $0.entries.isEmpty })
                // Four at a time, one upon the other: the register has four at most.
                await withTaskGroup(of: Void.self) { group in
                    for task in 0..<4 {
                        group.addTask {
                            for number in 0..<200 {
                                await quick(task + number).settled()
                                let count = coordinator.engine.waits.withLock { $0.entries.count }
                                if count > 4 { most.add() }
                            }
                        }
                    }
                }
                return isCancelled
            }
            let token = waiter()
            let isCancelled = try await token.value
            #expect(isCancelled && most.value == 0)
            opened.add()
            #expect(await eventually { coordinator.engine.waits.withLock { $0.entries.isEmpty } })
        }
    }

    @Test("a try of a half-open breaker that is killed as it is let in goes to another")
    func killedTry() async throws {
        struct Fault: Error {}
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let works = Tally()
            let breaker = CircuitBreaker(failureRate: 0.5, minimumRuns: 2, coolDown: .seconds(1))
            let operation = TaskTokenGuard(
                "breaker_killed_try", options: OperationOptions(breaker: breaker), on: coordinator
            ) { (number: Int) throws -> Int in
                if works.value == 0 { throw Fault() }
                return number
            }
            for _ in 0..<2 { await operation(0).settled() }
            for _ in 0..<500 {
                let held = operation.with(delay: .seconds(1))(1)
                await concurrently(2) { index in
                    if index == 0 { held.kill() } else { time.advance(by: .seconds(1)) }
                }
                await held.settled()
            }
            works.add()
            time.advance(by: .seconds(2))
            let token = operation(7)
            await token.settled()
            #expect(token.state == .completed)
        }
    }

    @Test("a dependent fails with the first that does not complete, however long the others take")
    func failsEarly() async throws {
        struct Fault: Error {}
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let gate = Gate()
            let held = TaskTokenGuard("after_held", on: coordinator) { gate.pass() }
            let failing = TaskTokenGuard("after_failing", on: coordinator) { () throws in throw Fault() }
            let last = TaskTokenGuard("after_last", on: coordinator) { 1 }
            let slow = held()
            let token = last.with(after: [slow, failing()])()
            let error = await #expect(throws: TokenError.self) { try await token.value }
            #expect(error?.code == .dependencyFailed && error?.cause is Fault && !slow.isSettled)
            gate.open()
            #expect(await settles(slow))
        }
    }

    @Test(
        "a callback within the submission of a keyed call gets that call's token for the same key",
        .timeLimit(.minutes(5)))
    func keyedWithin() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = 4
            $0.overload = .dropOldest
        } _: { coordinator in
            coordinator.pause()
            let item = TaskTokenGuard("keyed_item", on: coordinator) { (number: Int) in number }
            let refresh = TaskTokenGuard("keyed_refresh", on: coordinator) { (number: Int) in number }
            let within = Journal<TaskToken<Int>>()
            let items = (0..<4).map { number in
                let token = item(number)
                token.onSettled { within.note(refresh.with(key: "refresh")(0)) }
                return token
            }
            let token = refresh.with(key: "refresh")(1)
            #expect(within.count == 1 && within.all[0] === token)
            coordinator.resume()
            #expect(await settle(items + [token]))
        }
    }

    @Test("a callback within that submission does not wait for a place that the call itself stands for")
    func keyedWithinWaiting() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = 4
            $0.overload = .dropOldest
        } _: { coordinator in
            coordinator.pause()
            let item = TaskTokenGuard("keyed_item", on: coordinator) { (number: Int) in number }
            let refresh = TaskTokenGuard(
                "keyed_refresh", options: OperationOptions(capacity: 1), on: coordinator
            ) { (number: Int) in number }
            let within = Journal<TaskToken<Int>>()
            let holder = refresh(0)
            let items = (0..<3).map { number in
                let token = item(number)
                token.onSettled {
                    let call = refresh.with(key: "refresh")
                    if let token = try? call.submitBlocking(0, timeout: .zero) { within.note(token) }
                }
                return token
            }
            // An item is dropped for it; then there is no room for it in its operation.
            let token = refresh.with(key: "refresh")(1)
            #expect(within.count == 1 && within.all.first === token)
            coordinator.resume()
            #expect(await settle(items + [token, holder]))
        }
    }
}
