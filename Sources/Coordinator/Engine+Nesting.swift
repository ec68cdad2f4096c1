//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
package import TokenCore

// What a body holds while it waits for a descendant serves that descendant, like a lock that is entered twice: an
// ordered anchor's turn, and, for async bodies, a storage permit. (A synchronous body gives its permit to anyone while it
// is blocked, and takes it back; an async body may go on in a child task at any moment, so it only shares.)
extension Engine {
    // MARK: Awaiting inside an async body

    package func suspendBody(until token: AnyTaskToken) async {
        guard token.realm === realm, let lineage = Ambient.current.lineage, lineage.submitter === self else {
            return await token.suspendUntilSettled()
        }
        lineage.beginBlockedWait()
        rideAlong(token)
        await token.suspendUntilSettled()
        lineage.endBlockedWait()
    }

    /// Lets a token that waits for what a blocked ancestor of its holds use that.
    func rideAlong(_ token: AnyTaskToken) {
        guard token.state == .waiting else { return }
        if token.tags.flags.contains(.ordered) { rideTurn(AnchorHash(rawValue: token.anchor)) }
        if token.state == .waiting { ridePermit(token) }
    }

    /// Lets the first of an anchor's waiters that descends from who is blocked inside the turn go on inside that turn.
    ///
    /// The first, not the awaited one: the order of submission holds among the descendants, too. When it is done, the
    /// next one follows (`leaveTurn`).
    private func rideTurn(_ hash: AnchorHash) {
        var waiters: [Unmanaged<AnyTaskToken>] = []
        shard(of: hash).table.withLock { table in
            table.forEachWaiter { waiter in
                if waiter.takeUnretainedValue().anchor == hash.rawValue { waiters.append(waiter.retain()) }
            }
        }
        defer { for waiter in waiters { waiter.release() } }
        for waiter in waiters {
            let token = waiter.takeUnretainedValue()
            guard token.state == .waiting, !blockedAncestors(of: token).isEmpty else { continue }
            guard enterNested(token) else { return }
            let isTaken = shard(of: hash).table.withLock { table in
                !table.removeWaiters { $0.toOpaque() == waiter.toOpaque() }.isEmpty
            }
            guard isTaken else { return leaveNested(token) }
            token.holdings.insert(.nested)
            let record = operations.record(token.operation)
            takePermit(waiter, record)
            ridePermit(token)
            return
        }
    }

    /// A token that ran inside an ancestor's turn is done: the next one's turn inside it.
    func leaveTurn(_ token: AnyTaskToken) {
        leaveNested(token)
        rideTurn(AnchorHash(rawValue: token.anchor))
    }

    /// Lets a token go on under the permit of an async ancestor that awaits it, if there is one in its tier.
    private func ridePermit(_ token: AnyTaskToken) {
        guard let speed = token.tags.storage, token.state == .waiting, hasPermittedAncestor(token, speed) else {
            return
        }
        let entries = tier(speed).permits.withLock { permits in
            permits.removeWaiters { if case .token(let waiter) = $0 { waiter.isSame(as: token) } else { false } }
        }
        guard case .token(let entry) = entries.first else { return }
        deliver(entry, operations.record(token.operation))
    }

    private func hasPermittedAncestor(_ token: AnyTaskToken, _ speed: StorageSpeed) -> Bool {
        var ancestor = token.lineage
        while let lineage = ancestor {
            if let body = lineage.body, body.tags.isAsync, body.tags.storage == speed, lineage.isBlocked { return true }
            ancestor = lineage.parent
        }
        return false
    }

    // MARK: Waiting inside a synchronous body

    /// Starts a token that waits for the turn of an ordered anchor which a body holds that is itself blocked: the turn
    /// serves the descendant, like a lock that is entered twice.
    ///
    /// Decided under the anchor's lock, so the turn cannot be handed to the token at the same time.
    func beginNested(_ token: AnyTaskToken) -> Bool {
        guard token.tags.flags.contains(.ordered), enterNested(token) else { return false }
        settleIfSwept(token, operations.record(token.operation))
        var permit = false
        if let speed = token.tags.storage {
            guard tier(speed).permits.withLock({ $0.tryAcquire() }) else {
                leaveNested(token)
                return false
            }
            permit = true
        }
        let begun = shard(of: AnchorHash(rawValue: token.anchor)).table.withLock { _ in
            guard !token.holdings.contains(.turn) else { return false }
            return token.transition { $0.startingNested() }
        }
        if begun, permit { token.holdings.insert(.permit) }
        if !begun, permit, let speed = token.tags.storage { pass(tier(speed).permits.withLock { $0.release() }) }
        if !begun { leaveNested(token) }
        return begun
    }

    /// One descendant at a time: whoever is inside the turn by now, as its holder or nested in it, must be an ancestor.
    private func enterNested(_ token: AnyTaskToken) -> Bool {
        let ancestors = blockedAncestors(of: token)
        guard !ancestors.isEmpty else { return false }
        return shard(of: AnchorHash(rawValue: token.anchor)).nested.withLock { nested in
            if let innermost = nested[token.anchor]?.last, !ancestors.contains(innermost) { return false }
            nested[token.anchor, default: []].append(token.id)
            return true
        }
    }

    func leaveNested(_ token: AnyTaskToken) {
        shard(of: AnchorHash(rawValue: token.anchor)).nested.withLock { nested in
            nested[token.anchor]?.removeAll { $0 == token.id }
            if nested[token.anchor]?.isEmpty == true { nested[token.anchor] = nil }
        }
    }

    /// The ancestors that are blocked in a wait and run in the token's anchor.
    private func blockedAncestors(of token: AnyTaskToken) -> [TokenID] {
        var found: [TokenID] = []
        var ancestor = token.lineage
        while let lineage = ancestor {
            if let body = lineage.body, body.anchor == token.anchor, body.tags.flags.contains(.ordered),
                lineage.isBlocked
            {
                found.append(body.id)
            }
            ancestor = lineage.parent
        }
        return found
    }
}

extension Unmanaged<AnyTaskToken> {
    fileprivate func isSame(as token: AnyTaskToken) -> Bool { toOpaque() == Unmanaged.passUnretained(token).toOpaque() }
}
