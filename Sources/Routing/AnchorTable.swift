//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The sticky anchors of one shard: who is bound where, who holds the turn, who waits for it.
///
/// A pure state machine; whoever owns it brings the lock and the clock.
///
/// - While an anchor is live, its home does not change. It is live from the first ``arrive(_:ordered:waiter:now:home:)``
///   to the ``depart(_:now:)`` that balances the last one, or longer while its turn is held or waited for. So a token may
///   depart before or after it passes its turn, and a waiter that died may depart while it still stands in the queue.
/// - Ordered arrivals hold the anchor's turn one at a time, in the order of their arrival. Whoever was granted the turn,
///   at arrival or from ``passTurn(_:)``, passes it exactly once.
/// - Afterwards the home is remembered for the idle time, among at most `idleCapacity` others.
///
/// Calls that balance nothing change nothing and are counted in ``imbalances``.
public struct AnchorTable<Waiter: Sendable>: Sendable {
    /// What an arrival has to do with its anchor's turn.
    public enum Turn: Sendable, Hashable {
        /// Not ordered: it may run at once.
        case none
        /// It holds the turn.
        case granted
        /// It waits; ``AnchorTable/passTurn(_:)`` will return it.
        case queued
    }

    /// Where an arrival runs, and whether it may.
    public struct Arrival: Sendable, Hashable {
        /// The anchor's home, a 0-based index.
        public let domain: Int
        /// Whether the turn is its own.
        public let turn: Turn

        @inlinable
        init(domain: Int, turn: Turn) { (self.domain, self.turn) = (domain, turn) }
    }

    @usableFromInline var bindings: AnchorBindings
    @usableFromInline var pool = WaiterPool<Waiter>()
    /// Departures and passed turns that had nothing to balance; 0 unless the caller is at fault.
    public private(set) var imbalances = 0

    /// Makes an empty table.
    ///
    /// - Parameters:
    ///   - idleCapacity: how many idle anchors are remembered; beyond, the oldest is forgotten. 0 or less: none.
    ///   - idleTime: for how long, in nanoseconds. 0 or less: not at all.
    public init(idleCapacity: Int, idleTime: Int64) {
        bindings = AnchorBindings(idleCapacity: idleCapacity, idleTime: idleTime)
    }

    /// Anchors with tokens alive.
    public var liveAnchors: Int { bindings.liveCount }
    /// Anchors without tokens whose home is remembered.
    public var idleAnchors: Int { bindings.idleCount }
    /// Waiters in the queues of all anchors.
    public var waiting: Int { pool.count }

    /// The home of a live anchor, or of an idle one that has not been forgotten yet.
    public func domain(of hash: AnchorHash) -> Int? { bindings.slot(of: hash).map { bindings.slots[$0].domain } }

    /// A token of an anchor comes to life.
    ///
    /// - Parameters:
    ///   - hash: the anchor.
    ///   - ordered: whether it must run alone among the anchor's ordered tokens, in the order of arrival.
    ///   - waiter: what ``passTurn(_:)`` returns when its turn comes; kept only where the answer is `queued`.
    ///   - now: monotonic nanoseconds.
    ///   - forgetsIdle: whether a remembered home, of an anchor without live tokens, does not hold.
    ///   - home: asked for the domain where the anchor has no home that still holds.
    /// - Returns: the domain, and whether the token holds its anchor's turn.
    @inlinable
    public mutating func arrive(
        _ hash: AnchorHash,
        ordered: Bool,
        waiter: Waiter,
        now: Int64,
        forgetsIdle: Bool = false,
        home: () -> Int
    ) -> Arrival {
        let slot = bindings.arrive(hash, now: now, forgetsIdle: forgetsIdle, home: home)
        let domain = bindings.slots[slot].domain
        guard ordered else { return Arrival(domain: domain, turn: .none) }
        guard bindings.slots[slot].turnTaken else {
            bindings.slots[slot].turnTaken = true
            return Arrival(domain: domain, turn: .granted)
        }
        pool.append(waiter, to: &bindings.slots[slot].queue)
        return Arrival(domain: domain, turn: .queued)
    }

    /// Something other than a token comes to an anchor, and is not ordered: until the balancing departure the anchor is live.
    ///
    /// - Returns: the domain.
    package mutating func hold(_ hash: AnchorHash, now: Int64, home: () -> Int) -> Int {
        bindings.slots[bindings.arrive(hash, now: now, home: home)].domain
    }

    /// The holder of the turn is done with it.
    ///
    /// - Returns: the next waiter in the order of arrival, which holds the turn now (to skip one that died, call again);
    ///   nil when nobody waits and the turn is free.
    @inlinable
    public mutating func passTurn(_ hash: AnchorHash) -> Waiter? {
        guard let slot = bindings.slot(of: hash), bindings.slots[slot].turnTaken else {
            countImbalance()
            return nil
        }
        if let next = pool.popFirst(from: &bindings.slots[slot].queue) { return next }
        bindings.slots[slot].turnTaken = false
        bindings.settle(slot)
        return nil
    }

    /// A token of an anchor is terminal.
    ///
    /// - Parameters:
    ///   - hash: the anchor.
    ///   - now: monotonic nanoseconds; the idle time starts here.
    public mutating func depart(_ hash: AnchorHash, now: Int64) {
        if !bindings.depart(hash, now: now) { countImbalance() }
    }

    /// Forgets the homes of all idle anchors, as when the number of domains changes; live anchors stay where they are.
    public mutating func forgetIdle() { bindings.forgetIdle() }

    /// Moves the home of an idle anchor.
    ///
    /// - Returns: false where it is live or not known; then nothing has changed.
    package mutating func rehome(_ hash: AnchorHash, to domain: Int) -> Bool { bindings.rehome(hash, to: domain) }

    /// Moves the homes of all idle anchors of a domain, as when that is not to be used any more; live anchors stay.
    ///
    /// - Parameter home: asked for each one's new home.
    /// - Returns: those that moved, and where to.
    /// - Complexity: linear in the number of idle anchors.
    package mutating func rehomeIdle(
        from domain: Int, home: (AnchorHash) -> Int
    ) -> [(hash: AnchorHash, to: Int)] {
        bindings.rehomeIdle(from: domain, home: home)
    }

    /// Forgets idle anchors whose time has passed.
    ///
    /// Arrivals and departures do a little of this themselves; a table without
    /// traffic needs the call to give its memory back.
    ///
    /// - Returns: how many were forgotten.
    @discardableResult
    public mutating func expireIdle(now: Int64) -> Int { bindings.expireIdle(now: now, atMost: .max) }

    /// Calls `body` with every waiter; those of one anchor in their order.
    public func forEachWaiter(_ body: (Waiter) -> Void) {
        guard pool.count > 0 else { return }
        for slot in bindings.slots { pool.forEach(in: slot.queue, body) }
    }

    /// Takes waiters out of their queues; their references stay until they depart, and turns stay with their holders.
    ///
    /// - Returns: those removed, for the caller to act on after unlocking.
    @discardableResult
    public mutating func removeWaiters(where isRemoved: (Waiter) -> Bool) -> [Waiter] {
        guard pool.count > 0 else { return [] }
        var removed: [Waiter] = []
        for slot in bindings.slots.indices where !bindings.slots[slot].queue.isEmpty {
            var kept = WaiterQueue()
            while let waiter = pool.popFirst(from: &bindings.slots[slot].queue) {
                if isRemoved(waiter) { removed.append(waiter) } else { pool.append(waiter, to: &kept) }
            }
            bindings.slots[slot].queue = kept
        }
        return removed
    }

    /// Who has an anchor's turn next.
    package func first(of hash: AnchorHash) -> Waiter? {
        bindings.slot(of: hash).flatMap { pool.first(of: bindings.slots[$0].queue) }
    }

    /// Takes the first waiter of an anchor that `isWanted` out of its queue, if it stands at or before the one that
    /// `isLast`, and `mayGo` confirms it; neither the turn nor its reference changes.
    ///
    /// - Complexity: linear in the place of the last.
    package mutating func removeFirst(
        of hash: AnchorHash, upTo isLast: (Waiter) -> Bool, where isWanted: (Waiter) -> Bool,
        if mayGo: (Waiter) -> Bool
    ) -> Waiter? {
        guard let slot = bindings.slot(of: hash) else { return nil }
        return pool.removeFirst(from: &bindings.slots[slot].queue, upTo: isLast, where: isWanted, if: mayGo)
    }

    /// Hands the turn of a holder that cannot use it now to the first waiter that can; the holder stands first in line then.
    ///
    /// - Returns: who holds the turn now; nil where no waiter can use it, and nothing has changed.
    /// - Complexity: linear in the place of that waiter.
    package mutating func yieldTurn(_ hash: AnchorHash, of holder: Waiter, to canUse: (Waiter) -> Bool) -> Waiter? {
        guard let slot = bindings.slot(of: hash), bindings.slots[slot].turnTaken else {
            countImbalance()
            return nil
        }
        let next = pool.removeFirst(from: &bindings.slots[slot].queue, upTo: canUse, where: canUse) { _ in true }
        if next != nil { pool.prepend(holder, to: &bindings.slots[slot].queue) }
        return next
    }

    /// Whether one of an anchor's waiters is as asked.
    package func hasWaiter(of hash: AnchorHash, where isWanted: (Waiter) -> Bool) -> Bool {
        var found = false
        if let slot = bindings.slot(of: hash) {
            pool.forEach(in: bindings.slots[slot].queue) { found = found || isWanted($0) }
        }
        return found
    }

    @usableFromInline
    mutating func countImbalance() { imbalances += 1 }
}
