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

/// Circles that were told although there was none, and the other way round, each as the program that showed it.
extension WaitCycleTests {
    /// The circles that a look finds now; nil where there is too much to look at.
    private func circles(_ coordinator: OperationsCoordinator) -> [[String]]? {
        let entries = coordinator.engine.waits.withLock { Array($0.entries.values) }
        return WaitSnapshot(coordinator.engine, entries)?.circles().map { words($0.links) }
    }

    private func waits(_ coordinator: OperationsCoordinator) -> Int {
        coordinator.engine.waits.withLock { $0.entries.count }
    }

    @Test("a body that began before its operation's limit was set has no permit that others could wait for")
    func limitSetMeanwhile() async throws {
        try await watched {
            $0.storageLimits[.slow] = 2
        } _: { coordinator, _, _ in
            let name = "cycle_unlimited"
            let (began, isSet, opened) = (Tally(), Tally(), Tally())
            let strangers = Journal<TaskToken<Void>>()
            let leaf = TaskTokenGuard(name, storage: .slow, on: coordinator) {}
            let other = TaskTokenGuard("cycle_inside", storage: .slow, on: coordinator) { () async in
                began.add()
                _ = await eventually { opened.value > 0 }
            }()
            let root = TaskTokenGuard(name, storage: .slow, on: coordinator) { () async in
                began.add()
                _ = await eventually { isSet.value > 0 }
                await strangers.all[0].settled()
            }()
            #expect(await eventually { began.value == 2 })
            try coordinator.setConcurrencyLimit(1, of: name)
            // It has the permit that the stranger waits for, and waits for the tier, which `other` leaves.
            let holder = leaf()
            strangers.note(leaf())
            isSet.add()
            #expect(
                await eventually {
                    waits(coordinator) == 1
                        && coordinator.statistics().operations.first { $0.operationType == name }?.concurrency?.waiting
                            == 1
                })
            #expect(coordinator.statistics().tiers[0].waiting == 1)
            #expect(circles(coordinator) == [])
            opened.add()
            #expect(await settle([root, other, holder]))
        }
    }

    @Test("a thread in a body that overruns comes back to its crew: who waits for that is in no circle")
    func overrun() async throws {
        try await watched {
            $0.pretend(domains: 1)
            $0.workersPerCore = 2
        } _: { coordinator, _, _ in
            let (gate, strangers) = (Gate(), Journal<TaskToken<Void>>())
            let late = TaskTokenGuard("cycle_late", on: coordinator) { gate.pass() }()
            await gate.waitForArrivals(1)
            late.kill()
            let waiter = TaskTokenGuard("cycle_waiter", on: coordinator) {
                while strangers.count == 0 { _ = CurrentThread.tid() }
                _ = try? strangers.all[0].wait()
            }()
            #expect(await eventually { waiter.state == .executing })
            strangers.note(TaskTokenGuard("cycle_stranger", on: coordinator) {}())
            #expect(await eventually { waits(coordinator) == 1 })
            #expect(circles(coordinator) == [])
            gate.open()
            #expect(await settle([waiter, strangers.all[0]]))
        }
    }

    @Test("a body that a waiting one runs on its own thread, and that waits for it", arguments: [1, 2], [false, true])
    func onTheSameThread(_ workers: Int, _ retries: Bool) async throws {
        try await watched {
            $0.pretend(domains: 1)
            $0.workersPerCore = workers
        } _: { coordinator, time, told in
            let own = Journal<TaskToken<Void>>()
            // With a retry policy it is run by jobs, as an async one that blocks its thread; without, in place.
            let child = TaskTokenGuard(
                "cycle_child", options: OperationOptions(retry: retries ? RetryPolicy(attempts: 2) : nil),
                on: coordinator
            ) {
                while own.count == 0 { _ = CurrentThread.tid() }
                _ = try? own.all[0].wait()
            }
            let children = Journal<TaskToken<Void>>()
            own.note(
                TaskTokenGuard("cycle_parent", on: coordinator) {
                    let token = child()
                    children.note(token)
                    _ = try? token.wait()
                }())
            try #require(await look(time, told))
            #expect(words(told.all[0]) == ["cycle_child body", "cycle_parent body"])
            coordinator.killAll()
            #expect(await settle(own.all + children.all))
        }
    }

    @Test("a body whose wait is over, and that waits for its guest to leave, who waits for it")
    func guest() async throws {
        try await watched { coordinator, time, told in
            let own = Journal<TaskToken<Void>>()
            let guests = Journal<TaskToken<Void>>()
            let inner = TaskTokenGuard("cycle_guest", locality: .sticky("turn", ordered: true), on: coordinator) {
                () async in
                _ = await eventually { own.count == 1 }
                await own.all[0].settled()
            }
            own.note(
                TaskTokenGuard("cycle_host", locality: .sticky("turn", ordered: true), on: coordinator) { () async in
                    let token = inner()
                    guests.note(token)
                    await token.settled()
                }())
            try #require(await look(time, told))
            #expect(words(told.all[0]) == ["cycle_guest body", "cycle_host body"])
            // The host's wait is over, and the guest's body still inside.
            guests.all[0].kill()
            try #require(await look(time, told, for: 2))
            #expect(words(told.all[1]) == ["cycle_guest body", "cycle_host body"])
            own.all[0].kill()
            #expect(await eventually { waits(coordinator) == 0 })
        }
    }

    @Test("a body that takes the permit back that it lent, from one that waits for it")
    func permitTakenBack() async throws {
        try await watched { coordinator, time, told in
            let name = "cycle_lent"
            try coordinator.setConcurrencyLimit(1, of: name)
            let opened = Tally()
            let leaf = TaskTokenGuard("cycle_leaf", on: coordinator) { () async in
                _ = await eventually { opened.value > 0 }
            }
            let lender = TaskTokenGuard(name, on: coordinator) { _ = try? leaf().wait() }()
            // Inside once the other has lent its permit.
            let holder = TaskTokenGuard(name, on: coordinator) { () async in
                opened.add()
                await lender.settled()
            }()
            try #require(await look(time, told))
            #expect(words(told.all[0]) == ["cycle_lent body", "cycle_lent operationLimit"])
            coordinator.killAll()
            #expect(await settle([lender, holder]))
            #expect(await eventually { waits(coordinator) == 0 })
        }
    }

    @Test("a token that has a permit and stands in the line of the next: who has that waits for one behind the first")
    func holderInLine() async throws {
        try await watched {
            $0.storageLimits[.slow] = 1
        } _: { coordinator, time, told in
            try coordinator.setConcurrencyLimit(1, of: "cycle_narrow")
            let (began, goOn) = (Tally(), Tally())
            let narrow = TaskTokenGuard("cycle_narrow", storage: .slow, on: coordinator) {}
            // No ancestor of what it waits for has the tier.
            let other = Journal<TaskToken<Void>>()
            let host = TaskTokenGuard("cycle_storing", storage: .slow, on: coordinator) { () async in
                began.add()
                _ = await eventually { goOn.value > 0 }
                await other.all[0].settled()
            }()
            #expect(await eventually { began.value == 1 })
            let holder = narrow()
            other.note(narrow())
            goOn.add()
            try #require(await look(time, told))
            #expect(
                words(told.all[0]) == [
                    "cycle_narrow operationLimit", "cycle_narrow storage", "cycle_storing body",
                ])
            other.all[0].kill()
            #expect(await settle([host, holder]))
        }
    }
}
