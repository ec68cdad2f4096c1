//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// The lifecycle's machine, each phase with each input, and what users see of it.
@Suite struct LifecycleTests {
    private let report = StopReport(isComplete: true, abandoned: [], duration: .zero, busyThreads: 0)

    private final class Shared: Sendable {
        let state: Guarded<LifecycleState>
        init(_ state: sending LifecycleState) { self.state = Guarded(state) }
    }

    private func machine(in phase: LifecyclePhase) -> LifecycleState {
        var state = LifecycleState()
        switch phase {
        case .idle: break
        case .running: _ = state.start()
        case .draining:
            _ = state.start()
            _ = state.stop(deadline: 100)
        case .stopped:
            _ = state.stop(deadline: 100)
            _ = state.complete(report)
        }
        return state
    }

    @Test("C11 start begins once, does nothing while it runs, and is refused after", arguments: LifecyclePhase.allCases)
    func start(_ phase: LifecyclePhase) {
        var state = machine(in: phase)
        #expect(state.phase == phase)
        switch (phase, state.start()) {
        case (.idle, .start): #expect(state.phase == .running)
        case (.running, .nothing), (.draining, .refuse), (.stopped, .refuse): #expect(state.phase == phase)
        case (_, let action): Issue.record("start in phase \(phase) answered \(action)")
        }
    }

    @Test(
        "C11 stop begins once, is joined while it drains with the nearer deadline, and is done after",
        arguments: LifecyclePhase.allCases)
    func stop(_ phase: LifecyclePhase) {
        for deadline: Int64 in [50, 200] {
            var state = machine(in: phase)
            switch (phase, state.stop(deadline: deadline)) {
            case (.idle, .begin), (.running, .begin): #expect(state.phase == .draining && state.deadline == deadline)
            case (.draining, .join): #expect(state.phase == .draining && state.deadline == min(100, deadline))
            case (.stopped, .done): #expect(state.phase == .stopped)
            case (_, let action): Issue.record("stop in phase \(phase) answered \(action)")
            }
        }
    }

    @Test("C11 whoever stops is told once the stop is complete, all with the same report")
    func waiters() async {
        let shared = Shared(machine(in: .draining))
        let told = Tally()
        await withTaskGroup(of: Void.self) { group in
            let registered = Tally()
            for _ in 0..<10 {
                group.addTask {
                    let report = await withCheckedContinuation { continuation in
                        let report = shared.state.withLock { $0.await { continuation.resume(returning: $0) } }
                        registered.add()
                        if let report { continuation.resume(returning: report) }
                    }
                    if report.busyThreads == 7 { told.add() }
                }
            }
            _ = await eventually { registered.value == 10 }
            #expect(told.value == 0)
            let report = StopReport(isComplete: true, abandoned: [], duration: .zero, busyThreads: 7)
            let waiting = shared.state.withLock { $0.complete(report) }
            #expect(waiting.count == 10)
            for tell in waiting { tell(report) }
        }
        #expect(told.value == 10)
        // Who asks after that is told at once: nobody comes to resume it any more.
        let late = await withCheckedContinuation { continuation in
            let known = shared.state.withLock { $0.await { continuation.resume(returning: $0) } }
            continuation.resume(returning: known ?? self.report)
        }
        #expect(late.busyThreads == 7)
        #expect(shared.state.withLock { $0.phase } == .stopped)
        #expect(shared.state.withLock { $0.report?.busyThreads } == 7)
    }

    @Test("A coordinator goes idle, running, draining, stopped, and never back")
    func phases() async throws {
        let coordinator = try makeCoordinator()
        #expect(coordinator.phase == .idle && !coordinator.isDraining)
        try await coordinator.start()
        try await coordinator.start()
        #expect(coordinator.phase == .running && !coordinator.isDraining)
        let gate = Gate()
        let sawDraining = Tally()
        let token = TaskTokenGuard("lifecycle.body", on: coordinator) { (_: Int) in
            gate.pass()
            if TokenContext.current?.isDraining == true { sawDraining.add() }
        }(1)
        await gate.waitForArrivals()
        async let stopping = coordinator.stop()
        #expect(await eventually { coordinator.phase == .draining })
        #expect(coordinator.isDraining)
        let refused = await #expect(throws: TokenError.self) { try await coordinator.start() }
        #expect(refused?.code == .coordinatorStopped)
        gate.open()
        #expect(await stopping.isClean)
        #expect(coordinator.phase == .stopped && coordinator.isDraining)
        #expect(sawDraining.value == 1)
        try await token.value
        await #expect(throws: TokenError.self) { try await coordinator.start() }
        #expect(await coordinator.stop().isComplete)
    }

    @Test("C11 who has seen a stop begin is refused: phase and gate change together")
    func phaseAndGateTogether() async throws {
        for _ in 0..<Sizes.part(of: 200) {
            let coordinator = try makeCoordinator()
            let call = TaskTokenGuard("lifecycle.together", on: coordinator) { (n: Int) in n }
            async let stopping = coordinator.stop(timeout: .zero)
            while coordinator.phase == .idle { await Task.yield() }
            #expect(coordinator.isDraining)
            let refused = await #expect(throws: TokenError.self) { try await call(1).value }
            #expect(refused?.code == .coordinatorStopped)
            _ = await stopping
        }
    }

    @Test("Starts and stops that race leave a stopped coordinator and no token unsettled", arguments: 0..<10)
    func startAgainstStop(round: Int) async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1 + round % 3) }
        let call = TaskTokenGuard("lifecycle.race", on: coordinator) { (n: Int) in n }
        var tokens = (0..<20).map { call($0) }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { try? await coordinator.start() } }
            for _ in 0..<2 { group.addTask { await coordinator.stop(timeout: .milliseconds(round)) } }
        }
        tokens += (0..<20).map { call($0) }
        #expect(coordinator.phase == .stopped)
        #expect(await gather(tokens).count == 40)
        #expect(coordinator.statistics().counts.live == 0)
        #expect(await eventually { coordinator.statistics().domains.allSatisfy { $0.workers.isEmpty } })
    }

    @Test("withCoordinator starts one, is where tokens go in its body and child tasks, and stops it, also on a throw")
    func scoped() async throws {
        let call = TaskTokenGuard("lifecycle.scoped") { (n: Int) in n }
        var kept: OperationsCoordinator?
        let value = try await withCoordinator { coordinator async throws in
            kept = coordinator
            #expect(coordinator.phase == .running)
            async let child = call(2).value
            let token = call(1)
            #expect(token.id.origin == coordinator.realm.origin)
            return try await token.value + child
        }
        #expect(value == 3)
        #expect(kept?.phase == .stopped)
        struct Sour: Error {}
        await #expect(throws: Sour.self) {
            try await withCoordinator { coordinator async throws in
                kept = coordinator
                throw Sour()
            }
        }
        #expect(kept?.phase == .stopped)
    }

    @Test("C12 a coordinator that is refused leaves the process default as it was")
    func refused() async {
        await #expect(processExitsWith: .success) {
            let call = TaskTokenGuard("lifecycle.refused") { (n: Int) in n }
            let first = try OperationsCoordinator()
            for bad in ["limit", "workers"] {
                var configuration = Configuration()
                if bad == "limit" { configuration.storageLimits[.slow] = 0 } else { configuration.workersPerCore = 0 }
                #expect((try? OperationsCoordinator(configuration)) == nil)
                #expect(call(1).id.origin == first.realm.origin)
            }
        }
    }

    @Test("The first coordinator is the process default until it stops; then the next one made takes its place")
    func processDefault() async {
        await #expect(processExitsWith: .success) {
            let call = TaskTokenGuard("lifecycle.default") { (n: Int) in n }
            let first = try OperationsCoordinator()
            let second = try OperationsCoordinator()
            #expect(call(1).id.origin == first.realm.origin)
            second.makeDefault()
            #expect(call(1).id.origin == second.realm.origin)
            await second.stop()
            let third = try OperationsCoordinator()
            #expect(call(1).id.origin == third.realm.origin)
        }
    }
}
