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

/// How the last member of a lease comes to its end.
enum Ending: String, CaseIterable, Sendable {
    case completed, thrown, killedRunning, killedWaiting, killedByOperation, discarded, stopped
}

@Suite("C6 leases")
struct C6LeaseEndTests {
    private struct Failure: Error {}

    @Test("C6 a lease stays open until its last member is terminal, and not longer", arguments: Ending.allCases)
    func lastMember(ending: Ending) async throws {
        try await withTestCoordinator {
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let (occupied, running) = (Gate(), Gate())
            defer {
                occupied.open()
                running.open()
            }
            let waits = [.killedWaiting, .discarded].contains(ending)
            let occupant = TaskTokenGuard("c6_occupant", storage: .slow, on: coordinator) { occupied.pass() }()
            await occupied.waitForArrivals()
            let member = TaskTokenGuard("c6_member_\(ending)", storage: waits ? .slow : .fast) {
                running.pass()
                if ending == .thrown { throw Failure() }
            }
            let box = Journal<TaskToken<Void>>()
            let lead = TaskTokenGuard(
                "c6_lease_lead", locality: .lead(externalCalls: ["c6_member"]), on: coordinator
            ) { box.note(member()) }()
            try #require(await settles(lead))
            let last = box.all[0]
            if waits { try #require(last.state == .waiting) } else { await running.waitForArrivals() }
            #expect(coordinator.statistics().openLeases == 1)
            switch ending {
            case .completed, .thrown: running.open()
            case .killedRunning, .killedWaiting: last.kill()
            case .killedByOperation: #expect(try coordinator.killAll("c6_member_\(ending)") == 1)
            case .discarded: #expect(coordinator.discardWaiting() == 1)
            case .stopped:
                let report = await coordinator.stop(timeout: .zero)
                #expect(report.abandoned.map(\.id).contains(last.id))
            }
            try #require(await settles(last))
            // The lease ends with the settlement, before anybody is told; who only looks may be a moment early.
            #expect(await eventually { coordinator.statistics().openLeases == 0 })
            #expect(coordinator.statistics().leasesOpened == 1)
            #expect(await eventually { coordinator.statistics().domains.allSatisfy { $0.homes == 0 } })
            occupied.open()
            _ = await settles(occupant)
        }
    }

    @Test("C6 a killed lead whose body goes on submitting opens its lease again, with the same seed and domain")
    func killedLeadGoesOn() async throws {
        try await withTestCoordinator { coordinator in
            let (lead, child) = (Gate(), Gate())
            let seen = Journal<Sighting>()
            let childGuard = TaskTokenGuard("c6_late_child") {
                if let here = Sighting.here { seen.note(here) }
                child.pass()
            }
            let token = TaskTokenGuard(
                "c6_killed_lead", locality: .lead(externalCalls: ["c6_late_child"]), on: coordinator
            ) {
                if let here = Sighting.here { seen.note(here) }
                lead.pass()
                _ = childGuard()
            }()
            await lead.waitForArrivals()
            #expect(coordinator.statistics().openLeases == 1)
            #expect(token.kill())
            #expect(coordinator.statistics().openLeases == 0)
            lead.open()
            await child.waitForArrivals()
            #expect(coordinator.statistics().openLeases == 1)
            child.open()
            #expect(await eventually { coordinator.statistics().openLeases == 0 })
            #expect(seen.all[0].seed == seen.all[1].seed && seen.all[0].domain == seen.all[1].domain)
            #expect(coordinator.statistics().leasesOpened == 2)
        }
    }

    @Test("C6 every lease that opens is released, and events tell both")
    func balance() async throws {
        var numbers = SeededNumbers(for: "C6 balance")
        let kills = (0..<60).map { _ in Bool.random(using: &numbers) }
        let coordinator = try makeCoordinator { $0.eventBuffer = 1 << 16 }
        try await coordinator.start()
        let events = coordinator.events
        let child: TaskTokenGuard<Int, Void> = TaskTokenGuard("c6_balance_child") { (depth: Int) in
            if depth == 1 { throw Failure() }
        }
        let lead = TaskTokenGuard(
            "c6_balance_lead", locality: .lead(externalCalls: ["c6_balance_child"]), on: coordinator
        ) { (index: Int) in
            let children = (0..<4).map { child($0) }
            if kills[index] { children[3].kill() }
            try? children[0].wait()
        }
        let tokens = kills.indices.map { lead($0) }
        for (index, token) in tokens.enumerated() where kills[index] { token.kill() }
        try #require(await settle(tokens))
        await coordinator.stop()
        let statistics = coordinator.statistics()
        #expect(statistics.openLeases == 0)
        var opened: [Seed: Int] = [:]
        for await event in events {
            switch event.kind {
            case .leaseOpened(let seed, _, _): opened[seed, default: 0] += 1
            case .leaseReleased(let seed, _, _): opened[seed, default: 0] -= 1
            default: break
            }
        }
        #expect(opened.count == kills.count)
        #expect(opened.values.allSatisfy { $0 == 0 })
    }
}
