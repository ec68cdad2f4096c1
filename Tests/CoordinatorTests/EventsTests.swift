//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Coordinator
import TestSupport
import Testing
import TokenCore

/// Events: every state change, in order, without gaps; bounded for each subscriber; free while nobody listens.
@Suite struct EventsTests {
    /// Reads a subscription until `isLast`, or its end.
    private func read(
        _ events: EventSubscription, until isLast: @escaping @Sendable (Event) -> Bool
    ) -> Task<[Event], Never> {
        Task {
            var seen: [Event] = []
            for await event in events {
                seen.append(event)
                if isLast(event) { break }
            }
            return seen
        }
    }

    private func states(of id: TokenID, in events: [Event]) -> [TokenState] {
        events.compactMap { event in
            if case .token(id, _, let state, _) = event.kind { state } else { nil }
        }
    }

    @Test("Events tell each state change of a token, in order, with a sequence without gaps, and end with the stop")
    func order() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
        let reader = read(coordinator.events) { _ in false }
        try await coordinator.start()
        let call = TaskTokenGuard("event.call", on: coordinator) { (n: Int) throws in
            if n == 3 { throw TokenError(.invalidArgument, "three") }
            return n
        }
        let tokens = (0..<100).map { call($0) }
        _ = await gather(tokens)
        await coordinator.stop()
        let events = await reader.value
        #expect(events.map(\.sequence) == Array(1...UInt64(events.count)))
        #expect(zip(events, events.dropFirst()).allSatisfy { $0.time <= $1.time })
        for (index, token) in tokens.enumerated() {
            let end: TokenState = index == 3 ? .failed : .completed
            #expect(states(of: token.id, in: events) == [.admitted, .executing, end])
        }
        var phases: [LifecyclePhase] = []
        var started = 0
        for event in events {
            if case .lifecycle(let phase) = event.kind { phases.append(phase) }
            if case .workerStarted = event.kind { started += 1 }
        }
        #expect(phases == [.running, .draining, .stopped])
        #expect(started >= 2)
    }

    @Test("Events tell kills, late results, and leases opened and released")
    func kinds() async throws {
        try await withTestCoordinator { coordinator async throws in
            // They come from two workers, in either order.
            let last = Tally()
            let reader = read(coordinator.events) {
                switch $0.kind {
                case .lateResult, .leaseReleased: return last.add() == 2
                default: return false
                }
            }
            let lead = TaskTokenGuard("event.lead", locality: .lead(externalCalls: ["x"]), on: coordinator) {
                (n: Int) in n
            }
            let first = lead(1)
            _ = try await first.value
            let gate = Gate()
            let slow = TaskTokenGuard("event.slow", on: coordinator) { (_: Int) in gate.pass() }(1)
            await gate.waitForArrivals()
            slow.kill()
            gate.open()
            let events = await reader.value
            #expect(states(of: slow.id, in: events) == [.admitted, .executing, .killed])
            var leases: [String] = []
            for event in events {
                if case .leaseOpened(let seed, first.id, _) = event.kind, seed == first.seed { leases.append("opened") }
                if case .leaseReleased(_, first.id, _) = event.kind { leases.append("released") }
            }
            #expect(leases == ["opened", "released"])
        }
    }

    @Test("A token that is held back is told as waiting")
    func waiting() async throws {
        try await withTestCoordinator { coordinator async throws in
            let reader = read(coordinator.events) {
                if case .token(_, _, .completed, _) = $0.kind { true } else { false }
            }
            coordinator.pause()
            let token = TaskTokenGuard("event.held", on: coordinator) { (n: Int) in n }(1)
            coordinator.resume()
            #expect(states(of: token.id, in: await reader.value) == [.waiting, .admitted, .executing, .completed])
        }
    }

    @Test("A subscriber that does not keep up loses the oldest events, and is told how many; others lose none")
    func dropped() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.eventBuffer = 8
        } _: { coordinator async throws in
            let call = TaskTokenGuard("event.dropped", on: coordinator) { (n: Int) in n }
            // The worker has begun its life once this has run, and what is told of it has been told.
            let first = read(coordinator.events) {
                if case .token(_, _, .completed, _) = $0.kind { true } else { false }
            }
            _ = try await call(0).value
            let before = try #require(await first.value.last).sequence
            let slow = coordinator.events
            for n in 0..<20 { _ = try await call(n).value }
            // 20 times admitted, executing, completed.
            #expect(await eventually { slow.dropped == 52 })
            var iterator = slow.makeAsyncIterator()
            var sequences: [UInt64] = []
            for _ in 0..<8 { if let event = await iterator.next() { sequences.append(event.sequence) } }
            #expect(sequences == Array(before + 53...before + 60))
            #expect(slow.dropped == 52)
        }
    }

    @Test("Cancelling the reading task ends the sequence, with or without an event on its way")
    func cancelled() async throws {
        try await withTestCoordinator { coordinator async throws in
            let call = TaskTokenGuard("event.cancelled", on: coordinator) { (n: Int) in n }
            for round in 0..<50 {
                let events = coordinator.events
                let reader = Task {
                    for await _ in events {}
                    return true
                }
                if round % 2 == 0 { await Task.yield() }
                if round % 3 == 0 { _ = call(round) }
                reader.cancel()
                #expect(await reader.value)
            }
        }
    }

    @Test("Any number of subscribers see the same events in the same order")
    func manySubscribers() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
        try await coordinator.start()
        let readers = (0..<5).map { _ in read(coordinator.events) { _ in false } }
        // The sequence goes on for as long as anyone listens.
        let call = TaskTokenGuard("event.many", on: coordinator) { (n: Int) in n }
        await concurrently(3) { _ in for n in 0..<50 { _ = call(n) } }
        await coordinator.stop()
        var all: [[UInt64]] = []
        for reader in readers { all.append(await reader.value.map(\.sequence)) }
        for sequences in all {
            #expect(sequences == Array((sequences.first ?? 0)..<(sequences.first ?? 0) + UInt64(sequences.count)))
            #expect(sequences.count >= 450)
        }
        let last = Set(all.map(\.last))
        #expect(last.count == 1)
    }

    @Test("A subscription to a stopped coordinator ends at once")
    func afterStop() async throws {
        let coordinator = try makeCoordinator()
        await coordinator.stop()
        for await _ in coordinator.events { Issue.record("nothing happens any more") }
    }

    @Test("Nothing is kept for a subscriber before it subscribes, nor while nobody does")
    func fromTheMomentOfSubscription() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator async throws in
            let call = TaskTokenGuard("event.moment", on: coordinator) { (n: Int) in n }
            for n in 0..<100 { _ = try await call(n).value }
            var iterator = coordinator.events.makeAsyncIterator()
            let token = call(1)
            _ = try await token.value
            // Events that nobody listened to were not even numbered; the last one before may still be on its way.
            let first = await iterator.next()
            #expect(first.map { $0.sequence == 1 } == true)
        }
    }
}
