//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import Testing
import TokenGate

/// C7 where the pause comes after the mailbox: the worker that takes the token out puts it aside.
@Suite("C7 a worker that holds a token back")
struct C7HeldBackTests {
    @Test("C7 tokens that a pause finds in mailboxes keep no thread and no permit")
    func inMailboxes() async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let gate = Gate()
            let stand: @Sendable () -> Void = { gate.pass() }
            let busy = [
                TaskTokenGuard("c7_busy", on: coordinator, stand)(),
                TaskTokenGuard("c7_busy", weight: .heavy, on: coordinator, stand)(),
                TaskTokenGuard("c7_busy", storage: .slow, on: coordinator, stand)(),
            ]
            await gate.waitForArrivals(3)
            let runs = Tally()
            let run: @Sendable () -> Void = { runs.add() }
            let kinds = [
                TaskTokenGuard("c7_held", on: coordinator, run),
                TaskTokenGuard("c7_held", weight: .heavy, on: coordinator, run),
                TaskTokenGuard("c7_held", storage: .slow, on: coordinator, run),
            ]
            let held = (0..<30).flatMap { _ in kinds.map { $0() } }
            let behind = [
                TaskTokenGuard("c7_behind", on: coordinator) {}(),
                TaskTokenGuard("c7_behind", weight: .heavy, on: coordinator) {}(),
                TaskTokenGuard("c7_behind", storage: .slow, on: coordinator) {}(),
            ]
            try coordinator.pause("c7_held")
            gate.open()
            try #require(await settle(busy + behind))
            #expect(await eventually { held.allSatisfy { $0.state == .waiting } })
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
            #expect(coordinator.statistics().tiers[0].waiting == 0)
            let threads = coordinator.statistics().domains.flatMap(\.workers).map(\.crew)
            #expect(threads.count { $0 == "standard" } == 1 && threads.count { $0 == "heavy" } == 1)
            #expect(runs.value == 0)
            try coordinator.resume("c7_held")
            #expect(await settle(held))
            #expect(runs.value == 90)
        }
    }

    enum Meeting: String, CaseIterable {
        case resume, resumeAll, resumeAndPause, kill, discard, stop
    }

    // The worker gives the token's permit back before it puts the token aside. The permit goes to the next in line, which
    // needs a thread, and the worker makes it: so the system that is asked for that thread stands, on the worker's own
    // thread, between the worker's first look at the pause and its second.
    @Test("C2 C7 what meets a worker that is just holding a token back does not lose it", arguments: Meeting.allCases)
    func meets(_ meeting: Meeting) async throws {
        let act = Guarded<(@Sendable () -> Void)?>(nil)
        let system = RefusingAffinity { _ in
            let now = act.withLock { act in
                defer { act = nil }
                return act
            }
            now?()
            return false
        }
        try await withTestCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = 1
            $0.affinitySystem = system
        } _: { coordinator in
            let (first, second) = (Gate(), Gate())
            defer { second.open() }
            let busy = TaskTokenGuard("c7_first", storage: .slow, on: coordinator) { first.pass() }()
            await first.waitForArrivals()
            let held = TaskTokenGuard("c7_met", storage: .slow, on: coordinator) {}()
            let next = TaskTokenGuard("c7_second", storage: .slow, on: coordinator) { second.pass() }()
            let met = Journal<String>()
            act.withLock { act in
                act = { [unowned coordinator] in
                    Self.act(meeting, coordinator, held)
                    met.note(CurrentThread.name())
                }
            }
            if meeting == .resumeAll { coordinator.pause() } else { try coordinator.pause("c7_met") }
            first.open()
            try #require(await second.waitForArrivals())
            #expect(met.count == 1 && met.all.allSatisfy { $0.hasPrefix("tg1-storage") }, "\(met.all)")
            switch meeting {
            case .resume, .resumeAll:
                // It goes on from where the pause found it: without the permit, which is in use.
                #expect(await eventually { coordinator.statistics().tiers[0].waiting == 1 })
                #expect(held.state == .waiting)
            case .resumeAndPause:
                second.open()
                #expect(await settle([busy, next]))
                #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
                #expect(held.state == .waiting)
                try coordinator.resume("c7_met")
            case .kill, .discard, .stop:
                #expect(await settles(held))
                #expect(held.state == .killed)
            }
            second.open()
            #expect(await settle([busy, held, next]))
            #expect(busy.state == .completed && next.state == .completed)
            if [.resume, .resumeAll, .resumeAndPause].contains(meeting) { #expect(held.state == .completed) }
            if meeting == .stop { #expect(await coordinator.stop().abandoned.map(\.id) == [held.id]) }
            coordinator.resume()
            try coordinator.resume("c7_met")
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
            #expect(second.peak == 1 && coordinator.statistics().tiers[0].peak == 1)
        }
    }

    private static func act(_ meeting: Meeting, _ coordinator: OperationsCoordinator, _ held: AnyTaskToken) {
        switch meeting {
        case .resume: _ = try? coordinator.resume("c7_met")
        case .resumeAll: coordinator.resume()
        case .resumeAndPause:
            _ = try? coordinator.resume("c7_met")
            _ = try? coordinator.pause("c7_met")
        case .kill: held.kill()
        case .discard: _ = try? coordinator.discardWaiting("c7_met")
        case .stop:
            Task.detached { await coordinator.stop(timeout: .seconds(3_600)) }
            while !coordinator.isDraining { sched_yield() }
        }
    }
}
