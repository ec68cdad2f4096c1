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
        /// It lacks no other.
        let isLast: Bool
        /// The earlier permits that it holds.
        let earlier: TokenTags.Holdings
        let parker = Parker()
        private let sentBack = Atomic<Bool>(false)

        init(_ line: Line, _ kind: PermitKind, _ holder: AnyTaskToken, isLast: Bool) {
            self.line = line
            self.kind = kind
            self.holder = holder
            self.isLast = isLast
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
            guard let later = laterPermit(of: token, standingFor: kind) else { continue }
            return give(kind, before: later, to: token)
        }
    }

    /// A body that takes its permits back stands in a line.
    func giveWay(at place: PermitPlace) {
        if let later = laterPermit(of: place) { give(place.kind, before: later, to: place.holder) }
        noteHolder(of: place.earlier, like: place.holder, standingIn: place.line, place.kind)
    }

    /// A token, or a body, has come to stand in a line with earlier permits in hand.
    func noteHolder(of earlier: TokenTags.Holdings, like token: AnyTaskToken, standingIn line: Line, _ kind: PermitKind)
    {
        if earlier.isEmpty { return }
        line.hasHolders.store(true, ordering: .sequentiallyConsistent)
        for first in PermitKind.allCases where earlier.contains(first.holding) {
            if let firstLine = standingLine(first, of: token) { seekTaker(in: firstLine, first, before: kind) }
        }
    }

    /// A host of a permit may let one in: who stands in its line may have what a descendant needs for that.
    func seekTakers(before kind: PermitKind, _ line: Line) {
        guard line.hasHolders.load(ordering: .sequentiallyConsistent) else { return }
        for other in operations.all.compactMap(\.line) { seekTaker(in: other, .operation, before: kind) }
        if kind == .storage {
            for other in anchors.flatMap(\.allLines) { seekTaker(in: other, .anchor, before: kind) }
        }
    }

    private func seekTaker(in line: Line, _ kind: PermitKind, before later: PermitKind) {
        let returner: AnyTaskToken? = line.permits.withLock { permits in
            let found = permits.firstReturning {
                guard case .thread(let place) = $0 else { return false }
                return laterPermit(of: place) == later
            }
            return found?.holder
        }
        let taker =
            returner
            ?? line.needed.withLock { needed in
                needed.first { laterPermit(of: $0, standingFor: kind) == later }
            }
        if let taker { give(kind, before: later, to: taker) }
    }

    /// The permit that a needed token takes next after the one of a kind, if it takes these two alone, and its host would let it
    /// in.
    private func laterPermit(of token: AnyTaskToken, standingFor kind: PermitKind) -> PermitKind? {
        let kinds = PermitKind.allCases.filter { standingLine($0, of: token) != nil }
        guard kinds.count == 2, kinds[0] == kind, host(of: token, kinds[1].hold) != nil else { return nil }
        return kinds[1]
    }

    /// The later permit that a body is a guest in, if it lacks the one alone that it stands in line for.
    private func laterPermit(of place: PermitPlace) -> PermitKind? {
        guard place.isLast else { return nil }
        return PermitKind.allCases.first {
            $0.rawValue > place.kind.rawValue && isGuest(place.holder, $0.hold)
        }
    }

    // MARK: Giving

    /// Gives a permit to one that stands in line for it, of one that has it and stands in line for a later one, if there is such a
    /// one.
    private func give(_ kind: PermitKind, before later: PermitKind, to taker: AnyTaskToken) {
        guard let line = standingLine(kind, of: taker), let laterLine = standingLine(later, of: taker) else { return }
        let change = line.permits.withLock { permits -> (holder: PermitWaiter, taker: PermitWaiter)? in
            guard permits.contains(where: { $0.holder === taker }) else { return nil }
            let found = laterLine.permits.withLock { laterPermits in
                laterPermits.removeFirst { mayGive(kind, before: later, $0.holder, to: taker) }
            }
            guard let found, let waiter = permits.removeFirst(where: { $0.holder === taker }) else { return nil }
            letGo(kind, found.holder)
            if case .token = waiter { hold(kind, taker) }
            return (found, waiter)
        }
        guard let change else { return }
        // Both are in no list, and ours.
        let holder = change.holder.holder
        for between in PermitKind.allCases.reversed()
        where between.rawValue > kind.rawValue && between.rawValue < later.rawValue {
            givePermitBack(holder, between)
        }
        switch change.holder {
        case .token(let token): takePermits(token, operations.record(holder))
        case .thread(let place): place.sendBack()
        }
        switch change.taker {
        case .token(let token) where taker.isSettled: retire(token)
        case .token(let token): takePermits(token, operations.record(taker))
        case .thread(let place): place.parker.unpark()
        }
    }

    /// Whether one that stands in the line of the later permit has the earlier that another needs, of its own.
    ///
    /// Asked under the lock of the later line: while it stands there nobody else touches what it holds.
    private func mayGive(
        _ kind: PermitKind, before later: PermitKind, _ holder: AnyTaskToken, to taker: AnyTaskToken
    ) -> Bool {
        guard holder !== taker, holder.holdings.contains(kind.holding) else { return false }
        let isOfOneLine =
            kind == .operation
            ? holder.operation === taker.operation : holder.anchor == taker.anchor && holder.tags.anchorLimit != 0
        return isOfOneLine
            && !PermitKind.allCases.contains {
                $0.rawValue >= kind.rawValue && $0.rawValue < later.rawValue && isGuest(holder, $0.hold)
            }
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
