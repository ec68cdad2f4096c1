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

@Suite("Ledger: every token is accounted for", .serialized)
struct LedgerTests {
    /// When the coordinator is stopped.
    enum Ending: Sendable, CustomTestStringConvertible {
        /// When everything has settled by itself.
        case afterAll
        /// When everything has been submitted.
        case atTheEnd
        /// When half has been submitted, with so little time.
        case inTheMiddle(milliseconds: Int)

        var testDescription: String {
            switch self {
            case .afterAll: "stop after all"
            case .atTheEnd: "stop at the end"
            case .inTheMiddle(let milliseconds): "stop in the middle within \(milliseconds) ms"
            }
        }
    }

    @Test(
        "C1 C2 C5 C6 under retries, timeouts, shared keys, dependencies, limits, blocks, kills, pauses, discards and a stop every token settles exactly once",
        arguments: [.afterAll, .atTheEnd, .inTheMiddle(milliseconds: 1), .inTheMiddle(milliseconds: 3)] as [Ending])
    func accounts(_ ending: Ending) async throws {
        var numbers = SeededNumbers(for: "ledger")
        let (threads, seed) = (8, numbers.next())
        let each = Sizes.ledger / threads
        let ledger = Ledger(each * threads, anchors: LedgerOperations.anchors)
        let kept: Kept
        // Memory is back where it was when no token is left.
        let samples = Journal<KeptToken>()
        do {
            let coordinator = try makeCoordinator { $0.storageLimits[.slow] = 4 }
            kept = Kept(coordinator.engine)
            try await coordinator.start()
            let operations = LedgerOperations(coordinator, ledger)
            let (half, ended) = (Tally(), Tally())
            async let disturbance: Void = onThread {
                Self.disturb(coordinator, operations.types, until: { ended.value == threads }, seed)
            }
            async let earlyStop: StopReport? = {
                guard case .inTheMiddle(let milliseconds) = ending else { return nil }
                _ = await eventually { half.value > 0 }
                return await coordinator.stop(timeout: .milliseconds(milliseconds))
            }()
            await concurrently(threads) { thread in
                defer { ended.add() }
                var numbers = SeededNumbers(seed: seed &+ UInt64(thread))
                for turn in 0..<each {
                    let call = thread * each + turn
                    if turn == each / 2 { half.add() }
                    guard let token = try? operations.call(call, ledger, using: &numbers) else {
                        ledger.faults.note("call \(call) was not submitted")
                        continue
                    }
                    samples.note(KeptToken(token))
                    if Int.random(in: 0..<16, using: &numbers) == 0 { token.kill() }
                }
            }
            try await disturbance
            if let report = await earlyStop {
                #expect(report.isComplete)
            } else {
                try Self.endDisturbance(coordinator, operations.types)
                if case .afterAll = ending { try await Self.checkRest(ledger, samples, coordinator, operations.types) }
                let report = await coordinator.stop(timeout: .seconds(240))
                #expect(report.isComplete && report.abandoned.isEmpty, "\(report)")
            }
            await check(ledger, coordinator)
            ledger.letGo()
            // It may have become the process default, which would keep it.
            DefaultSubmitter.remove(coordinator.engine)
        }
        #expect(await eventually { kept.engine == nil }, "the engine is kept by something")
        #expect(
            await eventually { samples.all.allSatisfy { $0.token == nil } }, "tokens are kept")
    }

    /// Pauses, resumes, blocks, kills, discards and changes limits until all submitters have ended.
    private static func disturb(
        _ coordinator: OperationsCoordinator, _ types: [String], until isOver: () -> Bool, _ seed: UInt64
    ) {
        var numbers = SeededNumbers(seed: ~seed)
        while !isOver() {
            let type = types.randomElement(using: &numbers) ?? ""
            switch Int.random(in: 0..<64, using: &numbers) {
            case 0: coordinator.killAll()
            case 1, 2: coordinator.discardWaiting()
            case 3...8: _ = try? coordinator.killAll(type)
            case 9...12: _ = try? coordinator.discardWaiting(type)
            case 13...16: coordinator.pause()
            case 17...24: coordinator.resume()
            case 25...29: _ = try? coordinator.pause(type)
            case 30...38: _ = try? coordinator.resume(type)
            case 39...41: _ = try? coordinator.block(type)
            case 42...50: _ = try? coordinator.unblock(type)
            case 51...55:
                // The one whose limit is watched always has one.
                let most = LedgerOperations.mostAtOnce
                let limit =
                    type == "ledger_limited" || Bool.random(using: &numbers)
                    ? Int.random(in: 1...most, using: &numbers) : nil
                try? coordinator.setConcurrencyLimit(limit, of: type)
            default: try? coordinator.setStorageLimit(Int.random(in: 1...9, using: &numbers), for: .slow)
            }
            usleep(UInt32.random(in: 0...300, using: &numbers))
        }
    }

    private static func endDisturbance(_ coordinator: OperationsCoordinator, _ types: [String]) throws {
        coordinator.resume()
        for type in types {
            try coordinator.resume(type)
            try coordinator.unblock(type)
        }
    }

    /// Nothing is left of tokens that have settled, without a stop that would clear it away.
    private static func checkRest(
        _ ledger: Ledger, _ tokens: Journal<KeptToken>, _ coordinator: OperationsCoordinator, _ types: [String]
    ) async throws {
        let areSettled = await eventually(within: .seconds(120)) { ledger.settled.allSatisfy { $0.value > 0 } }
        if !areSettled {
            for token in tokens.all.compactMap(\.token) where !token.isSettled {
                Issue.record("\(token) is left: \(token.status())")
            }
            Issue.record("\(coordinator.statistics().operations.filter { $0.counts.live > 0 })")
        }
        #expect(await eventually { coordinator.realm.timers.count == 0 }, "timers are left")
        let gates = try types.compactMap { try Operation.existing($0) }.compactMap(coordinator.realm.existingGate)
        #expect(gates.count > 5 && gates.allSatisfy { $0.keyCount == 0 }, "keys are left")
    }

    /// Children are the engine's own business: they are counted, but not in this ledger.
    private static func own(_ coordinator: OperationsCoordinator) -> Statistics.Counts {
        coordinator.statistics().operations.filter { $0.operationType != LedgerOperations.child }
            .reduce(Statistics.Counts()) { $0 + $1.counts }
    }

    private func check(_ ledger: Ledger, _ coordinator: OperationsCoordinator) async {
        // A stop without time does not wait long for callbacks.
        _ = await eventually { ledger.settled.allSatisfy { $0.value > 0 } }
        #expect(ledger.settled.allSatisfy { $0.value == 1 })
        #expect(ledger.faults.all == [])
        let own = Self.own(coordinator)
        #expect(own.live == 0 && coordinator.statistics().counts.live == 0)
        #expect(own.submitted == ledger.count())
        #expect(own.completed == ledger.count(.completed))
        #expect(own.failed == ledger.count(.failed))
        #expect(own.killed == ledger.count(.killed))
        #expect(own.timedOut == ledger.count(.timedOut))
        #expect(await eventually { coordinator.statistics().openLeases == 0 })
        // Given back right after the settlement, by whoever ran the body.
        #expect(await eventually { coordinator.statistics().tiers.allSatisfy { $0.inUse == 0 && $0.waiting == 0 } })
        #expect(await eventually { Self.limitsAreFree(coordinator) })
        #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        #expect(await eventually { coordinator.statistics().domains.allSatisfy { $0.homes == 0 } })
    }

    /// Nobody is within a limit of an operation, or waits for room, also where the limit was lifted meanwhile.
    private static func limitsAreFree(_ coordinator: OperationsCoordinator) -> Bool {
        coordinator.engine.operations.seen.allSatisfy { record in
            record.line?.permits.withLock { $0.inUse == 0 && $0.waiting == 0 } ?? true
        }
            && coordinator.statistics().operations.compactMap(\.admission).allSatisfy {
                $0.inUse == 0 && $0.waiting == 0
            }
    }
}

private final class Kept: Sendable {
    weak let engine: Engine?
    init(_ engine: Engine) { self.engine = engine }
}
