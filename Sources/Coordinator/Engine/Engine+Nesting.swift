//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
internal import TokenCore

// What a synchronous body holds while it is blocked in a wait serves the descendant it waits for, like a lock that is
// entered twice: here, an ordered anchor's turn. (Its permits it gives to anyone meanwhile, and takes them back.) An async
// body lends nothing while it awaits: its child tasks may go on at any moment, beside whoever were let in.
//
// A turn that someone is nested in is not passed on: where the holder's wait timed out and it ended first, the last to
// leave the nest passes it.
extension Engine {
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
        let isIn = shard(of: AnchorHash(rawValue: token.anchor)).nested.withLock { nested in
            if let innermost = nested[token.anchor]?.inside.last, !ancestors.contains(innermost) { return false }
            nested[token.anchor, default: AnchorShard.Nest()].inside.append(token.id)
            return true
        }
        guard isIn else { return false }
        // The holder stops being blocked before it looks into the nest: one of the two sees the other.
        if !blockedAncestors(of: token).isEmpty { return true }
        leaveNested(token)
        return false
    }

    func leaveNested(_ token: AnyTaskToken) {
        let hash = AnchorHash(rawValue: token.anchor)
        let owesTurn = shard(of: hash).nested.withLock { nested in
            nested[token.anchor]?.inside.removeAll { $0 == token.id }
            guard let nest = nested[token.anchor], nest.inside.isEmpty else { return false }
            nested[token.anchor] = nil
            return nest.owesTurn
        }
        if owesTurn { passTurn(hash) }
    }

    /// Whether a turn stays behind its holder, since others are still inside; the last of them passes it on.
    func leaveTurnToNested(_ hash: AnchorHash) -> Bool {
        shard(of: hash).nested.withLock { nested in
            guard nested[hash.rawValue]?.inside.isEmpty == false else { return false }
            nested[hash.rawValue]?.owesTurn = true
            return true
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
