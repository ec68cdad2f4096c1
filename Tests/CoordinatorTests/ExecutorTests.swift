//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenGate

@testable import Coordinator

/// Domains as task executors, anchors as executors of actors.
@Suite("executors: tasks and actors on a core")
struct ExecutorTests {
    /// The CPUs of a domain; nil where its workers could not be pinned.
    private func cpus(_ number: Int, _ coordinator: OperationsCoordinator) throws -> CPUSet? {
        let domain = try #require(coordinator.statistics().domains.first { $0.number == number })
        return domain.workers.allSatisfy { $0.pin?.verified == true } ? domain.cpus : nil
    }

    private func expectHome(_ seen: [Whereabouts], _ number: Int, _ coordinator: OperationsCoordinator) throws {
        let cpus = try cpus(number, coordinator)
        for place in seen {
            #expect(place.isIn(number), "\(place)")
            if let cpus, let cpu = place.cpu { #expect(cpus.contains(cpu), "\(place)") }
        }
    }

    @Test("a task that prefers a domain runs on its CPUs, with its children and the default actors that it calls")
    func tasks() async throws {
        try await withTestCoordinator { coordinator in
            for number in 1...coordinator.domainCount {
                let executor = try coordinator.executor(domain: number)
                #expect(executor.domain == number)
                let seen = try await Task(executorPreference: executor) {
                    var seen = [Whereabouts()]
                    await Task.yield()
                    seen.append(Whereabouts())
                    try await Task.sleep(for: .microseconds(50))
                    seen.append(Whereabouts())
                    let main = await MainActor.run { Whereabouts() }
                    #expect(!main.isIn(number))
                    seen.append(Whereabouts())
                    seen.append(await PlainActor().look())
                    seen.append(await aside())
                    async let child = aside()
                    seen.append(await child)
                    seen += await withTaskGroup(of: Whereabouts.self) { group in
                        for _ in 0..<8 { group.addTask { await aside() } }
                        return await group.reduce(into: []) { $0.append($1) }
                    }
                    return seen
                }.value
                #expect(seen.count == 15)
                try expectHome(seen, number, coordinator)
                let scoped = await withTaskExecutorPreference(executor) { await aside() }
                try expectHome([scoped], number, coordinator)
            }
        }
    }

    @Test("C5 an actor on an anchor's executor lives on that anchor's core, where the anchor's tokens are")
    func actors() async throws {
        try await withTestCoordinator { coordinator in
            let sticky = TaskTokenGuard("executor.sticky", locality: .sticky { $0 }, on: coordinator) { (_: String) in
                TokenContext.current?.domain
            }
            for key in (0..<8).map({ "account \($0)" }) {
                let actor = PinnedActor(try coordinator.executor(anchor: key))
                let seen = try await actor.journey()
                #expect(seen.count == 6)
                try expectHome(seen, actor.executor.domain, coordinator)
                let domain = try await sticky(key).value
                #expect(domain == actor.executor.domain)
            }
        }
    }

    @Test("C5 tokens and executors of one key are in one domain while any of them lives, whatever the load")
    func oneHome() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 8)
            // A home is not remembered: only what lives holds it.
            $0.anchorIdleCapacity = 0
        } _: { coordinator in
            let sticky = TaskTokenGuard("executor.home", locality: .sticky { $0 }, on: coordinator) { (_: Int) in
                TokenContext.current?.domain
            }
            var executors: [AnchorExecutor] = []
            for key in 0..<200 {
                executors.append(try coordinator.executor(anchor: key))
                #expect(try coordinator.executor(anchor: key).domain == executors[key].domain)
            }
            #expect(Set(executors.map(\.domain)) == Set(1...8))
            #expect(coordinator.statistics().liveAnchors == 200)
            for _ in 0..<3 {
                for (key, result) in await gather((0..<200).map { sticky($0) }).enumerated() {
                    let domain = try result.get()
                    #expect(domain == executors[key].domain)
                }
            }
            #expect(coordinator.statistics().domains.map(\.homes).reduce(0, +) == 200)
            executors = []
            // The last worker may have told that its token settled, and not yet have let its anchor go.
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
            #expect(await eventually { coordinator.statistics().domains.map(\.homes).reduce(0, +) == 0 })
        }
    }

    @Test("jobs of an executor run one at a time: 10,000 increments from many tasks, of two actors that share it")
    func oneAtATime() async throws {
        try await withTestCoordinator { coordinator in
            let number = Unprotected()
            let executor = try coordinator.executor(anchor: "counter")
            let actors = [PinnedActor(executor), PinnedActor(executor)]
            await withTaskGroup(of: Void.self) { group in
                for task in 0..<50 {
                    group.addTask {
                        for _ in 0..<200 {
                            await actors[task % 2].run { actor in
                                number.add()
                                actor.add()
                            }
                        }
                    }
                }
            }
            let counts = await (actors[0].count, actors[1].count)
            #expect(counts == (5_000, 5_000))
            #expect(await actors[0].run { _ in number.count } == 10_000)
            #expect(await actors[0].run { _ in number.meetings } == 0)
        }
    }

    @Test("a task that prefers an anchor's executor runs there, one piece at a time, with the default actors it calls")
    func asTaskExecutor() async throws {
        try await withTestCoordinator { coordinator in
            let number = Unprotected()
            let executor = try coordinator.executor(anchor: "tasks")
            let actor = PinnedActor(executor)
            let plain = PlainActor()
            let seen = await withTaskExecutorPreference(executor) {
                await withTaskGroup(of: [Whereabouts].self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            var seen: [Whereabouts] = []
                            for _ in 0..<20 {
                                number.add()
                                seen.append(await aside())
                                seen.append(await plain.look())
                                await actor.run { _ in number.add() }
                                number.add()
                            }
                            return seen
                        }
                    }
                    return await group.reduce(into: []) { $0 += $1 }
                }
            }
            #expect(seen.count == 800)
            try expectHome(seen, executor.domain, coordinator)
            #expect(await actor.run { _ in number.count } == 1_200)
            #expect(await actor.run { _ in number.meetings } == 0)
            #expect(await plain.count == 400)
        }
    }

    @Test("inside an actor's jobs its isolation can be assumed, and is known; elsewhere not")
    func isolation() async throws {
        try await withTestCoordinator { coordinator in
            let executor = try coordinator.executor(anchor: "isolated")
            let other = PinnedActor(try coordinator.executor(anchor: "isolated"))
            let actor = PinnedActor(executor)
            #expect(executor.isIsolatingCurrentContext() == false)
            let count = await actor.run { _ in
                actor.preconditionIsolated()
                executor.preconditionIsolated()
                executor.checkIsolated()
                #expect(executor.isIsolatingCurrentContext() == true)
                #expect(other.executor.isIsolatingCurrentContext() == false)
                return actor.assumeIsolated { $0.add() }
            }
            #expect(count == 1)
            #expect(await other.run { _ in executor.isIsolatingCurrentContext() } == false)
        }
    }

    @Test("an actor's code knows the body that calls it, and what it submits belongs to that body's lead")
    func lineage() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let child = TaskTokenGuard("executor.child") { () in TokenContext.current?.seed }
            let actor = PinnedActor(try coordinator.executor(anchor: "called"))
            let lead = TaskTokenGuard(
                "executor.lead", locality: .lead(externalCalls: ["executor.child"]), on: coordinator
            ) { () async throws in
                let (id, token) = await actor.run { _ in (TokenContext.current?.id, child()) }
                #expect(id == TokenContext.current?.id)
                return try await token.value
            }
            for _ in 0..<4 {
                let token = lead()
                let seed = try await token.value
                #expect(seed != nil && seed == token.seed)
            }
        }
    }

    @Test("C12 a domain that does not exist and an empty key are refused, named")
    func badInput() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            for number in [0, -1, 3, .max, .min] {
                let error = #expect(throws: TokenError.self) { try coordinator.executor(domain: number) }
                #expect(error?.code == .invalidArgument)
                #expect(error?.message.contains("domain \(number) is outside 1...2") == true)
            }
            for make in [{ try coordinator.executor(anchor: "") }, { try coordinator.executor(anchor: [UInt8]()) }] {
                let error = #expect(throws: TokenError.self) { try make() }
                #expect(error?.code == .invalidArgument && error?.message.contains("key \"\"") == true)
            }
            #expect(coordinator.statistics().liveAnchors == 0)
        }
    }
}

/// The machine behind an anchor's executor.
@Suite struct SerialLineTests {
    @Test("jobs come out one at a time in the order in which they came, and each waking is asked for once")
    func order() {
        var line = SerialLine<Int>()
        /// Adds so many, numbered on; answers for which a thread has to be asked.
        var last = 0
        func add(_ count: Int) -> [Int] {
            (0..<count).compactMap { _ in
                last += 1
                return line.add(last) ? last : nil
            }
        }
        func take(_ count: Int) -> [Int?] { (0..<count).map { _ in line.next() } }
        #expect(line.phase == .idle)
        let first = add(2)
        #expect(first == [1] && line.phase == .scheduled && line.count == 2)
        line.begin()
        #expect(line.phase == .running)
        let early = take(1)
        let meanwhile = add(1)
        let more = take(1)
        #expect(early == [1] && meanwhile.isEmpty && more == [2])
        // Its share is over, one is left: a thread has to be asked, once.
        let isLeft = line.endShare()
        let after = add(1)
        #expect(isLeft && after.isEmpty && line.phase == .scheduled)
        line.begin()
        let rest = take(3)
        #expect(rest == [3, 4, nil] && line.phase == .idle)
        let again = add(1)
        line.begin()
        let final = take(1)
        let isDone = !line.endShare()
        #expect(again == [5] && final == [5] && isDone && line.phase == .idle)
    }
}
