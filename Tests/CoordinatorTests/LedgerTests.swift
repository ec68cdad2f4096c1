//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import Testing
import TokenCore
import TokenGate

@testable import Coordinator

/// Every token a test made, and how often each was settled.
private final class Ledger: Sendable {
    let settled: [Tally]
    let places: [Place]
    /// Tokens of one anchor that ran in a second domain while others of it were alive.
    let displaced = Tally()
    let (completed, failed, killed, submitted) = (Tally(), Tally(), Tally(), Tally())

    init(_ count: Int, anchors: Int) {
        settled = (0..<count).map { _ in Tally() }
        places = (0..<anchors).map { _ in Place() }
    }

    func note(_ index: Int, _ token: TaskToken<Int>) {
        settled[index].add()
        switch token.resultIfSettled {
        case .success: completed.add()
        case .failure(let error): (error is TokenError ? killed : failed).add()
        case nil: break
        }
    }

    /// A body of an anchor: all that run at one time must see the same domain.
    func inside(_ anchor: Int, _ work: () -> Void) {
        let domain = TokenContext.current?.domain ?? 0
        if places[anchor].enter(domain) { displaced.add() }
        work()
        places[anchor].leave()
    }
}

/// Where the bodies of one anchor are.
private final class Place: Sendable {
    private let state = Guarded((domain: 0, inside: 0))

    /// Whether others are inside in another domain.
    func enter(_ domain: Int) -> Bool {
        state.withLock { state in
            defer { state = (domain, state.inside + 1) }
            return state.inside > 0 && state.domain != domain
        }
    }

    func leave() { state.withLock { $0.inside -= 1 } }
}

@Suite("Ledger: every token is accounted for", .serialized)
struct LedgerTests {
    private struct Failure: Error {}
    private static let anchors = 17
    private static let types = ["plain", "heavy", "writer", "sticky", "ordered", "lead", "async", "parent"]

    /// The operations of the ledger, each with its own way of running.
    private struct Operations: Sendable {
        let all: [TaskTokenGuard<Int, Int>]

        init(_ coordinator: OperationsCoordinator, _ ledger: Ledger) {
            let body: @Sendable (Int) throws -> Int = { n in
                if n % 11 == 0 { throw Failure() }
                return n
            }
            let anchored: @Sendable (Int) throws -> Int = { n in
                ledger.inside(n % LedgerTests.anchors) { for _ in 0..<n % 7 { _ = CurrentThread.tid() } }
                return try body(n)
            }
            let child = TaskTokenGuard("ledger_child", body)
            let key: @Sendable (Int) -> Int = { $0 % LedgerTests.anchors }
            all = [
                TaskTokenGuard("ledger_plain", weight: .light, on: coordinator, body),
                TaskTokenGuard("ledger_heavy", weight: .heavy, on: coordinator, body),
                TaskTokenGuard("ledger_writer", storage: .slow, on: coordinator, body),
                TaskTokenGuard("ledger_sticky", locality: .sticky(key), on: coordinator, anchored),
                TaskTokenGuard("ledger_ordered", locality: .sticky(ordered: true, key), on: coordinator, anchored),
                TaskTokenGuard("ledger_lead", locality: .lead(externalCalls: ["ledger_child"]), on: coordinator) { n in
                    _ = child(n)
                    return try child(n + 1).wait()
                },
                TaskTokenGuard("ledger_async", on: coordinator) { (n: Int) async throws in
                    await Task.yield()
                    return try await child(n).value
                },
                TaskTokenGuard("ledger_parent", storage: .slow, on: coordinator) { n in try child(n).wait() },
            ]
        }
    }

    @Test(
        "C1 C2 C5 C6 under kills, pauses, discards, limit changes and a stop, at the end or in the middle, every token settles exactly once",
        arguments: [nil, 1, 3])
    func accounts(stopsInTheMiddleWithin milliseconds: Int?) async throws {
        var numbers = SeededNumbers(for: "ledger")
        let (threads, seed) = (8, numbers.next())
        let each = Sizes.ledger / threads
        let ledger = Ledger(each * threads, anchors: Self.anchors)
        let kept: Kept
        // Memory is back where it was when no token is left; one in 16 is watched.
        let samples = Journal<KeptToken>()
        do {
            let coordinator = try makeCoordinator { $0.storageLimits[.slow] = 4 }
            kept = Kept(coordinator.engine)
            try await coordinator.start()
            let operations = Operations(coordinator, ledger)
            let (half, ended) = (Tally(), Tally())
            async let disturbance: Void = onThread { Self.disturb(coordinator, ended, threads, seed) }
            async let earlyStop: StopReport? = {
                guard let milliseconds else { return nil }
                _ = await eventually { half.value > 0 }
                return await coordinator.stop(timeout: .milliseconds(milliseconds))
            }()
            await concurrently(threads) { thread in
                var numbers = SeededNumbers(seed: seed &+ UInt64(thread))
                for turn in 0..<each {
                    let index = thread * each + turn
                    let token = operations.all[Int.random(in: 0..<operations.all.count, using: &numbers)](index)
                    ledger.submitted.add()
                    token.onSettled { [unowned token] in ledger.note(index, token) }
                    if turn % 16 == 0 { samples.note(KeptToken(token)) }
                    if Int.random(in: 0..<16, using: &numbers) == 0 { token.kill() }
                    if turn == each / 2 { half.add() }
                }
                ended.add()
            }
            try await disturbance
            if let report = await earlyStop {
                #expect(report.isComplete)
            } else {
                coordinator.resume()
                for type in Self.types { try coordinator.resume("ledger_\(type)") }
                let report = await coordinator.stop(timeout: .seconds(60))
                #expect(report.isComplete && report.abandoned.isEmpty)
            }
            await check(ledger, coordinator)
            // It may have become the process default, which would keep it.
            DefaultSubmitter.remove(coordinator.engine)
        }
        #expect(await eventually { kept.engine == nil }, "the engine is kept by something")
        #expect(
            await eventually { samples.all.allSatisfy { $0.token == nil } }, "tokens are kept")
    }

    /// Pauses, resumes, kills, discards and changes limits until all submitters have ended.
    private static func disturb(_ coordinator: OperationsCoordinator, _ ended: Tally, _ threads: Int, _ seed: UInt64) {
        var numbers = SeededNumbers(seed: ~seed)
        while ended.value < threads {
            let type = "ledger_" + (types.randomElement(using: &numbers) ?? "plain")
            switch Int.random(in: 0..<40, using: &numbers) {
            case 0: coordinator.killAll()
            case 1, 2: coordinator.discardWaiting()
            case 3...8: _ = try? coordinator.killAll(type)
            case 9...12: _ = try? coordinator.discardWaiting(type)
            case 13...16: coordinator.pause()
            case 17...24: coordinator.resume()
            case 25...28: _ = try? coordinator.pause(type)
            case 29...34: _ = try? coordinator.resume(type)
            default: try? coordinator.setStorageLimit(Int.random(in: 1...9, using: &numbers), for: .slow)
            }
            usleep(UInt32.random(in: 0...300, using: &numbers))
        }
    }

    /// Children are the engine's own business: they are counted, but not in this ledger.
    private static func own(_ coordinator: OperationsCoordinator) -> [Statistics.Counts] {
        coordinator.statistics().operations.filter { $0.operationType != "ledger_child" }.map(\.counts)
    }

    private func check(_ ledger: Ledger, _ coordinator: OperationsCoordinator) async {
        #expect(ledger.submitted.value == ledger.settled.count)
        // A stop without time does not wait long for callbacks.
        _ = await eventually { ledger.settled.allSatisfy { $0.value > 0 } }
        #expect(ledger.settled.allSatisfy { $0.value == 1 })
        #expect(ledger.displaced.value == 0)
        let statistics = coordinator.statistics()
        #expect(statistics.counts.live == 0)
        let own = Self.own(coordinator)
        #expect(own.reduce(0) { $0 + $1.submitted } == UInt64(ledger.settled.count))
        #expect(own.reduce(0) { $0 + $1.completed } == UInt64(ledger.completed.value))
        #expect(own.reduce(0) { $0 + $1.failed + $1.killed } == UInt64(ledger.failed.value + ledger.killed.value))
        #expect(await eventually { coordinator.statistics().openLeases == 0 })
        // Given back right after the settlement, by whoever ran the body.
        #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 && $0.waiting == 0 } })
        #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        #expect(await eventually { coordinator.statistics().domains.allSatisfy { $0.homes == 0 } })
    }
}

private final class Kept: Sendable {
    weak let engine: Engine?
    init(_ engine: Engine) { self.engine = engine }
}

private final class KeptToken: Sendable {
    weak let token: AnyTaskToken?
    init(_ token: AnyTaskToken) { self.token = token }
}
