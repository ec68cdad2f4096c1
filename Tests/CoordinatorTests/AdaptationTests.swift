//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// Convergence: the number of threads that run at once follows what bodies do.
///
/// Samples are taken by hand, on a clock that is moved.
@Suite struct AdaptationTests {
    enum Manner: Sendable, CaseIterable { case standard, heavy, async }

    /// A coordinator of one domain whose samples are taken by `sample`.
    private func withHand(
        domains: Int = 1, workers: Int = 4, _ configure: (inout Configuration) -> Void = { _ in },
        _ body: (OperationsCoordinator, FakeThreadClocks) async throws -> Void
    ) async throws {
        let clocks = FakeThreadClocks(ManualTime())
        try await withTestCoordinator {
            $0.pretend(domains: domains)
            $0.workersPerCore = workers
            $0.time = clocks.time
            $0.threadClocks = clocks
            $0.adaptation = .automatic
            $0.adaptsByHand = true
            // Submissions bear the system's time.
            $0.convergence.queueWait = 0
            configure(&$0)
        } _: { coordinator in
            try await body(coordinator, clocks)
        }
    }

    private func sample(
        _ count: Int, _ coordinator: OperationsCoordinator, _ clocks: FakeThreadClocks, running: Double,
        waiting: Double = 0
    ) {
        for _ in 0..<count {
            clocks.pass(.milliseconds(10), running: running, waiting: waiting)
            coordinator.engine.sampleCrews()
        }
    }

    private func target(_ coordinator: OperationsCoordinator, _ manner: Manner = .standard) -> Int {
        coordinator.statistics().domains[0].crews[manner == .heavy ? 1 : 0].target
    }

    private func make(
        _ manner: Manner, on coordinator: OperationsCoordinator, _ body: @escaping @Sendable (Int) -> Int
    ) -> TaskTokenGuard<Int, Int> {
        switch manner {
        case .standard: TaskTokenGuard("adapt.standard", on: coordinator, body)
        case .heavy: TaskTokenGuard("adapt.heavy", weight: .heavy, on: coordinator, body)
        case .async: TaskTokenGuard("adapt.async", on: coordinator) { (number: Int) async in body(number) }
        }
    }

    @Test(
        "While bodies block and tokens wait a crew gets more threads, up to the cap; then it goes back to one",
        arguments: Manner.allCases)
    func thereAndBack(_ manner: Manner) async throws {
        try await withHand { coordinator, clocks in
            let gate = Gate()
            let events = coordinator.events
            let operation = make(manner, on: coordinator) { number in
                gate.pass()
                return number
            }
            let tokens = (0..<8).map { operation($0) }
            #expect(await gate.waitForArrivals())
            for running in 1..<4 {
                var steps = 0
                while target(coordinator, manner) == running, steps < 50 {
                    sample(1, coordinator, clocks, running: 0.02)
                    steps += 1
                }
                #expect(target(coordinator, manner) == running + 1)
                #expect(await gate.waitForArrivals(running + 1))
            }
            sample(100, coordinator, clocks, running: 0.02)
            #expect(target(coordinator, manner) == 4 && gate.standing == 4 && gate.peak == 4)
            let share = coordinator.statistics().domains[0].crews[manner == .heavy ? 1 : 0].blockedShare
            #expect(share.map { abs($0 - 0.98) < 0.001 } == true)
            gate.open()
            #expect(await settle(tokens))
            #expect(
                await eventually {
                    coordinator.engine.domains[0].crews.allSatisfy { $0.state.withLock { $0.active == 0 } }
                })
            sample(300, coordinator, clocks, running: 0)
            #expect(target(coordinator, manner) == 1)
            await coordinator.stop()
            var changes: [[Int]] = []
            var reasons: [String] = []
            for await event in events {
                guard case .workersChanged(let domain, let crew, let from, let to, let reason) = event.kind else {
                    continue
                }
                #expect(domain == 1 && crew == (manner == .heavy ? "heavy" : "standard"))
                changes.append([from, to])
                reasons.append(String(reason.prefix { $0 != ":" }))
            }
            #expect(changes == [[1, 2], [2, 3], [3, 4], [4, 3], [3, 2], [2, 1]])
            #expect(reasons == ["blocked", "blocked", "blocked", "unused", "unused", "unused"])
        }
    }

    @Test("Bodies that compute, or wait for a processor, never get company, however many tokens wait")
    func computing() async throws {
        try await withHand { coordinator, clocks in
            let gate = Gate()
            let operation = make(.standard, on: coordinator) { number in
                gate.pass()
                return number
            }
            let tokens = (0..<100).map { operation($0) }
            #expect(await gate.waitForArrivals())
            sample(300, coordinator, clocks, running: 1)
            sample(300, coordinator, clocks, running: 0.1, waiting: 0.9)
            // Runnable all the while, and not charged for it yet.
            clocks.set(isRunnable: true)
            sample(300, coordinator, clocks, running: 0)
            #expect(target(coordinator) == 1 && gate.arrived == 1)
            gate.open()
            #expect(await settle(tokens))
            #expect(gate.peak == 1)
        }
    }

    @Test("When the bodies of several threads compute their crew goes back to one, as soon as they end")
    func backToComputing() async throws {
        try await withHand(workers: 2) { coordinator, clocks in
            let gates = [Gate(), Gate()]
            let operation = make(.standard, on: coordinator) { number in
                gates[min(number / 2, 1)].pass()
                return number
            }
            let tokens = (0..<20).map { operation($0) }
            #expect(await gates[0].waitForArrivals(1))
            sample(20, coordinator, clocks, running: 0)
            #expect(await gates[0].waitForArrivals(2))
            #expect(target(coordinator) == 2)
            // Both take turns on the core.
            sample(100, coordinator, clocks, running: 0.5, waiting: 0.5)
            #expect(target(coordinator) == 1)
            gates[0].open()
            #expect(await gates[1].waitForArrivals(1))
            let crew = coordinator.engine.domains[0][.standard]
            // The other one is idle, or has ended after a while.
            #expect(await eventually { crew.state.withLock { $0.active == 1 && $0.threads == $0.idle.count + 1 } })
            gates[1].open()
            #expect(await settle(tokens))
            #expect(gates[1].peak == 1)
        }
    }

    @Test("Where the clocks of threads cannot be read nothing adapts, and the statistics say so")
    func unreadable() async throws {
        try await withHand { coordinator, clocks in
            clocks.set(isReadable: false)
            let gate = Gate()
            let operation = make(.standard, on: coordinator) { number in
                gate.pass()
                return number
            }
            let tokens = (0..<4).map { operation($0) }
            #expect(await gate.waitForArrivals())
            sample(100, coordinator, clocks, running: 0)
            #expect(coordinator.statistics().adaptation == .unreadable)
            #expect(target(coordinator) == 1 && gate.arrived == 1)
            clocks.set(isReadable: true)
            sample(20, coordinator, clocks, running: 0)
            #expect(coordinator.statistics().adaptation == .measuring)
            #expect(target(coordinator) > 1)
            gate.open()
            #expect(await settle(tokens))
        }
    }

    @Test("A thread that waits for a token of ours meanwhile is not taken for a blocked one")
    func ownWaits() async throws {
        try await withHand(workers: 3) { coordinator, clocks in
            let gate = Gate()
            let stranger = TaskTokenGuard("adapt.stranger", storage: .fast, on: coordinator) { (_: Int) in gate.pass()
            }(0)
            let parent = TaskTokenGuard("adapt.parent", on: coordinator) { (_: Int) throws in try stranger.wait() }
            let tokens = (0..<3).map { parent($0) }
            let crew = coordinator.engine.domains[0][.standard]
            #expect(await eventually { crew.state.withLock { $0.threads == 3 && $0.active == 0 } })
            let more = make(.standard, on: coordinator) { $0 }(1)
            sample(100, coordinator, clocks, running: 0)
            // All three wait, the cap is reached; nothing could be gained.
            #expect(target(coordinator) == 1 && more.state == .admitted)
            gate.open()
            #expect(await settle(tokens))
        }
    }

    @Test("The real clocks: bodies that block get company without anybody's doing", arguments: [1, 2])
    func realBlocking(_ domains: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: domains)
            $0.workersPerCore = 3
            $0.adaptation = .automatic
        } _: { coordinator in
            #expect(coordinator.statistics().adaptation == .measuring)
            let gate = Gate()
            let operation = make(.standard, on: coordinator) { number in
                gate.pass()
                return number
            }
            let tokens = (0..<20).map { operation($0) }
            #expect(await gate.waitForArrivals(3 * domains))
            #expect(coordinator.statistics().domains.allSatisfy { $0.crews[0].target == 3 })
            gate.open()
            #expect(await settle(tokens))
            #expect(gate.peak == 3 * domains)
        }
    }

    @Test("The real clocks: bodies that compute get no company, also on a machine that is busy with other things")
    func realComputing() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.adaptation = .automatic
            $0.adaptsByHand = true
        } _: { coordinator in
            let isOver = Tally()
            let begun = Tally()
            let operation = TaskTokenGuard("adapt.spin", on: coordinator) { (number: Int) in
                begun.add()
                while isOver.value == 0 {}
                return number
            }
            let tokens = (0..<4).map { operation($0) }
            #expect(await eventually { begun.value == 1 })
            for _ in 0..<40 {
                coordinator.engine.sampleCrews()
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(target(coordinator) == 1 && begun.value == 1)
            isOver.add()
            #expect(await settle(tokens))
        }
    }

    @Test("Switched off, or not started, nothing is measured")
    func off() async throws {
        let idle = try makeCoordinator { $0.adaptation = .automatic }
        #expect(idle.statistics().adaptation == .off)
        await idle.stop()
        try await withTestCoordinator { coordinator in
            #expect(coordinator.statistics().adaptation == .off)
            #expect(!coordinator.engine.sampleCrews())
        }
        #expect("\(Configuration.Adaptation.automatic) \(Configuration.Adaptation.off)" == "automatic off")
        #expect(Configuration().adaptation == .automatic)
    }

    @Test("C2 numbers that change all the time, under load, lose no token and miscount no thread", arguments: [1, 2])
    func storm(_ domains: Int) async throws {
        try await withHand(domains: domains, workers: 3) {
            $0.convergence.votesToRaise = 1
            $0.convergence.votesToLower = 1
            $0.convergence.timeToRaise = 0
            $0.convergence.timeToLower = 0
            $0.convergence.hold = 0
        } _: { coordinator, clocks in
            let leaf = TaskTokenGuard("adapt.leaf", on: coordinator) { (number: Int) in
                (0..<number % 64 * 50).reduce(number) { $0 ^ $1 }
            }
            let heavy = TaskTokenGuard("adapt.leafHeavy", weight: .heavy, on: coordinator) { (number: Int) in number }
            let root = TaskTokenGuard("adapt.root", on: coordinator) { (number: Int) throws in
                let parts = [leaf(number), heavy(number)]
                return try parts.reduce(0) { try $0 + $1.wait() }
            }
            let async = TaskTokenGuard("adapt.asyncRoot", on: coordinator) { (number: Int) async throws in
                try await leaf(number).value
            }
            let (done, each) = (Tally(), Sizes.part(of: 600))
            let tokens = Journal<TaskToken<Int>>()
            await concurrently(4) { thread in
                if thread == 3 {
                    var step = 0
                    repeat {
                        step += 1
                        sample(1, coordinator, clocks, running: step / 3 % 2 == 0 ? 0 : 1)
                    } while done.value < 3
                    return
                }
                for number in 0..<each { tokens.note((thread == 2 ? async : root)(number)) }
                for token in tokens.all where !token.isSettled { _ = token.state }
                done.add()
            }
            let results = await gather(tokens.all)
            #expect(results.count == 3 * each && results.allSatisfy { (try? $0.get()) != nil })
            let crews = coordinator.engine.domains.flatMap(\.crews)
            #expect(await eventually { crews.allSatisfy { $0.state.withLock { $0.active == 0 && $0.overrun == 0 } } })
            #expect(crews.allSatisfy { crew in crew.state.withLock { crew.kind == .storage || $0.threads <= 3 } })
        }
    }
}
