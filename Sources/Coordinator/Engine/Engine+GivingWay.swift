//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
internal import TokenCore

// Who stands in line for a permit with an earlier one in hand does not use that. An async body that has the later one keeps it
// while it waits, for its descendants; where one of them needs the earlier to enter, it is given it, and the other goes back into
// the line of the earlier (Docs/Limits.md, "One order for all").
//
// It comes to pass when four things are true: the one stands in the line of the later permit with the earlier in hand; the
// other stands in the line of the earlier; it needs that and the later one alone; and it is inside the later one already, or its
// host would let it in now. Whoever makes one of them true looks at the others.
extension Engine {
    /// A blocked body's place in the line for its own permit.
    final class PermitPlace: Sendable {
        let line: Line
        let kind: PermitKind
        let holder: AnyTaskToken
        /// What it lacks besides this one.
        let others: TokenTags.Holdings
        /// The earlier permits that it holds.
        let earlier: TokenTags.Holdings
        let parker = Parker()
        private let sentBack = Atomic<Bool>(false)

        init(_ line: Line, _ kind: PermitKind, _ holder: AnyTaskToken, others: TokenTags.Holdings) {
            self.line = line
            self.kind = kind
            self.holder = holder
            self.others = others
            earlier = holder.holdings.intersection(kind.earlier)
        }

        /// Its permits before this one were given to another while it stood here: it is to take them first.
        var wasSentBack: Bool { sentBack.load(ordering: .acquiring) }

        func sendBack() {
            sentBack.store(true, ordering: .releasing)
            parker.unpark()
        }
    }

    // MARK: Looking

    /// A token that somebody waits for stands in a line.
    func giveWay(to token: AnyTaskToken) {
        for kind in PermitKind.allCases {
            if laterPermit(of: token, standingFor: kind) != nil { give(kind, to: token) }
        }
    }

    /// Somebody waits for a body, which may stand in a line to take its permits back.
    func giveWay(to body: AnyTaskToken, in line: Line) {
        let places = line.permits.withLock { permits in permits.returning { $0.holder === body } }
        for case .thread(let place) in places where mayTake(place) { give(place.kind, to: body) }
    }

    /// A body that takes its permits back stands in a line.
    func giveWay(at place: PermitPlace) {
        if mayTake(place) { give(place.kind, to: place.holder) }
    }

    /// A token, or a body, has come to stand in a line with earlier permits in hand, and is listed.
    func seekTakers(of earlier: [(kind: PermitKind, line: Line)]) {
        for (kind, line) in earlier { seekTaker(in: line, kind) { _, _ in true } }
    }

    /// A host of a permit may let one in: others may have what a descendant needs for that.
    func seekTakers(before later: PermitKind, _ laterLine: Line) {
        guard standingLines.load(ordering: .sequentiallyConsistent) != 0 else { return }
        for (line, kind) in standers.withLock({ $0.lines(before: later) }) {
            seekTaker(in: line, kind) { $0 == later && standingLine(later, of: $1) === laterLine }
        }
    }

    /// A host waits, and nobody was let in: its guest may stand in another line.
    func seekSuccessor(in line: Line, _ kind: PermitKind) {
        guard standingLines.load(ordering: .sequentiallyConsistent) != 0 else { return }
        if standers.withLock({ $0.places(of: line).isEmpty }) { return }
        seekTaker(in: line, kind) { _, _ in true }
    }

    /// Gives to the first in a line that lacks one more permit alone, and can have that as a guest: bodies before tokens.
    private func seekTaker(in line: Line, _ kind: PermitKind, where isWanted: (PermitKind, AnyTaskToken) -> Bool) {
        let bodies = line.permits.withLock { permits in
            permits.returning { if case .thread(let place) = $0 { mayTake(place) } else { false } }
        }
        for body in bodies where give(kind, to: body.holder).isLast { return }
        // Some that are listed have left the line by now; most often the first stands there.
        for most in [4, Int.max] {
            let tokens = line.needed.withLock { needed in
                var full = FullHosts()
                return needed.listed(atMost: most) { token in
                    laterPermit(of: token, standingFor: kind, past: &full).map { isWanted($0, token) } ?? false
                }
            }
            for token in tokens where give(kind, to: token).isLast { return }
            if tokens.count < most { return }
        }
    }

    /// The permit that a needed token takes after the one of a kind, if it lacks these two alone, and its host would let it in.
    ///
    /// It does not say whether the token stands in line for the first.
    private func laterPermit(of token: AnyTaskToken, standingFor kind: PermitKind) -> PermitKind? {
        var full = FullHosts()
        return laterPermit(of: token, standingFor: kind, past: &full)
    }

    private func laterPermit(
        of token: AnyTaskToken, standingFor kind: PermitKind, past full: inout FullHosts
    ) -> PermitKind? {
        let record = operations.record(token)
        let kinds = PermitKind.allCases.filter {
            line($0, of: token, record) != nil && !($0 == .operation && token.hasPermit)
        }
        guard kinds.count == 2, kinds[0] == kind, let parent = token.lineage else { return nil }
        let key = FullHosts.Key(
            parent: ObjectIdentifier(parent), kind: kinds[1],
            which: kinds[1] == .anchor ? token.anchor : UInt64(token.tags.storage?.index ?? 0))
        if full.keys.contains(key) { return nil }
        switch hosting(of: token, kinds[1].hold) {
        case .ready: return kinds[1]
        case .notNow: return nil
        case .notForSiblings:
            full.keys.insert(key)
            return nil
        }
    }

    /// Whose children no host lets in, as one walk through a line found out: thousands may have one parent.
    private struct FullHosts {
        struct Key: Hashable {
            let parent: ObjectIdentifier
            let kind: PermitKind
            /// The anchor, or the tier.
            let which: UInt64
        }
        var keys: Set<Key> = []
    }

    /// Whether a body lacks the permit alone that it stands in line for, and is a guest in a later one; or that and a later one,
    /// where its host would let it in.
    private func mayTake(_ place: PermitPlace) -> Bool {
        let later = PermitKind.allCases.filter { $0.rawValue > place.kind.rawValue }
        if place.others.isEmpty { return later.contains { isGuest(place.holder, $0.hold) } }
        guard let other = later.first(where: { place.others == $0.holding }), place.holder.isNeeded else {
            return false
        }
        return host(of: place.holder, other.hold) != nil
    }

    // MARK: Giving

    private enum Giving {
        case done
        /// Nobody who has the permit stands in a line: nobody else can be given it, either.
        case nobodyHasIt
        case takerHasGone
        /// Those who have it give it to others alone, if to any.
        case notToThis

        /// There is nothing to be given to another.
        var isLast: Bool { self == .done || self == .nobodyHasIt }
    }

    /// Gives a permit to one that stands in line for it, of one that has it and stands in line for a later one, if there is such a
    /// one.
    @discardableResult
    private func give(_ kind: PermitKind, to taker: AnyTaskToken) -> Giving {
        guard standingLines.load(ordering: .sequentiallyConsistent) != 0, let line = standingLine(kind, of: taker)
        else {
            return .nobodyHasIt
        }
        let places = standers.withLock { $0.places(of: line) }
        if places.isEmpty { return .nobodyHasIt }
        var outcome = Giving.done
        let change = line.permits.withLock {
            permits -> (holder: PermitWaiter, place: Standers.Place, taker: PermitWaiter)? in
            guard permits.contains(where: { $0.holder === taker }) else {
                outcome = .takerHasGone
                return nil
            }
            for (number, place) in places {
                let found = place.line.permits.withLock { later in
                    later.take(number) { mayGive(kind, standingFor: place.kind, $0, to: taker) }
                }
                guard let found, let waiter = permits.removeFirst(where: { $0.holder === taker }) else { continue }
                if isGuest(found.holder, kind.hold) {
                    nests.withLock { $0.replace(found.holder.sequence, by: taker.sequence, kind.hold) }
                }
                letGo(kind, found.holder)
                if case .token = waiter { hold(kind, taker) }
                return (found, place, waiter)
            }
            outcome = .notToThis
            return nil
        }
        guard let change else { return outcome }
        // Both are in no list, and ours.
        let holder = change.holder.holder
        forgetStander(holder, line)
        for between in PermitKind.allCases.reversed()
        where between.rawValue > kind.rawValue && between.rawValue < change.place.kind.rawValue {
            givePermitBack(holder, between)
        }
        switch change.holder {
        case .token(let token):
            // It was before those who stand there now. Else a stream of takers would keep it out for ever.
            holder.holdings.insert(.precedence)
            takePermits(token, operations.record(holder))
        case .thread(let place): place.sendBack()
        }
        switch change.taker {
        case .token(let token) where taker.isSettled: retire(token)
        case .token(let token): takePermits(token, operations.record(taker))
        case .thread(let place): place.parker.unpark()
        }
        return .done
    }

    /// Whether one that stands in the line of a later permit has the earlier that another needs: of its own, or as a guest that has
    /// not begun of the very host that would let the other in.
    ///
    /// Asked under the lock of the later line: while it stands there nobody else touches what it holds.
    private func mayGive(
        _ kind: PermitKind, standingFor later: PermitKind, _ holder: AnyTaskToken, to taker: AnyTaskToken
    ) -> Bool {
        guard holder !== taker, holder.holdings.contains(kind.holding) else { return false }
        let isOfOneLine =
            kind == .operation
            ? holder.operation === taker.operation : holder.anchor == taker.anchor && holder.tags.anchorLimit != 0
        return isOfOneLine && (!isGuest(holder, kind.hold) || mayReplace(holder, by: taker, kind.hold))
            && !PermitKind.allCases.contains {
                $0.rawValue > kind.rawValue && $0.rawValue < later.rawValue && isGuest(holder, $0.hold)
            }
    }
}

extension Permits<Engine.PermitWaiter> {
    /// Takes one out that is known by the number of its token, a token or a body, if it is wanted.
    fileprivate mutating func take(_ number: UInt64, if isWanted: (AnyTaskToken) -> Bool) -> Engine.PermitWaiter? {
        let body = removeReturning {
            Unmanaged.passUnretained($0.holder).number == number && isWanted($0.holder)
        }
        return body ?? remove(number, known: { $0.number }, if: { isWanted($0.holder) })
    }
}

extension Engine.PermitWaiter {
    /// Whose permit it is to be.
    var holder: AnyTaskToken {
        switch self {
        case .token(let token): token.takeUnretainedValue()
        case .thread(let place): place.holder
        }
    }
}
