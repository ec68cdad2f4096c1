//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import DequeModule
internal import Routing
internal import Synchronization
package import TokenCore

// What a waiting body holds serves its descendants: its ordered anchor's turn, and the permits of an async body.
// (A synchronous one gives its own permits to anyone meanwhile, and takes them back; one that it is a guest of, it shares
// like an async one.) `Nests` says who is inside whose hold; Docs/Waiting.md has the protocol and why it ends.
//
// A token is let in when five things are true: it stands in the line; a body waits for it; its nearest ancestor inside
// the hold waits; that one has no guest; and, in a turn, no other descendant of the host stands before it (that one is
// let in first). Whoever makes one of them true looks at the others: `need`, `noteHeld`, `seekGuest`, `leaveHold`. So is a synchronous
// body that stands in line for a permit that it lent (`letBack`), ahead of tokens.
extension Engine: AwaitObserver {
    /// Who wants to go on after a wait, while a guest is inside what it holds.
    enum Returner: Sendable {
        case task(UnsafeContinuation<Void, Never>)
        case thread(Parker)

        func resume() {
            switch self {
            case .task(let continuation): continuation.resume()
            case .thread(let parker): parker.unpark()
            }
        }
    }

    typealias Holds = Nests<Returner>

    /// Tokens that bodies wait for and that stood in a line when they were listed.
    struct NeededList: Sendable {
        private var tokens: Deque<AnyTaskToken> = []
        /// Who is among them: a token that comes back into the line is listed already.
        private var listed: Set<ObjectIdentifier> = []
        private var left = 0

        mutating func add(_ token: AnyTaskToken) {
            if listed.insert(ObjectIdentifier(token)).inserted { tokens.append(token) }
        }

        /// A listed token has left its line: answers those that have, to be freed after unlocking, once they are a quarter.
        mutating func leave() -> [AnyTaskToken] {
            left += 1
            return left * 4 >= tokens.count ? trim() : []
        }

        mutating func trim() -> [AnyTaskToken] {
            left = 0
            var done: [AnyTaskToken] = []
            tokens.removeAll { token in
                // Asked once: it may be settled meanwhile.
                let isDone = token.state != .waiting
                if isDone { done.append(token) }
                return isDone
            }
            for token in done { listed.remove(ObjectIdentifier(token)) }
            return done
        }

        /// Calls `mayEnter` with each, first listed first, until one was let in.
        mutating func letIn(_ mayEnter: (AnyTaskToken) -> Bool) -> [AnyTaskToken] {
            var done: [AnyTaskToken] = []
            while let first = tokens.first, first.state != .waiting {
                listed.remove(ObjectIdentifier(first))
                done.append(tokens.removeFirst())
            }
            _ = tokens.first(where: mayEnter)
            return done
        }

        func forEach(_ body: (AnyTaskToken) -> Void) {
            for token in tokens where token.state == .waiting { body(token) }
        }

        func first(where isWanted: (AnyTaskToken) -> Bool) -> AnyTaskToken? {
            tokens.first { $0.state == .waiting && isWanted($0) }
        }

        /// The first that are wanted; some may have left the line for the next, or for a mailbox, by now.
        func listed(atMost count: Int, where isWanted: (AnyTaskToken) -> Bool) -> [AnyTaskToken] {
            var found: [AnyTaskToken] = []
            for token in tokens where token.state == .waiting && isWanted(token) {
                found.append(token)
                if found.count == count { break }
            }
            return found
        }

        mutating func clear() -> Deque<AnyTaskToken> {
            defer { (tokens, listed, left) = ([], [], 0) }
            return tokens
        }
    }

    // MARK: Waiting begins

    package func beginAwait(_ lineage: Lineage, for tokens: [AnyTaskToken], among all: [AnyTaskToken]) -> UInt64 {
        beginBlocking(lineage, for: tokens)
        return registerWait(lineage, for: .tokens(all))
    }

    package func endAwait(_ number: UInt64) { endWait(number) }

    /// As `beginAwait`, of a thread: it is registered when it has nothing to run.
    func beginBlocking(_ lineage: Lineage, for tokens: [AnyTaskToken]) {
        lineage.beginBlockedWait()
        for token in tokens { need(token) }
        seekGuest(for: lineage)
    }

    /// A body waits for a token, and so for those that it is made of.
    func need(_ token: AnyTaskToken) {
        letThrough(token)
        for part in parts(of: token) where part.realm === realm && part.lineage != nil && hasLine(part) {
            part.markNeeded()
            // Else it is told when it comes to stand there: the flag is read after that.
            switch part.stateInTotalOrder {
            case .waiting: seekHost(for: part)
            case .executing where !part.tags.isAsync: letBack(part)
            default: break
            }
        }
    }

    /// A token and, where it is derived, the unsettled ones that it is made of, sources last.
    func parts(of token: AnyTaskToken) -> [AnyTaskToken] {
        if !token.isDerived { return [token] }
        var parts = [token]
        var seen = Set([ObjectIdentifier(token)])
        var next = 0
        while next < parts.count {
            for source in parts[next].sources where !source.isSettled {
                if seen.insert(ObjectIdentifier(source)).inserted { parts.append(source) }
            }
            next += 1
        }
        return parts
    }

    /// A token that a body waits for stands in a line: lists it, and lets it in where its host is ready.
    func seekHost(for token: AnyTaskToken) {
        if token.tags.flags.contains(.ordered) {
            shard(of: AnchorHash(rawValue: token.anchor)).needed.withLock { $0.add(token) }
            if let entered = enterTurn(for: token) { goOn(entered, with: nil) }
        }
        for kind in PermitKind.allCases {
            guard let line = standingLine(kind, of: token) else { continue }
            line.needed.withLock { $0.add(token) }
            if let entered = enterPermit(kind, line, for: token) { goOn(entered, with: kind) }
        }
        giveWay(to: token)
    }

    /// A body has begun to wait: lets a descendant in that stands in the line of what it holds.
    func seekGuest(for lineage: Lineage) {
        guard let body = lineage.body, hasLine(body) else { return }
        if body.tags.flags.contains(.ordered) { seekGuest(inTurnOf: AnchorHash(rawValue: body.anchor)) }
        for kind in PermitKind.allCases {
            if let line = standingLine(kind, of: body) { seekGuest(in: line, kind) }
        }
    }

    private func seekGuest(inTurnOf hash: AnchorHash) {
        var entered: Unmanaged<AnyTaskToken>?
        let done = shard(of: hash).needed.withLock { needed in
            needed.letIn { token in
                if token.anchor == hash.rawValue { entered = enterTurn(for: token) }
                return entered != nil
            }
        }
        _ = done  // freed outside the lock
        if let entered { goOn(entered, with: nil) }
    }

    private func seekGuest(in line: Line, _ kind: PermitKind) {
        // Who has begun goes first.
        if enterAgain(line, kind) { return }
        var entered: Unmanaged<AnyTaskToken>?
        let done = line.needed.withLock { needed in
            needed.letIn { token in
                entered = enterPermit(kind, line, for: token)
                return entered != nil
            }
        }
        _ = done  // freed outside the lock
        if let entered { return goOn(entered, with: kind) }
        if kind != .operation { seekTakers(before: kind, line) }
        seekSuccessor(in: line, kind)
    }

    // MARK: Entering

    /// Takes the first of the host's descendants out of the turn's line, if `needed` stands there, too.
    private func enterTurn(for needed: AnyTaskToken) -> Unmanaged<AnyTaskToken>? {
        guard let host = host(of: needed, .turn) else { return nil }
        let hash = AnchorHash(rawValue: needed.anchor)
        return shard(of: hash).table.withLock { table in
            table.removeFirst(of: hash) {
                $0.takeUnretainedValue() === needed
            } where: {
                let candidate = $0.takeUnretainedValue()
                return candidate.state == .waiting && candidate.lineage?.descends(from: host) == true
            } if: {
                enter($0.takeUnretainedValue(), host, .turn)
            }
        }
    }

    private func enterPermit(_ kind: PermitKind, _ line: Line, for needed: AnyTaskToken) -> Unmanaged<AnyTaskToken>? {
        guard let host = host(of: needed, kind.hold) else { return nil }
        let waiter = line.permits.withLock { permits in
            permits.remove(Unmanaged.passUnretained(needed).number) {
                $0.number
            } if: { _ in
                needed.state == .waiting && enter(needed, host, kind.hold)
            }
        }
        guard case .token(let token) = waiter else { return nil }
        return token
    }

    /// Lets a body in that lent its own permit and stands in line for it: it is a guest from now on.
    ///
    /// It may have had its own while there was one, and its host one more.
    ///
    /// - Parameter wanted: the body; nil for the first that can.
    private func enterAgain(_ line: Line, _ kind: PermitKind, _ wanted: AnyTaskToken? = nil) -> Bool {
        let waiter = line.permits.withLock { permits in
            permits.removeReturning {
                let body = $0.holder
                guard wanted == nil || wanted === body, body.isNeeded, let host = host(of: body, kind.hold) else {
                    return false
                }
                return enter(body, host, kind.hold)
            }
        }
        guard case .thread(let place) = waiter else { return false }
        place.parker.unpark()
        return true
    }

    /// Somebody waits for a synchronous body, which may be taking its permits back.
    private func letBack(_ body: AnyTaskToken) {
        for kind in PermitKind.allCases where host(of: body, kind.hold) != nil {
            if let line = standingLine(kind, of: body), enterAgain(line, kind, body) { return }
            // Perhaps it stands in line for an earlier one, which it lacks besides.
            for earlier in PermitKind.allCases where earlier.rawValue < kind.rawValue {
                if let line = standingLine(earlier, of: body) { giveWay(to: body, in: line) }
            }
        }
    }

    /// A body that takes its permit back stands in the line: lets it in where somebody waits for it and its host is ready.
    func letBack(_ place: PermitPlace) {
        if host(of: place.holder, place.kind.hold) != nil { _ = enterAgain(place.line, place.kind, place.holder) }
    }

    /// The nearest ancestor that is inside the hold, if it waits and has no guest.
    func host(of token: AnyTaskToken, _ kind: Holds.Kind) -> Lineage? {
        guard let (lineage, body) = ancestor(of: token, inside: kind) else { return nil }
        return nests.withLock { mayEnter(body, lineage, kind, $0) } ? lineage : nil
    }

    enum Hosting {
        case ready, notNow
        /// Nor are its siblings of the same anchor, or tier.
        case notForSiblings
    }

    /// Whether there is such an ancestor.
    func hosting(of token: AnyTaskToken, _ kind: Holds.Kind) -> Hosting {
        guard let (lineage, body) = ancestor(of: token, inside: kind) else { return .notNow }
        return nests.withLock { nests in
            if nests.hasGuest(body.sequence, kind) { return .notForSiblings }
            return mayEnter(body, lineage, kind, nests) ? .ready : .notNow
        }
    }

    private func ancestor(of token: AnyTaskToken, inside kind: Holds.Kind) -> (lineage: Lineage, body: AnyTaskToken)? {
        var next = token.lineage
        while let lineage = next {
            if lineage.submitter === self, let body = lineage.body, isInside(body, whatServes: token, kind) {
                return (lineage, body)
            }
            next = lineage.parent
        }
        return nil
    }

    /// Whether a token's host, or that of a body that takes its permit back, would let it in in place of the guest that it has,
    /// which has not begun.
    ///
    /// Where its hosts have ended what it was let in to use is its own.
    func mayReplace(_ guest: AnyTaskToken, by token: AnyTaskToken, _ kind: Holds.Kind) -> Bool {
        guard guest.state == .waiting else { return false }
        let ancestor = ancestor(of: token, inside: kind)
        return nests.withLock { nests in
            guard let host = nests.host(of: guest.sequence, kind) else { return true }
            guard let (lineage, body) = ancestor, body.sequence == host else { return false }
            return waits(body, lineage, nests)
        }
    }

    /// Whether a host takes a guest in: it waits, and has none.
    ///
    /// Asked under the lock of `nests`.
    private func mayEnter(
        _ body: AnyTaskToken, _ host: Lineage, _ kind: Holds.Kind, _ nests: borrowing Holds
    ) -> Bool {
        !nests.hasGuest(body.sequence, kind) && waits(body, host, nests)
    }

    /// Whether a body waits: for tokens, for a permit of its own that it lent, or, where that is over, until its guests have left.
    ///
    /// Any descendant may be what keeps that one: a child that nobody awaits any more, say, has what a guest stands in line for.
    private func waits(_ body: AnyTaskToken, _ lineage: Lineage, _ nests: borrowing Holds) -> Bool {
        lineage.isBlocked || nests.isReturning(body.sequence)
    }

    private func isInside(_ body: AnyTaskToken, whatServes token: AnyTaskToken, _ kind: Holds.Kind) -> Bool {
        let isOfOneLine: Bool
        switch kind {
        case .turn: return body.anchor == token.anchor && body.tags.flags.contains(.ordered)
        case .operation: isOfOneLine = body.operation === token.operation && body.hasPermit
        case .anchor: isOfOneLine = body.anchor == token.anchor && body.tags.anchorLimit != 0
        case .storage: isOfOneLine = body.tags.storage == token.tags.storage
        }
        // A synchronous body with a permit of its own has lent it to anyone, or is about to.
        return isOfOneLine && (body.tags.isAsync || isGuest(body, kind))
    }

    /// Whether a descendant is inside anything that a body holds.
    func hasGuests(_ body: AnyTaskToken) -> Bool {
        guestCount.load(ordering: .sequentiallyConsistent) != 0 && nests.withLock { $0.hasGuest(body.sequence) }
    }

    /// Whether a body runs inside what an ancestor holds.
    func isGuest(_ body: AnyTaskToken, _ kind: Holds.Kind) -> Bool {
        guestCount.load(ordering: .sequentiallyConsistent) != 0 && nests.withLock { $0.isGuest(body.sequence, kind) }
    }

    /// Makes a token the guest of a host that still waits.
    ///
    /// Counted before the host is looked at: a host that has ended by then is seen here, or sees the count when it gives
    /// back what it holds.
    private func enter(_ guest: AnyTaskToken, _ host: Lineage, _ kind: Holds.Kind) -> Bool {
        guestCount.add(1, ordering: .sequentiallyConsistent)
        let entered = nests.withLock { nests in
            guard let body = host.body, mayEnter(body, host, kind, nests) else { return false }
            return nests.enter(guest.sequence, host: body.sequence, kind)
        }
        if !entered { guestCount.subtract(1, ordering: .sequentiallyConsistent) }
        return entered
    }

    /// Takes a token on its way that was just let in: to a permit, or, where that is nil, to a turn.
    private func goOn(_ token: Unmanaged<AnyTaskToken>, with kind: PermitKind?) {
        let object = token.takeUnretainedValue()
        let record = operations.record(object)
        guard let kind else {
            // Let in ahead of one that is needed, so it is needed, too, wherever it stands next.
            object.markNeeded()
            object.holdings.insert(.turn)
            return passPause(token, record)
        }
        hold(kind, object)
        takePermits(token, record)
    }

    // MARK: Leaving

    /// A body is done with a turn or a permit; true where it is free now and the caller hands it on.
    ///
    /// Otherwise it goes back to the body that it is borrowed of, or stays with the guests inside.
    func leaveHold(_ token: AnyTaskToken, _ kind: Holds.Kind) -> Bool {
        if guestCount.load(ordering: .sequentiallyConsistent) == 0 { return true }
        let departure = nests.withLock { $0.leave(token.sequence, kind) }
        guestCount.subtract(departure.guests, ordering: .sequentiallyConsistent)
        for returner in departure.returning { returner.resume() }
        if departure.isReleased { return true }
        if kind == .turn {
            if departure.host != nil { seekGuest(inTurnOf: AnchorHash(rawValue: token.anchor)) }
        } else if let permit = PermitKind.allCases.first(where: { $0.hold == kind }),
            let line = standingLine(permit, of: token)
        {
            // Else it has ended before its guest, which may stand in another line.
            departure.host != nil ? seekGuest(in: line, permit) : seekSuccessor(in: line, permit)
        }
        return false
    }

    // MARK: Waiting ends

    package func comeBack(_ lineage: Lineage) async {
        // It takes no guests any more: one that is inside by now is seen, and waited for.
        guard guestCount.load(ordering: .sequentiallyConsistent) != 0, let body = lineage.body else { return }
        var isFree = false
        while !isFree {
            isFree = true
            for kind in Holds.Kind.allCases {
                if !nests.withLock({ $0.hasGuest(body.sequence, kind) }) { continue }
                let number = registerWait(lineage, for: .guest(kind))
                await withUnsafeContinuation { continuation in
                    if comesBack(lineage, body, kind, .task(continuation)) { return continuation.resume() }
                    isFree = false
                }
                endWait(number)
            }
        }
    }

    /// Whether no guest of a kind is inside what a body holds; otherwise the returner is told when the guest has left.
    ///
    /// A body goes on when no guest of any kind is inside: while it waits for one, that one may have entered another hold.
    func comesBack(_ lineage: Lineage, _ body: AnyTaskToken, _ kind: Holds.Kind, _ returner: Returner) -> Bool {
        if guestCount.load(ordering: .sequentiallyConsistent) == 0 { return true }
        if nests.withLock({ $0.comeBack(body.sequence, kind, returner) }) { return true }
        seekGuest(for: lineage)
        return false
    }

    /// Who is next in the line that keeps a body; nil where it stands in none.
    ///
    /// It is the awaited token's line, else that of a descendant that someone waits for. The same answer at a later look
    /// says that the line has not moved.
    func headOfLine(keeping lineage: Lineage, _ awaited: AnyTaskToken?) -> UInt? {
        func descends(_ token: AnyTaskToken) -> Bool { token.lineage?.descends(from: lineage) == true }
        if let awaited, let part = parts(of: awaited).first(where: { $0.state == .waiting && hasLine($0) }) {
            return headOfLine(of: part)
        }
        for line in allLines {
            if let token = line.needed.withLock({ $0.first(where: descends) }) { return headOfLine(of: token) }
        }
        for shard in anchors {
            if let token = shard.needed.withLock({ $0.first(where: descends) }) { return headOfLine(of: token) }
        }
        return nil
    }

    func headOfLine(of token: AnyTaskToken) -> UInt {
        var head: UInt = 1
        if token.tags.flags.contains(.ordered) {
            let hash = AnchorHash(rawValue: token.anchor)
            let next = shard(of: hash).table.withLock { $0.first(of: hash) }
            head ^= next.map { UInt(bitPattern: $0.toOpaque()) } ?? 0
        }
        for kind in PermitKind.allCases {
            if let line = standingLine(kind, of: token) { head ^= headOfLine(line) }
        }
        return head
    }

    /// Who is next to get a permit.
    func headOfLine(_ line: Line) -> UInt {
        switch line.permits.withLock({ $0.first }) {
        case .token(let next): UInt(bitPattern: next.toOpaque())
        case .thread(let place): UInt(bitPattern: Unmanaged.passUnretained(place).toOpaque())
        case nil: 0
        }
    }

    /// A needed token leaves the lines, for a mailbox.
    func leaveLines(_ token: AnyTaskToken) {
        guard hasLine(token) else { return }
        var done: [AnyTaskToken] = []
        if token.tags.flags.contains(.ordered) {
            done = shard(of: AnchorHash(rawValue: token.anchor)).needed.withLock { $0.leave() }
        }
        for kind in PermitKind.allCases {
            if let line = standingLine(kind, of: token) { done += line.needed.withLock { $0.leave() } }
        }
        _ = done  // freed outside the locks
    }

    /// Lets go of the listed tokens that have left their lines.
    func trimNeeded() {
        for shard in anchors { _ = shard.needed.withLock { $0.trim() } }
        for line in allLines { _ = line.needed.withLock { $0.trim() } }
    }

    /// The coordinator has stopped: lets go of the tokens that were listed.
    func forgetNeeded() {
        for shard in anchors { _ = shard.needed.withLock { $0.clear() } }
        for line in allLines { _ = line.needed.withLock { $0.clear() } }
    }
}
