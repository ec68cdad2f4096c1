//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenCore
import TokenGate

@testable import Coordinator

/// What was suspended when the coordinator stopped comes back to life on a few threads.
@Suite("C11 async bodies that outlive the stop")
struct LateThreadsTests {
    /// Bodies that are suspended until the test says so.
    private final class Bed: Sendable {
        private let sleepers = Guarded<[CheckedContinuation<Void, Never>]>([])

        func lie() async { await withCheckedContinuation { sleeper in sleepers.withLock { $0.append(sleeper) } } }
        var count: Int { sleepers.withLock { $0.count } }
        func wakeAll() {
            let woken = sleepers.withLock { sleepers in
                defer { sleepers = [] }
                return sleepers
            }
            for sleeper in woken { sleeper.resume() }
        }
    }

    /// A stopped coordinator with `count` bodies that are suspended in `bed` and go on with `then`.
    private func stopped(
        with count: Int, in bed: Bed, on system: any AffinitySystem = LinuxAffinity(),
        _ then: @escaping @Sendable (Int) -> Void
    ) async throws -> OperationsCoordinator {
        let coordinator = try makeCoordinator {
            $0.pretend(domains: 1)
            $0.affinitySystem = system
        }
        try await coordinator.start()
        let body = TaskTokenGuard("late.body", on: coordinator) { (number: Int) async in
            await bed.lie()
            then(number)
        }
        let tokens = (0..<count).map { body($0) }
        try #require(await eventually { bed.count == count })
        await coordinator.stop(timeout: .zero)
        #expect(tokens.allSatisfy(\.isSettled) && coordinator.engine.late.count == 0)
        return coordinator
    }

    @Test("five thousand that are suspended at a stop all end, on sixteen threads at most, which end then")
    func many() async throws {
        let (bed, ended, names) = (Bed(), Tally(), Journal<String>())
        let coordinator = try await stopped(with: 5_000, in: bed) { number in
            if number % 500 == 0 { names.note(CurrentThread.name()) }
            ended.add()
        }
        bed.wakeAll()
        #expect(await eventually { ended.value == 5_000 && coordinator.engine.late.count == 0 })
        #expect((1...16).contains(coordinator.engine.late.peak))
        #expect(names.all == Array(repeating: "tg-late", count: 10))
    }

    @Test("fifteen that block for long keep nobody; behind sixteen the rest wait until one of them is done")
    func blocked() async throws {
        for blocking in [15, 16] {
            let (bed, gate, ended) = (Bed(), Gate(), Tally())
            let coordinator = try await stopped(with: 100, in: bed) { number in
                if number < blocking { gate.pass() }
                ended.add()
            }
            // In their order: those that block come first.
            bed.wakeAll()
            await gate.waitForArrivals(blocking)
            if blocking == 15 {
                #expect(await eventually { ended.value == 85 })
                #expect(await eventually { coordinator.engine.late.count == 15 })
            }
            #expect(coordinator.engine.late.peak <= 16)
            gate.open()
            #expect(await eventually { ended.value == 100 && coordinator.engine.late.count == 0 })
            #expect(coordinator.engine.late.peak <= 16)
        }
    }

    @Test("where the system refuses threads, now and then or each, all end", arguments: [1, 2, 3])
    func refused(_ every: Int) async throws {
        let (bed, ended, isRefusing) = (Bed(), Tally(), Tally())
        let system = RefusingAffinity { isRefusing.value > 0 && $0 % every == 0 }
        let coordinator = try await stopped(with: 200, in: bed, on: system) { _ in ended.add() }
        isRefusing.add()
        bed.wakeAll()
        #expect(await eventually { ended.value == 200 && coordinator.engine.late.count == 0 })
        #expect(coordinator.engine.late.peak <= 16)
        if every == 1 { #expect(system.refused.value > 0) }
    }

    @Test("threads that are refused to many callers at once leave nothing behind")
    func refusedAtOnce() async throws {
        let system = RefusingAffinity { _ in true }
        for _ in 0..<Sizes.part(of: 200) {
            let late = LateThreads(most: 2, system: system)
            let crew = CrewExecutor(crew: Crew(domain: 0, kind: .standard, target: 1, aging: 0, cap: 1), late: late)
            crew.close()
            let ended = Tally()
            let tasks = Guarded<[Task<Void, Never>]>([])
            await concurrently(4) { _ in
                let task = Task.detached(executorPreference: crew) { _ = ended.add() }
                tasks.withLock { $0.append(task) }
            }
            for task in tasks.withLock({ $0 }) { await task.value }
            #expect(ended.value == 4)
            #expect(await eventually { late.count == 0 })
            #expect(late.peak <= 2)
        }
    }
}

extension CrewExecutor {
    /// As at the end of a stop.
    fileprivate func close() { crew.state.withLock { $0.isClosed = true } }
}
