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

/// What callers that are threads, in whatever language, get in place of `await`.
@Suite("For threads")
struct ForThreadsTests {
    @Test("A thread starts a coordinator, and stops it together with a task: both get the same report")
    func startAndStop() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
        let gate = Gate()
        let body = TaskTokenGuard("threads_body", on: coordinator) { gate.pass() }
        let early = body()
        try await onThread { try coordinator.startBlocking() }
        try await onThread { try coordinator.startBlocking() }
        try #require(await gate.waitForArrivals(1))
        async let one = coordinator.stop()
        async let other = onThread { coordinator.stopBlocking(timeout: .seconds(200)) }
        #expect(await eventually { coordinator.isDraining })
        gate.open()
        let (report, same) = (await one, try await other)
        #expect(report.isClean && report.duration == same.duration && early.state == .completed)
        let error = try await onThread { () -> TokenError? in
            do throws(TokenError) { try coordinator.startBlocking() } catch { return error }
            return nil
        }
        #expect(error?.code == .coordinatorStopped)
    }

    @Test("C4 a thread's start with pin mode hard fails where a worker cannot be pinned, and everything is stopped")
    func hardPins() async throws {
        let coordinator = try makeCoordinator {
            $0.affinitySystem = FakeAffinity(.refuses)
            $0.pinMode = .hard
        }
        let error = try await onThread { () -> TokenError? in
            do throws(TokenError) { try coordinator.startBlocking() } catch { return error }
            return nil
        }
        #expect(error?.code == .invalidConfiguration && coordinator.phase == .stopped)
    }

    @Test("C11 a stop from inside a body that blocks for it begins, and returns at once")
    func stopInside() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let stops = TaskTokenGuard("threads_stops", on: coordinator) {
            coordinator.stopBlocking(timeout: .seconds(200))
        }
        #expect(try await stops().value.isComplete == false)
        #expect(await coordinator.stop().isClean)
    }

    @Test("A body is told how much of a stop's time is left, and nothing while there is none")
    func timeRemaining() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let gate = Gate()
        let body = TaskTokenGuard("threads_time", on: coordinator) {
            let before = TokenContext.current?.timeRemaining
            gate.pass()
            return (before, TokenContext.current?.timeRemaining)
        }
        let token = body()
        try #require(await gate.waitForArrivals(1))
        async let stopping = coordinator.stop(timeout: .seconds(1_000))
        #expect(await eventually { coordinator.isDraining })
        gate.open()
        let (before, after) = try await token.value
        #expect(before == nil)
        #expect(after.map { $0 > .zero && $0 <= .seconds(1_000) } == true)
        _ = await stopping
    }

    @Test("What a body is told of a stop's time ends when the stop settles what is left, not later")
    func stopDeadline() async throws {
        let coordinator = try makeCoordinator()
        #expect(coordinator.stopDeadline == nil)
        try await coordinator.start()
        let gate = Gate()
        let token = TaskTokenGuard("threads_deadline", on: coordinator) { gate.pass() }()
        try #require(await gate.waitForArrivals(1))
        async let stopping = coordinator.stop(timeout: .seconds(1_000))
        #expect(await eventually { coordinator.isDraining })
        let givesUp = coordinator.engine.control.withLock { $0.deadline }
        // Few tokens: 10 ms for settling them and ending threads.
        #expect(coordinator.stopDeadline == givesUp - 10_000_000)
        gate.open()
        try await token.value
        #expect(await stopping.isClean)
    }

    @Test("A thread reads a subscription to its end, and is let go where that is ended by another")
    func events() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1) }
        let (all, cut) = (coordinator.events, coordinator.events)
        async let phases = onThread {
            var phases: [LifecyclePhase] = []
            while let event = all.nextBlocking() {
                if case .lifecycle(let phase) = event.kind { phases.append(phase) }
            }
            return phases
        }
        let isReading = Gate(open: true)
        async let read = onThread {
            var count = 0
            isReading.pass()
            while cut.nextBlocking() != nil { count += 1 }
            return count
        }
        try #require(await isReading.waitForArrivals(1))
        cut.finish()
        #expect(try await read == 0)
        try await coordinator.start()
        await coordinator.stop()
        #expect(try await phases == [.running, .draining, .stopped])
    }

    private final class Sink: SettlementSink {
        let taken = Guarded<[UInt]>([])
        func take(_ token: AnyTaskToken, tag: UInt) {
            if token.isSettled { taken.withLock { $0.append(tag) } }
        }
    }

    @Test("C1 a sink gets each token once, beside other waiters and alone, however the token ends")
    func sinks() async throws {
        let sink = Sink()
        try await withTestCoordinator { coordinator in
            try coordinator.pause("threads_sink")
            let call = TaskTokenGuard("threads_sink", on: coordinator) { (number: Int) in number }
            let tokens = (0..<200).map { call($0) }
            let called = Tally()
            for (tag, token) in tokens.enumerated() {
                if tag % 3 == 0 { token.onSettled { called.add() } }
                #expect(token.addWaiter(.sink(sink, tag: UInt(tag))))
                if tag % 5 == 0 { token.onSettled { called.add() } }
            }
            for token in tokens.prefix(50) { token.kill() }
            try coordinator.resume("threads_sink")
            _ = await gather(tokens)
            #expect(!tokens[0].addWaiter(.sink(sink, tag: 1_000)))
            #expect(await eventually { called.value == 67 + 40 })
            #expect(await eventually { sink.taken.withLock { $0.count } == 200 })
            #expect(sink.taken.withLock { Set($0) } == Set(0..<200))
        }
    }
}
