//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// What a running body can ask about itself.
///
/// ```swift
/// let scan = TaskTokenGuard("scan") { (files: [String]) throws in
///     for file in files {
///         try TokenContext.checkCancellation()
///         index(file)
///     }
/// }
/// ```
/// Run: `Examples/Deadlines`.
public struct TokenContext: Sendable {
    /// The running token's id.
    public let id: TokenID
    /// The operation type it is a call of.
    public let operationType: String
    /// The seed of the lead it belongs to, or is.
    public var seed: Seed? { lead?.seed }
    /// Number of the core domain it runs in, from 1.
    public let domain: Int

    private let lead: (any LeadClaim)?
    private let token: AnyTaskToken?
    /// Which of a batch's tokens it is.
    private let index: Int
    private let submitter: any TokenSubmitter

    /// The innermost body of the caller: of this thread, or the one that started this task.
    ///
    /// Nil outside of bodies.
    public static var current: TokenContext? {
        if let frame = BodyFrame.current, let token = frame.token, let submitter = frame.submitter {
            return TokenContext(
                id: token.idInside, operationType: token.operationInside.name, domain: frame.domain + 1,
                lead: token.lineage?.lead, token: token, index: token.indexInside, submitter: submitter)
        }
        guard let lineage = Ambient.current?.lineage else { return nil }
        return TokenContext(
            id: lineage.id, operationType: lineage.operationType, domain: lineage.domain + 1, lead: lineage.lead,
            token: lineage.body, index: lineage.body?.indexInside ?? 0, submitter: lineage.submitter)
    }

    /// Whether the token is settled already (killed, say), so that nobody waits for what the body returns.
    public var isCancelled: Bool { token?.isSettledInside(index) ?? true }

    /// Whether the coordinator has begun to stop: a long body does well to come to an end.
    public var isDraining: Bool { submitter.isDraining }

    /// How long until this token is settled without its body: by a timeout of its own, or by a stop of the coordinator that has
    /// begun.
    ///
    /// Zero and more; nil where neither is to come.
    public var timeRemaining: Duration? {
        let stop = submitter.stopDeadline.map { $0 == .max ? .max : max(0, $0 - tge_now_ns()) }
        let own = token.flatMap { token in
            token.timeLimit == .max ? nil : token.realm.map { max(0, token.timeLimit - $0.timers.now) }
        }
        return [stop, own].compactMap { $0 }.min().map { .nanoseconds($0) }
    }

    /// Which attempt this is, from 1 (`OperationOptions.retry`).
    public var attempt: Int { max(1, token?.attempts ?? 1) }

    /// Throws when the innermost body's token is settled already; does nothing outside of bodies.
    ///
    /// - Throws: what the token was settled with: `killed`, `timedOut`, `coordinatorStopped`.
    public static func checkCancellation() throws(TokenError) {
        guard let context = current, context.isCancelled else { return }
        throw context.reason.error(of: "token \(context.id) of \"\(context.operationType)\"")
    }

    private var reason: SettleReason { token?.reasonInside(index) ?? .killed }
}
