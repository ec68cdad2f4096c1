//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Routing
internal import Synchronization
package import TokenCore

// What tokens hold of the engine's, and who gives it back.
//
// | how a token ends | permit, turn, anchor given back by | reference released by |
// |---|---|---|
// | a worker took it from a mailbox and ran it | that worker, after the body (`returnHoldings`) | that worker, at its next look for work |
// | its async body ended | the thread it ended on | the closure of its task |
// | a waiting ancestor ran it (inline) | that ancestor's thread | whoever finds the entry left in the mailbox or the line |
// | settled on its way to a mailbox | who carried it (`deliver`) | the same |
// | settled in a mailbox | who settled it (`bury`) | the worker that finds it, at its next look for work |
// | settled in a second line, holding a turn or a permit | who settled it, or who put it there (`withdraw`) | the same |
// | settled in its first line for a permit | whoever is given the permit and sees it dead (`pass`, `retire`) | the same |
// | settled in an anchor's line | whoever is given the turn and sees it dead (`passTurn`) | the same |
// | settled under a pause | the resume or the stop that empties the list (`retire`) | the same |
extension Engine {
    // MARK: Retirement

    /// The engine is done with a token: gives back what it holds and its reference.
    ///
    /// Called once for each token, by who ran it, or by who took it out of a list and found it settled.
    func retire(_ token: Unmanaged<AnyTaskToken>) {
        bury(token.takeUnretainedValue())
        token.release()
    }

    /// The engine is done with a settled token that may have been run, by an ancestor that returns what it holds.
    func retireSettled(_ token: Unmanaged<AnyTaskToken>) {
        if token.takeUnretainedValue().current.hasBegun { token.release() } else { retire(token) }
    }

    /// Returns what a token holds that was settled before it began.
    ///
    /// Once: whoever settles it in a mailbox does, since the mailbox's crew may be stuck while others, even the host whose
    /// guest it is, wait for what it holds; so does whoever finds it.
    func bury(_ token: AnyTaskToken) {
        if token.tags.isPlain && admission == nil && !haveLimits.load(ordering: .relaxed) { return }
        if !token.markBuried() { return }
        returnHoldings(token)
    }

    package func tokenDiedInMailbox(_ token: AnyTaskToken) { bury(token) }

    package func tokenWasKilled(_ token: AnyTaskToken) {
        withdraw(token)
        noteDeadPlace(of: token)
    }

    /// Takes a settled token that may hold its anchor's turn, or a permit, out of the next line it stands in: others, even the
    /// host whose guest it is, wait for that.
    ///
    /// Called by who settled it, and by who put it into the line: one of the two finds it there. What holds nothing stays
    /// where it is; whoever comes upon it retires it.
    func withdraw(_ token: AnyTaskToken) {
        guard token.isSettled, hasLine(token) else { return }
        let isOrdered = token.tags.flags.contains(.ordered)
        // What stands in its first line holds nothing.
        leaveLines(token, first: isOrdered)
        if isOrdered, let held = withPaused({ $0.take(token) }) { retire(held) }
    }

    /// As `withdraw`, for one whose place others want: it is taken out of whatever it stands in, but the line before admission.
    ///
    /// In constant time on average, but for an anchor's line, which is walked up to the token.
    func withdrawFromAll(_ token: AnyTaskToken) {
        guard token.isSettled else { return }
        if let held = withPaused({ $0.take(token) }) { return retire(held) }
        guard hasLine(token) else { return }
        leaveLines(token, first: true)
        guard token.tags.flags.contains(.ordered) else { return }
        let hash = AnchorHash(rawValue: token.anchor)
        let isToken: (Unmanaged<AnyTaskToken>) -> Bool = { $0._withUnsafeGuaranteedRef { $0 === token } }
        let waiter = shard(of: hash).table.withLock {
            $0.removeFirst(of: hash, upTo: isToken, where: isToken) { _ in true }
        }
        if let waiter { retire(waiter) }
    }

    private func leaveLines(_ token: AnyTaskToken, first: Bool) {
        var mayHold = first
        for kind in PermitKind.allCases {
            guard let line = standingLine(kind, of: token) else { continue }
            defer { mayHold = true }
            if !mayHold { continue }
            let waiter = line.permits.withLock { $0.remove(Unmanaged.passUnretained(token).number) { $0.number } }
            if case .token(let found) = waiter { retire(found) }
        }
    }

    /// The engine is done with a token whose reference is released elsewhere.
    ///
    /// - Parameter looker: the calling worker, where it looks for work next.
    func returnHoldings(_ token: AnyTaskToken, looker: Worker? = nil) {
        if token.holdings.rawValue != 0 { giveBack(token, looker) }
    }

    private func giveBack(_ token: AnyTaskToken, _ looker: Worker?) {
        let mayLook = looker.map { $0.crew.kind == .storage && !isRetired($0.domain) } ?? false
        givePermitsBack(token, looker: mayLook ? looker : nil)
        let places = token.holdings.intersection(.places)
        defer { if !places.isEmpty { leavePlaces(places, operations.record(token)) } }
        guard token.holdings.contains(.anchor) else { return token.holdings = [] }
        let hash = AnchorHash(rawValue: token.anchor)
        let hasTurn = token.holdings.contains(.turn)
        token.holdings = []
        if hasTurn, leaveHold(token, .turn) { passTurn(hash) }
        depart(hash, Int(token.domain))
        if token.tags.anchorLimit != 0 { shard(of: hash).leaveLine(of: hash.rawValue) }
    }

    /// Hands an anchor's turn to the next token that still waits for it.
    ///
    /// Those that a pause holds while the coordinator stops end here, and give it on in this loop: a long line is no deep
    /// recursion.
    func passTurn(_ hash: AnchorHash) {
        let isDraining = gate.contains(.draining)
        var dead: [Unmanaged<AnyTaskToken>] = []
        var move: (from: Int, to: Int)?
        let next: Unmanaged<AnyTaskToken>? = shard(of: hash).table.withLock { table in
            let before = table.liveAnchors
            let home = table.domain(of: hash)
            defer {
                if let home, table.liveAnchors < before {
                    domains[home].homes.subtract(1, ordering: .relaxed)
                    move = rehomeIfIdle(hash, home, &table)
                }
            }
            while let candidate = table.passTurn(hash) {
                let object = candidate.takeUnretainedValue()
                if object.state == .waiting, !isDraining || !isPaused(object, operations.record(object)) {
                    object.holdings.insert(.turn)
                    return candidate
                }
                dead.append(candidate)
            }
            return nil
        }
        if let move { tell(rehomed: hash, move) }
        for candidate in dead {
            drop(candidate.takeUnretainedValue())
            retire(candidate)
        }
        if let next { passPause(next, operations.record(next.takeUnretainedValue())) }
    }

    /// A token of an anchor, or an executor, is done with it.
    func depart(_ hash: AnchorHash, _ domain: Int) {
        let move: (from: Int, to: Int)? = shard(of: hash).table.withLock { table in
            let before = table.liveAnchors
            table.depart(hash, now: tge_now_ns())
            guard table.liveAnchors < before else { return nil }
            domains[domain].homes.subtract(1, ordering: .relaxed)
            return rehomeIfIdle(hash, domain, &table)
        }
        if let move { tell(rehomed: hash, move) }
    }
}
