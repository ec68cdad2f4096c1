//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Routing
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// Domains that go, because their CPUs do or the quota shrinks, and come back; on machines made of files, samples by hand.
@Suite struct DomainsTests {
    /// A coordinator of four cores with one CPU each, in a group whose files can be changed.
    private func onMachine(
        _ configure: (inout Configuration) -> Void = { _ in },
        _ body: (OperationsCoordinator, FakeMachine, @escaping @Sendable () -> Void) async throws -> Void
    ) async throws {
        let machine = try FakeMachine.uniform(cores: 4).cgroup2("/app").directory("sys/fs/cgroup/app")
        let time = ManualTime()
        try await withTestCoordinator {
            $0.root = machine.root
            $0.pinMode = .none
            $0.time = time
            $0.threadClocks = FakeThreadClocks(time)
            $0.adaptation = .automatic
            $0.adaptsByHand = true
            configure(&$0)
        } _: { coordinator in
            try await body(coordinator, machine) {
                time.advance(by: .seconds(5))
                coordinator.engine.sampleCrews()
            }
        }
    }

    private func retired(_ coordinator: OperationsCoordinator) -> [Int] {
        coordinator.statistics().domains.filter(\.isRetired).map(\.number)
    }

    private func quota(_ cpus: Double, _ machine: FakeMachine) throws {
        try machine.file("sys/fs/cgroup/app/cpu.max", "\(Int(cpus * 100_000)) 100000\n")
    }

    @Test(
        "A shrunken quota retires domains from the back, a shrunken cpuset those whose CPUs have gone; at least one stays"
    )
    func comeAndGo() async throws {
        try await onMachine { coordinator, machine, pass in
            let events = coordinator.events
            #expect(retired(coordinator) == [])
            try quota(1.5, machine)
            // Not before its time.
            coordinator.engine.sampleCrews()
            #expect(retired(coordinator) == [])
            pass()
            #expect(retired(coordinator) == [3, 4])
            // A retired domain is no work.
            #expect(await eventually { !coordinator.engine.sampleCrews() })
            try machine.file("sys/fs/cgroup/app/cpuset.cpus.effective", "1-3\n")
            pass()
            #expect(retired(coordinator) == [1, 4])
            try quota(0.1, machine)
            try machine.online("3")
            pass()
            #expect(retired(coordinator) == [1, 2, 3])
            // What is told contradicts that there is a process at all.
            try machine.online("9")
            pass()
            #expect(retired(coordinator) == [2, 3, 4])
            try machine.online("0-3")
            try machine.file("sys/fs/cgroup/app/cpuset.cpus.effective", "0-3\n")
            try machine.file("sys/fs/cgroup/app/cpu.max", "max 100000\n")
            pass()
            #expect(retired(coordinator) == [])
            await coordinator.stop()
            var log: [String] = []
            for await event in events {
                switch event.kind {
                case .domainRetired(let domain, let reason): log.append("-\(domain) \(reason.prefix(9))")
                case .domainRestored(let domain): log.append("+\(domain)")
                default: break
                }
            }
            let expected = [
                "-3 the quota", "-4 the quota", "+3", "-1 its CPUs, ", "+4", "-2 its CPUs, ", "-3 its CPUs, ", "+1",
                "-4 its CPUs, ", "+2", "+3", "+4",
            ]
            #expect(log.map { String($0.prefix(11)) } == expected.map { String($0.prefix(11)) })
        }
    }

    @Test(
        "On a retired domain no free token, no new anchor and no lead begins, and nothing that is bound to it is lost")
    func nothingNew() async throws {
        try await onMachine { coordinator, machine, pass in
            let gate = Gate()
            let bound = TaskTokenGuard("domains.bound", locality: .sticky { "k\($0)" }, on: coordinator) { (_: Int) in
                gate.pass()
                return TokenContext.current?.domain
            }
            // Anchors that live in all four domains.
            let held = (0..<64).map { bound($0) }
            let homes = coordinator.statistics().domains.map(\.homes)
            #expect(homes.allSatisfy { $0 > 0 })
            try quota(2, machine)
            pass()
            #expect(retired(coordinator) == [3, 4])
            let light = TaskTokenGuard("domains.light", weight: .light, on: coordinator) {
                TokenContext.current?.domain
            }
            let heavy = TaskTokenGuard("domains.heavy", weight: .heavy, on: coordinator) {
                TokenContext.current?.domain
            }
            let stored = TaskTokenGuard("domains.stored", storage: .fast, on: coordinator) {
                TokenContext.current?.domain
            }
            let anchored = TaskTokenGuard("domains.anchored", locality: .sticky { "new\($0)" }, on: coordinator) {
                (_: Int) in TokenContext.current?.domain
            }
            let lead = TaskTokenGuard("domains.lead", locality: .lead(externalCalls: ["x"]), on: coordinator) {
                TokenContext.current?.domain
            }
            // Another token of an anchor that lives in a retired domain goes there: C5.
            let more = (0..<64).map { bound($0) }
            var tokens: [TaskToken<Int?>] = []
            for number in 0..<50 { tokens += [light(), heavy(), stored(), anchored(number), lead()] }
            gate.open()
            var places: Set<Int?> = []
            for token in tokens { places.insert(try await token.value) }
            #expect(places == [1, 2])
            var domains: [[Int?]] = []
            for (first, second) in zip(held, more) { domains.append([try await first.value, try await second.value]) }
            #expect(domains.allSatisfy { $0[0] == $0[1] })
            #expect(Set(domains.map { $0[0] }) == [1, 2, 3, 4])
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
            let again = try await bound(0).value
            #expect(again == 1 || again == 2)
        }
    }

    @Test(
        "C5 anchors move when their domain has gone: those without live tokens at once, the others when their last is done"
    )
    func anchors() async throws {
        try await onMachine {
            // However long the test takes.
            $0.anchorIdleTime = .seconds(1_000_000)
        } _: { coordinator, machine, pass in
            let gate = Gate()
            let operation = TaskTokenGuard("domains.moving", locality: .sticky { "k\($0 % 100)" }, on: coordinator) {
                (number: Int) in
                if number >= 100 { gate.pass() }
                return TokenContext.current?.domain
            }
            var before: [Int?] = []
            for number in 0..<100 { before.append(try await operation(number).value) }
            #expect(await eventually { coordinator.statistics().idleAnchors == 100 })
            let alive = try #require(before.firstIndex(of: 4))
            let token = operation(100 + alive)
            #expect(await gate.waitForArrivals())
            let events = coordinator.events
            try quota(3, machine)
            pass()
            gate.open()
            let last = try await token.value
            #expect(last == 4)
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
            var after: [Int?] = []
            for number in 0..<100 { after.append(try await operation(number).value) }
            for number in 0..<100 {
                #expect(before[number] == 4 ? after[number] != 4 : after[number] == before[number])
            }
            await coordinator.stop()
            var moved: [UInt64: Int] = [:]
            var order: [String] = []
            for await event in events {
                switch event.kind {
                case .anchorRehomed(let hash, let from, let to):
                    #expect(from == 4 && moved[hash] == nil)
                    moved[hash] = to
                    if hash == AnchorHash("k\(alive)").rawValue { order.append("moved") }
                case .token(let id, _, .completed, _) where id == token.id: order.append("done")
                default: break
                }
            }
            for number in 0..<100 where before[number] == 4 {
                #expect(moved[AnchorHash("k\(number)").rawValue] == after[number])
            }
            #expect(moved.count == before.count { $0 == 4 } && order == ["done", "moved"])
        }
    }

    @Test("C4 threads of a retired domain are moved to the CPUs that are left, and back; their reports say so")
    func pins() async throws {
        try await onMachine {
            $0.pinMode = .soft
            $0.affinitySystem = FakeAffinity(.believes)
        } _: { coordinator, machine, pass in
            @Sendable func reports(_ number: Int) -> [PinReport] {
                coordinator.statistics().domains[number - 1].workers.compactMap(\.pin)
            }
            #expect(await eventually { (1...4).allSatisfy { reports($0).count == 1 } })
            try machine.file("sys/fs/cgroup/app/cpuset.cpus.effective", "0-2\n")
            pass()
            #expect(reports(4).map { $0.requested?.listFormat } == ["0-2"] && reports(4).allSatisfy { $0.verified })
            #expect(reports(1).map { $0.requested?.listFormat } == ["0"])
            try machine.file("sys/fs/cgroup/app/cpuset.cpus.effective", "0-3\n")
            pass()
            #expect(reports(4).map { $0.requested?.listFormat } == ["3"] && reports(4).allSatisfy { $0.verified })
        }
    }

    @Test("C2 domains that come and go all the time, under load, lose no token")
    func storm() async throws {
        try await onMachine { coordinator, machine, pass in
            let leaf = TaskTokenGuard("domains.leaf", on: coordinator) { (number: Int) in number }
            let heavy = TaskTokenGuard("domains.leafHeavy", weight: .heavy, on: coordinator) { (number: Int) in number }
            let stored = TaskTokenGuard("domains.leafStored", storage: .slow, on: coordinator) { (number: Int) in number
            }
            let ordered = TaskTokenGuard(
                "domains.ordered", locality: .sticky(ordered: true) { "o\($0 % 9)" }, on: coordinator
            ) { (number: Int) in number }
            let lead = TaskTokenGuard("domains.root", locality: .lead(externalCalls: ["x"]), on: coordinator) {
                (number: Int) throws in try leaf(number).wait()
            }
            let kinds = [leaf, heavy, stored, ordered, lead]
            let done = Tally()
            let tokens = Journal<TaskToken<Int>>()
            let faults = Journal<String>()
            await concurrently(4) { thread in
                if thread == 3 {
                    var step = 0
                    repeat {
                        step += 1
                        do { try quota(Double(1 + step * 7 % 4), machine) } catch { faults.note("\(error)") }
                        pass()
                    } while done.value < 3
                    return
                }
                for number in 0..<800 { tokens.note(kinds[number % 5](number)) }
                done.add()
            }
            pass()
            let results = await gather(tokens.all)
            #expect(results.count == 2_400 && results.allSatisfy { (try? $0.get()) != nil })
            #expect(faults.all == [])
            #expect(await eventually { coordinator.statistics().domains.map(\.homes) == [0, 0, 0, 0] })
            #expect(coordinator.statistics().openLeases == 0)
        }
    }

    @Test("What becomes of domains, for every mask of three cores and every quota")
    func uses() throws {
        let domains = try [CPUSet([0, 1]), CPUSet([2, 3]), CPUSet([4, 5])]
        for mask in 0..<64 {
            let allowed = try CPUSet((0..<6).filter { mask & 1 << $0 != 0 })
            for quota in [nil, 0.1, 1, 1.5, 2, 3, 100] as [Double?] {
                let uses = DomainUse.of(domains, allowed: allowed, quotaCPUs: quota)
                let used = uses.filter { $0.reason == nil }
                let possible = domains.count { !$0.intersection(allowed).isEmpty }
                #expect(used.count == max(1, min(possible, quota.map { Int($0.rounded(.up)) } ?? 3)))
                let left = used.reduce(CPUSet()) { $0.union($1.cpus) }
                for use in uses {
                    #expect(!use.cpus.isEmpty)
                    if possible > 0 { #expect(use.cpus.subtracting(allowed).isEmpty) }
                    if use.reason != nil { #expect(use.cpus == left) }
                }
            }
        }
    }
}
