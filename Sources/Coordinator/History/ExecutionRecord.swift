//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
public import TokenCore

/// What became of a token: kept by a coordinator whose `Configuration.historyCapacity` is not 0.
///
/// There is one for each token, made when it settles. Times are monotonic, in nanoseconds, as those of events.
/// `Encodable`: keys may be added in any version.
public struct ExecutionRecord: Sendable, Hashable {
    /// 1, 2, 3, … in the order of settling, for all tokens of the coordinator; records that are missing were pushed out.
    public let number: UInt64
    /// The token.
    public let id: TokenID
    /// The operation type that it was a call of.
    public let operationType: String
    /// Its terminal state.
    public let state: TokenState
    /// Why it did not complete, where that is an error of ours.
    ///
    /// Such as `killed`, `timedOut`, `operationBlocked`.
    public let code: TokenError.Code?
    /// The error in words, at most 1,000 characters of it; nil where it completed.
    ///
    /// The text of what a body threw is made where it threw, by the error's own description.
    public let error: String?
    /// When it was submitted.
    public let submittedAt: Int64
    /// When its body began, for the first time; nil where none did, or, in a batch that shares its storage, where it was settled
    /// while it ran.
    public let startedAt: Int64?
    /// When it settled.
    public let settledAt: Int64
    /// How often its body had begun.
    public let attempts: Int
    /// Number of the core domain where its body ran, from 1; nil where none did.
    public let domain: Int?
    /// The worker that finished its body: `"standard_1_core_1"`, say; nil where none did, or a thread that is no worker.
    public let worker: String?
    /// The operation's weight.
    public let weight: Weight
    /// The operation's storage tier, where it has one.
    public let storage: StorageSpeed?
    /// The hash of its sticky anchor's key (XXH3-64), where it has one.
    public let anchor: UInt64?
    /// The seed of the lead that it belonged to, or was.
    public let seed: Seed?

    /// From its submission to the beginning of its body; to its end, where none began.
    public var waitTime: Duration { .nanoseconds(max(0, (startedAt ?? settledAt) - submittedAt)) }
    /// From the beginning of its body, retries and the time between them included, to its end; nil where none began.
    public var runTime: Duration? { startedAt.map { .nanoseconds(max(0, settledAt - $0)) } }

    init(_ entry: History.Entry, origin: UInt64) {
        number = entry.number
        id = TokenID(origin: origin, sequence: entry.sequence)
        operationType = entry.operation.name
        state = entry.state
        let ours = entry.state == .completed || entry.state == .failed ? nil : entry.reason.error(of: "the token")
        code = entry.code ?? ours?.code
        error = entry.error ?? ours?.message
        submittedAt = entry.submitted
        startedAt = entry.started
        settledAt = entry.settled
        attempts = entry.attempts
        domain = entry.domain.map { $0 + 1 }
        worker = entry.worker.map { "\($0.crew)_\($0.number)_core_\((entry.domain ?? 0) + 1)" }
        weight = entry.tags.weight
        storage = entry.tags.storage
        anchor = entry.tags.flags.contains(.anchored) ? entry.anchor : nil
        seed = entry.lease?.seed
    }
}

extension ExecutionRecord: Encodable {
    private enum Keys: String, CodingKey {
        case number, id, operationType, state, code, error, submittedAt, startedAt, settledAt, attempts, domain, worker
        case weight, storage, anchor, seed
    }

    /// One object: the id, the anchor's hash and the seed in hex digits.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(number, forKey: .number)
        try container.encode("\(id)", forKey: .id)
        try container.encode(operationType, forKey: .operationType)
        try container.encode(state, forKey: .state)
        try container.encode(code.map { "\($0)" }, forKey: .code)
        try container.encode(error, forKey: .error)
        try container.encode(submittedAt, forKey: .submittedAt)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(settledAt, forKey: .settledAt)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(domain, forKey: .domain)
        try container.encode(worker, forKey: .worker)
        try container.encode("\(weight)", forKey: .weight)
        try container.encode(storage.map { "\($0)" }, forKey: .storage)
        try container.encode(anchor.map(HistoryDump.hex), forKey: .anchor)
        try container.encode(seed.map { "\($0)" }, forKey: .seed)
    }
}
