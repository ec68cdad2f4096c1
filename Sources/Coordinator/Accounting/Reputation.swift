//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization
internal import TokenCore

/// How an operation has been doing in a coordinator: counted from its tokens, judged by the thresholds of Py-TokenGate.
public struct Reputation: Sendable, Hashable, Encodable {
    /// A class of health.
    public enum Health: String, Sendable, Hashable, CaseIterable, Codable {
        /// 95 % of its runs and more completed.
        case excellent
        /// 80 % and more.
        case healthy
        /// 50 % and more.
        case atRisk
        /// Less than half.
        case problematic
        /// Fewer than five runs.
        case unknown

        /// The class of so many runs.
        package init(runs: UInt64, completed: UInt64) {
            if runs < 5 {
                self = .unknown
            } else {
                // In whole numbers: 95 of 100 is 95 %.
                let share = completed.multipliedReportingOverflow(by: 100)
                let percent = share.overflow ? completed / (runs / 100) : share.partialValue / runs
                self = percent >= 95 ? .excellent : percent >= 80 ? .healthy : percent >= 50 ? .atRisk : .problematic
            }
        }
    }

    /// The operation type.
    public let operationType: String
    /// Bodies that returned, threw, or took too long.
    ///
    /// Tokens that were killed, discarded or refused, or ran out of time before they began, say nothing of their operation.
    public let runs: UInt64
    /// Those that completed.
    public let completed: UInt64
    /// Those that failed.
    public let failed: UInt64
    /// Those whose token ran out of time.
    public let timedOut: UInt64
    /// From submission to the start of the body, of half of them at most.
    public let medianWait: Duration
    /// From the start of the body to its end, of half of them at most.
    public let medianRun: Duration
    /// The longest of these.
    public let longestRun: Duration
    /// What bodies threw, by the name of its type, most often first; at most 32 kinds, what is beyond them as `others`.
    ///
    /// Without those of batches that share their storage.
    public let failures: [FailureKind]
    /// The class of health.
    public let health: Health
    /// Whether it is blocked by hand.
    public let isBlocked: Bool
    /// Whether its breaker is open: nobody is let in.
    public let isBreakerOpen: Bool
    /// Whether its breaker is half open: a few are let in to try, and nobody else until they have returned.
    ///
    /// A try that hangs keeps it so: a run timeout ends that.
    public let isBreakerHalfOpen: Bool
    /// What to do about it, for people.
    public let recommendation: String

    /// What bodies threw, and how often.
    public struct FailureKind: Sendable, Hashable, Encodable {
        /// The name of the error's type; for a `TokenError` its code.
        public let kind: String
        /// How often.
        public let count: UInt64
    }

    /// The share of its runs that completed, 0…1; nil without runs.
    public var successRate: Double? { runs == 0 ? nil : Double(completed) / Double(runs) }
}

extension Engine {
    func reputation(of operation: Operation) -> Reputation? {
        operations.seen.first { $0.operation === operation }.map(reputation)
    }

    func reputations() -> [Reputation] { operations.seen.map(reputation) }

    private func reputation(_ record: OperationRecord) -> Reputation {
        // What never began first, so that no difference is negative.
        let refused = record.elsewhere.pointee.failedWaiting.load(ordering: .acquiring)
        let late = record.elsewhere.pointee.timedOutWaiting.load(ordering: .acquiring)
        let statistics = statistics(record)
        let counts = statistics.counts
        let (failed, timedOut) = (counts.failed - refused, counts.timedOut - late)
        let runs = counts.completed + failed + timedOut
        let health = Reputation.Health(runs: runs, completed: counts.completed)
        let failures = record.failures.map { Reputation.FailureKind(kind: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.kind) < ($0.count, $1.kind) }
        let isBlocked = record.controlNow.isBlocked
        let gate = realm.existingGate(of: record.operation)
        let breaker = gate?.breaker(now: realm.timers.now) ?? .closed
        return Reputation(
            operationType: record.operation.name, runs: runs, completed: counts.completed, failed: failed,
            timedOut: timedOut, medianWait: statistics.wait.percentile(0.5), medianRun: statistics.run.percentile(0.5),
            longestRun: statistics.run.maximum, failures: failures, health: health, isBlocked: isBlocked,
            isBreakerOpen: breaker == .open, isBreakerHalfOpen: breaker.isHalfOpen,
            recommendation: Self.recommendation(health, isBlocked, breaker, failures.first?.kind))
    }

    private static func recommendation(
        _ health: Reputation.Health, _ isBlocked: Bool, _ breaker: BreakerStanding, _ failure: String?
    ) -> String {
        if isBlocked { return "Blocked by hand: unblock it when what was wrong is mended." }
        switch breaker {
        case .open: return "Its breaker is open: it lets tokens try when it has cooled down."
        case .halfOpen(letsIn: true): return "Its breaker is half open: the next token tries whether it works again."
        case .halfOpen(letsIn: false):
            return "Its breaker is half open: it waits for those that try; one that hangs needs a run timeout."
        case .closed: break
        }
        let most = failure.map { "; most often it throws \($0)" } ?? ""
        return switch health {
        case .excellent: "Nothing to do."
        case .healthy: "Nothing urgent\(most)."
        case .atRisk: "Look at what fails\(most); a retry policy may bridge faults that pass."
        case .problematic: "Fails more often than not\(most); a breaker would keep callers from it."
        case .unknown: "Too few runs to tell."
        }
    }
}
