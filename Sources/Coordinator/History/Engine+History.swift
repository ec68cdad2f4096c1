//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Routing
package import TokenCore

// Records of settled tokens, and what is to be told of those that are not (Docs/History.md).
extension Engine {
    func history(limit: Int?) throws(TokenError) -> [ExecutionRecord] {
        if let limit, limit < 0 { throw TokenError(.invalidArgument, "the limit \(limit) of the history is negative") }
        guard let history else { return [] }
        return history.newest(limit ?? .max).map { ExecutionRecord($0, origin: realm.origin) }
    }

    func dumpHistory(to path: String, limit: Int?) throws(TokenError) -> Int {
        let records = try history(limit: limit)
        let dump = HistoryDump(records, monotonic: tge_now_ns(), calendar: HistoryDump.calendarNow)
        try HistoryDump.write(dump.json(), to: path)
        return records.count
    }

    // MARK: Writing

    /// A body has ended and settled its token.
    @inline(never)
    func note(_ token: AnyTaskToken, in history: History, domain: Int, by worker: Worker?) {
        if token.operation === Operation.batchRunner { return }
        var entry = entry(of: token)
        entry.started = history.end(token)
        entry.attempts = token.attempts
        entry.domain = domain
        entry.worker = worker.map { ($0.crew.kind, $0.number) }
        if entry.state == .failed, let failure = token.failure { entry.note(failure) }
        history.add(entry)
    }

    /// A token was settled by someone who does not run it.
    @inline(never)
    func note(_ token: AnyTaskToken, settledFrom before: TokenState, in history: History) {
        if token.operation === Operation.batchRunner { return }
        var entry = entry(of: token)
        let word = token.current
        entry.reason = word.reason
        if word.hadStarted {
            // It is in its worker's hands between the moment it began and that at which this was noted.
            entry.started = history.start(of: token) ?? entry.settled
            entry.domain = Int(token.domain)
            entry.attempts = max(1, token.attempts)
        }
        if word.state == .failed, let failure = token.failure { entry.note(failure) }
        history.add(entry)
    }

    private func entry(of token: AnyTaskToken) -> History.Entry {
        History.Entry(
            sequence: token.sequence, operation: token.operation, tags: token.tags, state: token.state,
            lease: token.lineage?.lead as? LeadLease, anchor: token.anchor, submitted: token.submittedFirst,
            settled: tge_now_ns(), attempts: 0)
    }

    // MARK: Batches

    /// Bodies of a batch have ended and settled their tokens.
    @inline(never)
    func note(
        _ batch: BatchCore, _ tokens: UInt16, _ group: Int, _ returned: UInt16, _ began: Int64, _ end: Int64,
        _ worker: Worker, in history: History
    ) {
        for index in indices(tokens, group) {
            let isOk = returned & 1 << (index % 16) != 0
            var entry = entry(of: batch, index, isOk ? .completed : .failed, at: end)
            (entry.started, entry.attempts, entry.domain) = (began, 1, worker.domain)
            entry.worker = (worker.crew.kind, worker.number)
            if !isOk, let failure = batch.failure(of: index) { entry.note(failure) }
            history.add(entry)
        }
    }

    /// Tokens of a batch were settled by someone who does not run them.
    @inline(never)
    func note(
        _ batch: BatchCore, _ tokens: UInt16, _ group: Int, hadBegun: UInt16, _ reason: SettleReason,
        in history: History
    ) {
        let now = tge_now_ns()
        for index in indices(tokens, group) {
            var entry = entry(of: batch, index, reason.state, at: now)
            entry.reason = reason
            entry.attempts = hadBegun & 1 << (index % 16) != 0 ? 1 : 0
            history.add(entry)
        }
    }

    private func entry(of batch: BatchCore, _ index: Int, _ state: TokenState, at time: Int64) -> History.Entry {
        History.Entry(
            sequence: batch.id(of: index).sequence, operation: batch.plan.operation, tags: batch.plan.tags,
            state: state,
            submitted: batch.submittedAt, settled: time, attempts: 0)
    }
}

extension History.Entry {
    /// What a token failed with: the text is made here, outside of all locks.
    fileprivate mutating func note(_ failure: any Error) {
        let text: String
        if let failure = failure as? TokenError {
            code = failure.code
            text = failure.message
        } else {
            text = "\(failure)"
        }
        error = text.utf8.count > 1_000 ? String(text.prefix(1_000)) : text
    }
}

extension Engine: StateTeller {
    package func watch(_ watch: StateWatch) { events.add(watch) }
    package func unwatch(_ watch: StateWatch) { events.remove(watch) }
}

extension Engine: ObstacleTeller {
    package func obstacle(of token: AnyTaskToken) -> TokenStatus.Obstacle? {
        let record = operations.record(token)
        if !gate.contains(.started) { return .start }
        if isPaused(token, record) { return .pause }
        if token.tags.flags.contains(.ordered) {
            let hash = AnchorHash(rawValue: token.anchor)
            let isInLine = shard(of: hash).table.withLock { table in
                table.hasWaiter(of: hash) { $0.toOpaque() == Unmanaged.passUnretained(token).toOpaque() }
            }
            if isInLine { return .turn }
        }
        for kind in PermitKind.allCases {
            guard let line = standingLine(kind, of: token), isStanding(token, in: line) else { continue }
            if kind == .storage, let speed = token.tags.storage { return .permit(speed) }
            return .limit
        }
        let stands = allAdmissions.contains { admission in
            admission.withLock { limit in
                var stands = false
                limit.forEachStanding { stands = stands || $0.toOpaque() == Unmanaged.passUnretained(token).toOpaque() }
                return stands
            }
        }
        return stands ? .capacity : nil
    }

    private func isStanding(_ token: AnyTaskToken, in line: Line) -> Bool {
        line.permits.withLock { permits in
            var stands = false
            permits.forEachWaiter {
                if case .token(let other) = $0 {
                    stands = stands || other.toOpaque() == Unmanaged.passUnretained(token).toOpaque()
                }
            }
            return stands
        }
    }
}

extension OperationsCoordinator {
    /// Whether anybody listens to its events, or watches a token.
    package var isListenedTo: Bool { engine.events.hasListeners }
}
