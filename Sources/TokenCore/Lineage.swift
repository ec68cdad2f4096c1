//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What a lead claims: a core domain, for as long as it or a descendant lives.
package protocol LeadClaim: AnyObject, Sendable {
    /// The lead's seed.
    var seed: Seed { get }
    /// Index of the claimed domain.
    var domain: Int { get }
    /// How urgent its members are that do not say so themselves.
    var priority: TokenPriority { get }
}

/// One running body as its children see it: who they descend from, whose lead they belong to, where they are to go.
///
/// Made when a body submits its first child (at once for members of a lead); held by the children and, through a task
/// local, by async work the body starts. A lead's token has a lineage too, without body, that only carries its claim.
///
/// `parent` and `body` are protected by the lock; the rest never changes. Chains stay short: a finished ancestor
/// cannot wait for anyone, so `compress` cuts it out, and a token that resubmits itself for ever leaves nothing behind.
@usableFromInline
package final class Lineage: Sendable {
    package let submitter: any TokenSubmitter
    package let lead: (any LeadClaim)?
    package let id: TokenID
    package let operationType: String
    /// Index of the domain the body runs in.
    package let domain: Int
    /// Whom to tell of the awaits of the body's tasks; nil for synchronous bodies.
    package let observer: (any AwaitObserver)?

    private struct State {
        var parent: Lineage?
        var body: AnyTaskToken?
        var blockedWaits = 0
    }
    private let state: Guarded<State>

    /// The lineage of a running body.
    package init(
        of body: AnyTaskToken, submitter: any TokenSubmitter, domain: Int, observer: (any AwaitObserver)? = nil
    ) {
        self.submitter = submitter
        self.observer = observer
        self.lead = body.lineage?.lead
        self.id = body.idInside
        self.operationType = body.operationInside.name
        self.domain = domain
        body.lineage?.compress()
        state = Guarded(State(parent: body.lineage?.firstUnfinished, body: body))
    }

    /// The lineage that a lead's own token carries.
    package init(lead: any LeadClaim, token: AnyTaskToken, parent: Lineage?, submitter: any TokenSubmitter) {
        self.submitter = submitter
        self.lead = lead
        id = token.id
        operationType = token.operationType
        domain = lead.domain
        observer = nil
        state = Guarded(State(parent: parent?.firstUnfinished, body: nil))
    }

    deinit {
        // A long chain must not be freed by recursion.
        var next = state.withLock { state in
            let parent = state.parent
            state.parent = nil
            return parent
        }
        while next != nil, isKnownUniquelyReferenced(&next) { next = next?.takeParent() }
    }

    private func takeParent() -> Lineage? {
        state.withLock { state in
            let parent = state.parent
            state.parent = nil
            return parent
        }
    }

    package var parent: Lineage? { state.withLock { $0.parent } }
    /// The body's token while the body runs; nil after, and for a lead's own lineage.
    package var body: AnyTaskToken? { state.withLock { $0.body } }
    /// Whether the body, or a task of it, waits for tokens, so that what it holds may serve its descendants.
    package var isBlocked: Bool { state.withLock { $0.blockedWaits > 0 } }

    /// How many of them wait.
    package var blockedWaits: Int { state.withLock { $0.blockedWaits } }

    package func beginBlockedWait() { state.withLock { $0.blockedWaits += 1 } }
    package func endBlockedWait() { state.withLock { $0.blockedWaits -= 1 } }

    /// The body has returned.
    package func finish() { state.withLock { $0.body = nil } }

    private var firstUnfinished: Lineage? {
        var candidate: Lineage? = self
        while let lineage = candidate, lineage.body == nil { candidate = lineage.parent }
        return candidate
    }

    private func compress() {
        let shortened = parent?.firstUnfinished
        let cut = state.withLock { state in
            let old = state.parent
            state.parent = shortened
            return old
        }
        _ = cut  // freed outside the lock
    }

    /// Whether `self` is, or descends from, `ancestor`.
    package func descends(from ancestor: Lineage) -> Bool {
        var next: Lineage? = self
        while let lineage = next {
            if lineage === ancestor { return true }
            next = lineage.parent
        }
        return false
    }
}
