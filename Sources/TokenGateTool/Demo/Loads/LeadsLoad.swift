//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Leads whose children have children: every descendant reports its domain and its seed, and both must be the lead's.
///
/// Half of the leads wait by blocking, half by `await`.
struct LeadsLoad: Load {
    private static let leads = 24
    private static let children = 3
    private static let grandchildren = 2
    private static let familySize = 1 + children * (1 + grandchildren)
    private static let calls = ["child", "grandchild"]

    /// What a body saw of itself.
    private struct Sight: Sendable {
        let domain: Int
        let seed: Seed?
    }

    /// What a lead saw when it began and when it ended, and what its descendants saw.
    private struct Family: Sendable {
        let lead: Sight
        let members: [Sight]
        let later: Sight
    }

    func run(in stage: Stage) async throws -> Findings {
        let (blocking, awaiting) = guards(stage)
        var findings = Findings()
        var strangers = 0
        var wrongSeeds = 0
        var members = 0
        var failures = 0
        var leads = 0
        repeat {
            let tokens = (0..<Self.leads).map { $0.isMultiple(of: 2) ? blocking($0) : awaiting($0) }
            for (token, result) in zip(tokens, await gather(tokens)) {
                leads += 1
                guard case .success(let family) = result else {
                    failures += 1
                    continue
                }
                let seed = Seed(lead: token.id, externalCalls: Self.calls)
                members += family.members.count
                failures += family.members.count == Self.familySize - 1 ? 0 : 1
                strangers += (family.members + [family.later]).count { $0.domain != family.lead.domain }
                wrongSeeds += (family.members + [family.lead, family.later]).count { $0.seed != seed }
            }
        } while !stage.isOver
        findings.tokens = leads * Self.familySize
        let left = await Self.openLeases(stage.coordinator)
        let statistics = stage.coordinator.statistics()
        findings.remark =
            "\(Wording.count(leads)) leads of \(Self.children) children of \(Self.grandchildren) children each; "
            + "leases opened \(Wording.count(statistics.leasesOpened)), left \(left)"
        findings.promises = [
            Promise(
                "C6", "a lead and its descendants run in one domain, across suspensions", checked: members + leads,
                broken: strangers),
            Promise(
                "C6", "a lead and its descendants carry its seed, which can be recomputed",
                checked: members + 2 * leads,
                broken: wrongSeeds),
            Promise("C6", "no lease is left", checked: leads, broken: left),
            Promise(
                "C9", "waiting inside bodies, blocking or async, comes to its end", checked: leads, broken: failures),
        ]
        return findings
    }

    private func guards(_ stage: Stage) -> (TaskTokenGuard<Int, Family>, TaskTokenGuard<Int, Family>) {
        let sightings = stage.sightings
        @Sendable func look() -> Sight {
            sightings.note()
            return Self.glance()
        }
        // Guards without `on:`: inside a body, calls go to that body's coordinator.
        let grandchild = TaskTokenGuard("grandchild", weight: .light) { (number: Int) in
            _ = Operations.hashChain(seed: UInt64(number), length: 16)
            return look()
        }
        let child = TaskTokenGuard("child") { (number: Int) throws in
            let tokens = (0..<Self.grandchildren).map { grandchild(number + $0) }
            return try [look()] + tokens.map { try $0.wait() }
        }
        let asyncChild = TaskTokenGuard("child") { (number: Int) async throws in
            let tokens = (0..<Self.grandchildren).map { grandchild(number + $0) }
            var sights = [look()]
            for token in tokens { sights.append(try await token.value) }
            return sights
        }
        let lead = TaskTokenGuard(
            "lead_blocking", weight: .heavy, locality: .lead(externalCalls: Self.calls), on: stage.coordinator
        ) { (number: Int) throws in
            let tokens = (0..<Self.children).map { child(number * 100 + $0 * 10) }
            return Family(lead: look(), members: try tokens.flatMap { try $0.wait() }, later: Self.glance())
        }
        let asyncLead = TaskTokenGuard(
            "lead_awaiting", weight: .heavy, locality: .lead(externalCalls: Self.calls), on: stage.coordinator
        ) { (number: Int) async throws in
            let own = look()
            // The first child before a suspension, the others after it and from child tasks.
            var members = try await asyncChild(number).value
            try await withThrowingTaskGroup(of: [Sight].self) { group in
                for index in 1..<Self.children {
                    group.addTask { try await asyncChild(number * 100 + index * 10).value }
                }
                for try await sights in group { members += sights }
            }
            return Family(lead: own, members: members, later: Self.glance())
        }
        return (lead, asyncLead)
    }

    /// What the running body sees of itself.
    private static func glance() -> Sight {
        Sight(domain: TokenContext.current?.domain ?? 0, seed: TokenContext.current?.seed)
    }

    /// Leases open now.
    ///
    /// A lease ends an instant after its last token is settled, so a moment is granted.
    private static func openLeases(_ coordinator: OperationsCoordinator) async -> Int {
        for _ in 0..<200 where coordinator.statistics().openLeases > 0 {
            try? await Task.sleep(for: .milliseconds(5))
        }
        return coordinator.statistics().openLeases
    }
}
