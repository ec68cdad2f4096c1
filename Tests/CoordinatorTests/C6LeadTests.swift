//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

/// What a body saw of itself.
struct Sighting: Sendable {
    var id: TokenID
    var seed: Seed?
    var domain: Int
    var cpu: Int?

    static var here: Sighting? {
        TokenContext.current.map {
            Sighting(id: $0.id, seed: $0.seed, domain: $0.domain, cpu: CurrentThread.cpu())
        }
    }
}

@Suite("C6 leads")
struct C6LeadTests {
    let seen = Journal<Sighting>()

    /// A body that notes where it is and, down to depth 0, submits two more of itself.
    private var child: @Sendable (Int) throws -> Void {
        { depth in
            if let here = Sighting.here { seen.note(here) }
            guard depth > 0 else { return }
            let again = TaskTokenGuard("c6_child", weight: depth % 2 == 0 ? .light : .heavy, self.child)
            let children = [again(depth - 1), again(depth - 1)]
            if depth == 2 { for child in children { try child.wait() } }
        }
    }

    /// Runs a lead and expects `count` descendants, all in its place, and nothing left at the end.
    private func expectAllInside(
        _ count: Int, _ coordinator: OperationsCoordinator, weight: Weight = .light, _ lead: TaskToken<Void>
    ) async throws {
        try #require(await settles(lead))
        try #require(await eventually { seen.count >= count })
        try #require(await eventually { coordinator.statistics().openLeases == 0 })
        let seed = try #require(lead.seed)
        #expect(seed == Seed(lead: lead.id, externalCalls: ["c6_child"]))
        let all = seen.all
        #expect(all.count == count)
        #expect(Set(all.map(\.id)).count == count)
        #expect(Set(all.map(\.domain)).count == 1)
        let statistics = coordinator.statistics()
        for sighting in all {
            #expect(sighting.seed == seed)
            let cpus = statistics.domains[sighting.domain - 1].cpus
            if let cpu = sighting.cpu { #expect(cpus.contains(cpu)) }
        }
        #expect(await eventually { coordinator.statistics().domains.allSatisfy { $0.homes == 0 } })
    }

    @Test(
        "C6 descendants at any depth, of any weight, carry the seed and run in the domain", arguments: Weight.allCases)
    func descendants(weight: Weight) async throws {
        try await withTestCoordinator { coordinator in
            let guarded = TaskTokenGuard("c6_child", child)
            let lead = TaskTokenGuard(
                "c6_lead", weight: weight, locality: .lead(externalCalls: ["c6_child"]), on: coordinator
            ) {
                for _ in 0..<3 { _ = guarded(3) }
            }
            try await expectAllInside(45, coordinator, lead())
        }
    }

    @Test("C6 child tasks of an async body: async let, task group, unstructured task, across awaits")
    func childTasks() async throws {
        try await withTestCoordinator { coordinator in
            let guarded = TaskTokenGuard("c6_child", child)
            let lead = TaskTokenGuard(
                "c6_lead_async", weight: .light, locality: .lead(externalCalls: ["c6_child"]), on: coordinator
            ) { () async throws -> Void in
                try await guarded(0).value
                await Task.yield()
                async let one: Void = guarded(0).value
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 { group.addTask { try await guarded(1).value } }
                    try await group.waitForAll()
                }
                try await one
                let task = Task {
                    await Task.yield()
                    try await guarded(0).value
                }
                try await task.value
                try await Task.sleep(for: .milliseconds(1))
                try await guarded(0).value
            }
            try await expectAllInside(16, coordinator, lead())
        }
    }

    @Test("C6 an unstructured task inside a synchronous body, also when it outlives it")
    func taskInsideSyncBody() async throws {
        try await withTestCoordinator { coordinator in
            let guarded = TaskTokenGuard("c6_child", child)
            let (ended, done) = (Gate(), Gate())
            let lead = TaskTokenGuard(
                "c6_lead_task", weight: .light, locality: .lead(externalCalls: ["c6_child"]), on: coordinator
            ) { () -> Void in
                Task {
                    try await guarded(0).value
                    await ended.waitForArrivals()
                    try await guarded(1).value
                    done.open()
                }
            }
            let token = lead()
            try #require(await settles(token))
            ended.open()
            ended.pass()
            try await expectAllInside(4, coordinator, token)
            #expect(coordinator.statistics().leasesOpened == coordinator.statistics().leasesReleased)
        }
    }

    @Test("C6 derived tokens of a lead's children run in the lead's domain, too")
    func derived() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let seen = seen
            let guarded = TaskTokenGuard("c6_child") { 1 }
            let outside = await TaskTokenGuard("c6_outside", on: coordinator) { 1 }().finished()
            let lead = TaskTokenGuard(
                "c6_lead_map", weight: .light, locality: .lead(externalCalls: ["c6_child"]), on: coordinator
            ) { () -> Void in
                _ = guarded().map { _ in if let here = Sighting.here { seen.note(here) } }
                _ = outside.map { _ in if let here = Sighting.here { seen.note(here) } }
                if let here = Sighting.here { seen.note(here) }
            }
            // Its workers are not pinned, so the CPU tells nothing here.
            let token = lead()
            try #require(await eventually { seen.count == 3 && coordinator.statistics().openLeases == 0 })
            #expect(seen.all.allSatisfy { $0.domain == seen.all[0].domain })
            #expect(seen.all.allSatisfy { $0.seed == token.seed })
        }
    }

    @Test("C6 a lead inside a lead joins the lease of the outer one")
    func nested() async throws {
        try await withTestCoordinator { coordinator in
            let seen = seen
            let inner = TaskTokenGuard("c6_inner", locality: .lead(externalCalls: ["c6_other"])) {
                if let here = Sighting.here { seen.note(here) }
            }
            let lead = TaskTokenGuard(
                "c6_outer", locality: .lead(externalCalls: ["c6_child"]), on: coordinator
            ) { try inner().wait() }
            try await expectAllInside(1, coordinator, lead())
            #expect(coordinator.statistics().leasesOpened == 1)
        }
    }
}

extension TaskToken {
    /// The token once it is settled.
    func finished() async -> TaskToken {
        await settled()
        return self
    }
}
