//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Coordinator
import TestSupport
import Testing
import TokenCore

/// C4: pinned means pinned, and where it is not, the report says so.
@Suite struct C4PinnedTests {
    /// A coordinator's standard workers, once each has read its mask back.
    private func workers(_ coordinator: OperationsCoordinator) async -> [(Statistics.Domain, Statistics.Worker)] {
        let all: @Sendable () -> [(Statistics.Domain, Statistics.Worker)] = {
            coordinator.statistics().domains.flatMap { domain in domain.workers.map { (domain, $0) } }
        }
        _ = await eventually { all().count >= coordinator.domainCount && all().allSatisfy { $0.1.pin != nil } }
        return all()
    }

    @Test("C4 each worker runs on its domain's CPUs, and what it reads back is reported per worker")
    func verified() async throws {
        try await withTestCoordinator { coordinator in
            let look = TaskTokenGuard("c4.look", on: coordinator) { (_: Int) in
                (TokenContext.current?.domain, CurrentThread.cpu(), try? CurrentThread.affinity())
            }
            let heavy = TaskTokenGuard("c4.heavy", weight: .heavy, on: coordinator) { (_: Int) in 1 }
            let storage = TaskTokenGuard("c4.storage", storage: .fast, on: coordinator) { (_: Int) in 1 }
            _ = await gather((0..<20).flatMap { [heavy($0), storage($0)] })
            for (domain, worker) in await workers(coordinator) {
                let pin = try #require(worker.pin)
                #expect(pin.requested == domain.cpus)
                #expect(pin.verified == (pin.actual == pin.requested))
                // Where this very machine refuses to pin, the report has said so; elsewhere every worker is pinned.
                if case .refused = pin.status { continue }
                #expect(pin.verified, "\(pin)")
            }
            let domains = coordinator.statistics().domains
            for result in await gather((0..<50).map { look($0) }) {
                let (number, cpu, mask) = try result.get()
                let domain = try #require(domains.first { $0.number == number })
                let isPinned = domain.workers.allSatisfy { $0.pin?.verified == true }
                if isPinned {
                    #expect(mask == domain.cpus)
                    #expect(cpu.map { domain.cpus.contains($0) } == true)
                }
            }
        }
    }

    @Test("C4 where the system refuses to pin, workers run unpinned and each one's report says so")
    func refused() async throws {
        try await withTestCoordinator {
            $0.affinitySystem = FakeAffinity(.refuses)
        } _: { coordinator in
            let ok = TaskTokenGuard("c4.refused", on: coordinator) { (n: Int) in n }
            #expect(await gather((0..<50).map { ok($0) }).allSatisfy { (try? $0.get()) != nil })
            for (domain, worker) in await workers(coordinator) {
                let pin = try #require(worker.pin)
                #expect(pin.status == .refused(errno: 1))
                #expect(!pin.verified)
                #expect(pin.requested == domain.cpus)
                #expect(pin.actual != nil)
            }
        }
    }

    @Test(
        "C4 where the system only pretends to pin, or hides the mask, the report says unverified",
        arguments: [FakeAffinity.Manner.pretends, .blind])
    func pretended(manner: FakeAffinity.Manner) async throws {
        try await withTestCoordinator {
            $0.affinitySystem = FakeAffinity(manner)
        } _: { coordinator in
            let ok = TaskTokenGuard("c4.pretended", on: coordinator) { (n: Int) in n }
            let value = try await ok(1).value
            #expect(value == 1)
            for (_, worker) in await workers(coordinator) {
                #expect(worker.pin?.status == .unverified)
                #expect(worker.pin?.verified == false)
            }
        }
    }

    @Test(
        "C4 in the hard mode, a coordinator that cannot pin does not start, names the report, and settles what waits",
        arguments: [FakeAffinity.Manner.refuses, .pretends, .blind])
    func hard(manner: FakeAffinity.Manner) async throws {
        let coordinator = try makeCoordinator {
            $0.affinitySystem = FakeAffinity(manner)
            $0.pinMode = .hard
        }
        let token = TaskTokenGuard("c4.hard", on: coordinator) { (n: Int) in n }(1)
        let error = await #expect(throws: TokenError.self) { try await coordinator.start() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("hard") == true)
        #expect(coordinator.phase == .stopped)
        let settled = await #expect(throws: TokenError.self) { try await token.value }
        #expect(settled?.code == .coordinatorStopped)
        // A stop without time does not wait long for threads.
        #expect(await eventually { coordinator.statistics().domains.allSatisfy { $0.workers.isEmpty } })
    }

    @Test("C4 in the hard mode, a coordinator that can pin starts with every report verified")
    func hardAndAble() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
            $0.affinitySystem = FakeAffinity(.believes)
            $0.pinMode = .hard
        } _: { coordinator in
            let reports = coordinator.statistics().domains.flatMap { domain in domain.workers.map { (domain, $0.pin) } }
            #expect(reports.count == 4)
            #expect(reports.allSatisfy { $0.1?.verified == true && $0.1?.actual == $0.0.cpus })
        }
    }

    @Test("C4 in the mode none, nothing is asked of the system and the report says so")
    func none() async throws {
        let system = FakeAffinity(.refuses)
        try await withTestCoordinator {
            $0.affinitySystem = system
            $0.pinMode = .none
        } _: { coordinator in
            let ok = TaskTokenGuard("c4.none", on: coordinator) { (n: Int) in n }
            let heavy = TaskTokenGuard("c4.none-heavy", weight: .heavy, on: coordinator) { (n: Int) in n }
            #expect(await gather((0..<20).flatMap { [ok($0), heavy($0)] }).allSatisfy { (try? $0.get()) != nil })
            for (_, worker) in await workers(coordinator) {
                #expect(worker.pin?.status == .notRequested)
                #expect(worker.pin?.requested == nil)
            }
        }
        #expect(system.asked.value == 0)
    }
}
