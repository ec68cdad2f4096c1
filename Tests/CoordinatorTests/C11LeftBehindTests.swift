//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

/// C11: what a stop finds, reports, and leaves behind.
@Suite("C11 what a stop leaves behind")
struct C11LeftBehindTests {
    @Test("C11 a stop settles and reports what it finds in each place that a token can be in")
    func everyPlace() async throws {
        let coordinator = try makeCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = 1
        }
        try await coordinator.start()
        let (gate, wakeUp, began, ended) = (Gate(), Gate(), Tally(), Tally())
        let sleeper = TaskTokenGuard("c11_place_sleeper", storage: .fast, on: coordinator) { () async -> Void in
            began.add()
            await wakeUp.waitForArrivals()
            ended.add()
        }()
        try #require(await eventually { began.value == 1 })
        let stand: @Sendable () -> Void = { gate.pass() }
        let kinds = [
            TaskTokenGuard("c11_place_turn", locality: .sticky("k", ordered: true), on: coordinator, stand),
            TaskTokenGuard("c11_place_heavy", weight: .heavy, on: coordinator, stand),
            TaskTokenGuard("c11_place_permit", storage: .slow, on: coordinator, stand),
        ]
        let running = kinds.map { $0() }
        try #require(await gate.waitForArrivals(3))
        try coordinator.pause("c11_place_paused")
        let lead = TaskTokenGuard("c11_place_lead", locality: .lead(externalCalls: ["x"]), on: coordinator, stand)
        let behind = kinds.map { $0() } + kinds.map { $0() }
        let paused = TaskTokenGuard("c11_place_paused", on: coordinator, stand)()
        let mailbox = [TaskTokenGuard("c11_place_mailbox", on: coordinator, stand)(), lead()]
        let derived: [AnyTaskToken] = [running[0].map {}, behind[0].map {}, running[1].zip(behind[1])]
        let tokens: [AnyTaskToken] = [sleeper, paused] + running + behind + mailbox + derived
        let report = await coordinator.stop(timeout: .zero)
        #expect(report.isComplete && report.busyThreads >= 3)
        #expect(report.abandoned.count == tokens.count)
        for token in tokens {
            #expect(report.abandoned.contains { $0.id == token.id }, "\(token.operationType) is not reported")
            #expect(token.state == .killed, "\(token.operationType)")
        }
        #expect(coordinator.statistics().counts.live == 0 && coordinator.statistics().openLeases == 0)
        // The bodies go on to their end, also the one that no thread is inside of.
        gate.open()
        wakeUp.open()
        wakeUp.pass()
        #expect(await eventually { ended.value == 1 })
        #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 } })
        #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        #expect(await eventually { coordinator.statistics().domains.allSatisfy(\.workers.isEmpty) })
    }

    @Test("C11 what a body submits that outlives the stop settles at once", arguments: ["plain", "lead", "async"])
    func outlivingBody(kind: String) async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let (gate, runs) = (Gate(), Tally())
        let states = Journal<[TokenState]>()
        let child = TaskTokenGuard("c11_outliving_child") { runs.add() }
        let writer = TaskTokenGuard("c11_outliving_writer", storage: .slow) { runs.add() }
        let turn = TaskTokenGuard("c11_outliving_turn", locality: .sticky("k", ordered: true)) { runs.add() }
        let body: @Sendable () -> Void = {
            gate.pass()
            states.note([child(), writer(), turn()].map(\.state))
        }
        let token =
            switch kind {
            case "lead":
                TaskTokenGuard(
                    "c11_outliving_lead", locality: .lead(externalCalls: ["c11_outliving_child"]), on: coordinator, body
                )()
            case "async": TaskTokenGuard("c11_outliving_async", on: coordinator) { () async in body() }()
            default: TaskTokenGuard("c11_outliving", on: coordinator, body)()
            }
        try #require(await gate.waitForArrivals())
        let report = await coordinator.stop(timeout: .zero)
        #expect(report.abandoned.map(\.id) == [token.id])
        gate.open()
        #expect(await eventually { states.count == 1 })
        #expect(states.all == [[.killed, .killed, .killed]])
        #expect(runs.value == 0)
        #expect(coordinator.statistics().counts.live == 0)
    }

    @Test("C11 a task that outlived its lead's body is outside of it: the stop it calls for waits to the end")
    func outlivingTask() async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let (left, gate) = (Gate(), Gate())
        let reports = Journal<StopReport>()
        let lead = TaskTokenGuard("c11_left", locality: .lead(externalCalls: ["x"]), on: coordinator) {
            [unowned coordinator] in
            Task {
                await left.waitForArrivals()
                reports.note(await coordinator.stop(timeout: .seconds(3_600)))
            }
            return
        }()
        try #require(await settles(lead))
        let busy = TaskTokenGuard("c11_left_busy", on: coordinator) { gate.pass() }()
        await gate.waitForArrivals()
        left.open()
        left.pass()
        #expect(await eventually { coordinator.phase == .draining })
        gate.open()
        #expect(await eventually { reports.count == 1 })
        #expect(reports.all.allSatisfy { $0.isComplete && $0.abandoned.isEmpty })
        #expect(busy.state == .completed)
    }

    @Test(
        "C11 a timeout of nothing or less, however much less, settles at once, also for a stop that has all the time",
        arguments: [.zero, .nanoseconds(-1), .seconds(Int64.min)] as [Duration], [true, false])
    func extremeTimeouts(timeout: Duration, second: Bool) async throws {
        let coordinator = try makeCoordinator(smallest)
        try await coordinator.start()
        let gate = Gate()
        let token = TaskTokenGuard("c11_extreme", on: coordinator) { gate.pass() }()
        await gate.waitForArrivals()
        if second {
            async let patient = coordinator.stop(timeout: .seconds(Int64.max))
            try #require(await eventually { coordinator.phase == .draining })
            let report = await coordinator.stop(timeout: timeout)
            #expect(report.abandoned.map(\.id) == [token.id])
            #expect(await patient.abandoned.map(\.id) == [token.id])
        } else {
            let report = await coordinator.stop(timeout: timeout)
            #expect(report.abandoned.map(\.id) == [token.id])
        }
        gate.open()
    }

    @Test("C11 a stop before the start lets go of the tokens that waited")
    func letsGo() async throws {
        final class Kept: Sendable {
            weak let token: AnyTaskToken?
            init(_ token: AnyTaskToken) { self.token = token }
        }
        let coordinator = try makeCoordinator()
        let plain = TaskTokenGuard("c11_kept", on: coordinator) {}
        let writer = TaskTokenGuard("c11_kept_writer", storage: .slow, on: coordinator) {}
        let sticky = TaskTokenGuard("c11_kept_sticky", locality: .sticky("k", ordered: true), on: coordinator) {}
        let kept = (0..<10).flatMap { _ in [plain(), writer(), sticky()].map { Kept($0) } }
        #expect(await coordinator.stop(timeout: .seconds(240)).abandoned.count == 30)
        #expect(await eventually { kept.allSatisfy { $0.token == nil } })
    }
}
