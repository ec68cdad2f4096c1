//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import DequeModule
public import TokenCore

/// The permits of a storage tier, or of another limit to how many may be inside: one counter and a queue, so a change of the
/// limit is a change of one number.
///
/// A pure state machine; whoever owns it brings the lock. A permit is granted by ``acquire(_:)`` or ``tryAcquire()``
/// that returned true, or to the waiter that ``release()`` or ``setLimit(_:)`` returned; each is released exactly once.
///
/// Invariants: a grant never takes ``inUse`` above ``limit``; nobody waits while a permit is free; grants are first come,
/// first served, among those who are equally urgent (`AgingQueue`). After the limit was lowered, ``inUse`` may stand above it until those inside have left.
public struct Permits<Waiter: Sendable>: Sendable {
    /// The limits that make sense.
    public static var limits: ClosedRange<Int> { 1...65_536 }

    /// How many may be inside at once.
    public private(set) var limit: Int
    /// How many are inside.
    public private(set) var inUse = 0
    /// The most that were ever inside at once.
    public private(set) var peak = 0
    /// Releases that had nothing to release; 0 unless the caller is at fault.
    public private(set) var imbalances = 0
    /// Those who take back what they lent: ahead of the others.
    private var returning = Deque<Waiter>()
    private var queue = AgingQueue<Waiter>()

    /// Makes them, all free.
    ///
    /// - Parameter limit: how many may be inside at once, 1…65,536.
    /// - Throws: `TokenError` with the code `invalidConfiguration` for a limit out of range.
    public init(limit: Int) throws(TokenError) {
        try Self.check(limit, .invalidConfiguration)
        self.limit = limit
    }

    /// How many wait.
    public var waiting: Int { returning.count + queue.count }

    /// Takes a permit, or joins the queue.
    ///
    /// - Parameter waiter: evaluated and kept only where it must wait.
    /// - Returns: true when the permit is granted; false when it waits.
    public mutating func acquire(_ waiter: @autoclosure () -> Waiter) -> Bool { acquire(waiter(), .same) }

    /// Takes a permit, or joins the queue at a rank.
    package mutating func acquire(_ waiter: @autoclosure () -> Waiter, _ rank: @autoclosure () -> AgingRank) -> Bool {
        if tryAcquire() { return true }
        queue.append(waiter(), rank())
        return false
    }

    /// Takes a permit, or joins the queue ahead of all of its level: it had this permit before, or stood here, and gave its place up.
    ///
    /// - Parameter number: what `remove` may ask for it by; nil where it may not.
    package mutating func acquireAhead(_ waiter: Waiter, _ rank: AgingRank, number: UInt64?) -> Bool {
        if tryAcquire() { return true }
        queue.prepend(waiter, rank, number: number)
        return false
    }

    /// Takes a permit back that was lent, or joins the queue ahead of those who have none yet, behind others who take theirs back.
    package mutating func reacquire(_ waiter: @autoclosure () -> Waiter) -> Bool {
        if tryAcquire() { return true }
        returning.append(waiter())
        return false
    }

    /// Takes a permit if one is free.
    public mutating func tryAcquire() -> Bool {
        guard inUse < limit else { return false }
        grant()
        return true
    }

    /// Gives a permit back.
    ///
    /// - Returns: the waiter that holds the permit now; nil when nobody waits, or the limit was lowered meanwhile.
    public mutating func release() -> Waiter? {
        guard inUse > 0 else {
            imbalances += 1
            return nil
        }
        inUse -= 1
        return next()
    }

    /// Changes the limit in place; nobody inside is disturbed.
    ///
    /// - Parameter newLimit: how many may be inside at once, 1…65,536.
    /// - Returns: the waiters that were granted a permit by it, in their order.
    /// - Throws: `TokenError` with the code `invalidArgument` for a limit out of range; then nothing has changed.
    public mutating func setLimit(_ newLimit: Int) throws(TokenError) -> [Waiter] {
        try Self.check(newLimit, .invalidArgument)
        return change(to: newLimit)
    }

    /// Lets everyone in from now on.
    package mutating func lift() -> [Waiter] { change(to: .max) }

    private mutating func change(to newLimit: Int) -> [Waiter] {
        limit = newLimit
        var granted: [Waiter] = []
        while let waiter = next() { granted.append(waiter) }
        return granted
    }

    /// Calls `body` with every waiter; those who are equally urgent first come first.
    public func forEachWaiter(_ body: (Waiter) -> Void) {
        returning.forEach(body)
        queue.forEach(body)
    }

    /// Takes waiters out of the queue.
    ///
    /// - Returns: those removed, for the caller to act on after unlocking.
    @discardableResult
    public mutating func removeWaiters(where isRemoved: (Waiter) -> Bool) -> [Waiter] {
        var removed: [Waiter] = []
        returning.removeAll { waiter in
            guard isRemoved(waiter) else { return false }
            removed.append(waiter)
            return true
        }
        return removed + queue.removeAll(where: isRemoved)
    }

    /// Who is next.
    package var first: Waiter? { returning.first ?? queue.first }

    /// Those who take back what they lent that are wanted, in their order.
    package func returning(where isWanted: (Waiter) -> Bool) -> [Waiter] { returning.filter(isWanted) }

    /// Whether one waits that `isWanted`.
    package func contains(where isWanted: (Waiter) -> Bool) -> Bool {
        returning.contains(where: isWanted) || queue.contains(where: isWanted)
    }

    /// Takes the first waiter that `isWanted` out of the queue; no permit changes hands.
    package mutating func removeFirst(where isWanted: (Waiter) -> Bool) -> Waiter? {
        removeReturning(where: isWanted) ?? queue.removeFirst(where: isWanted)
    }

    /// Takes the first of those who take back what they lent that `isWanted` out of the queue; no permit changes hands.
    package mutating func removeReturning(where isWanted: (Waiter) -> Bool) -> Waiter? {
        returning.firstIndex(where: isWanted).map { returning.remove(at: $0) }
    }

    /// Takes the waiter out of the queue that has the number, where it is wanted, and not one that takes its permit back; no permit
    /// changes hands.
    ///
    /// - Parameter known: the number of each; nil for one that cannot be asked for.
    /// - Complexity: O(1) on average.
    package mutating func remove(
        _ number: UInt64, known: (Waiter) -> UInt64?, if isWanted: (Waiter) -> Bool = { _ in true }
    ) -> Waiter? {
        queue.remove(number, known: known, if: isWanted)
    }

    private mutating func next() -> Waiter? {
        guard inUse < limit, let waiter = returning.popFirst() ?? queue.popFirst() else { return nil }
        grant()
        return waiter
    }

    private mutating func grant() {
        inUse += 1
        peak = max(peak, inUse)
    }

    private static func check(_ limit: Int, _ code: TokenError.Code) throws(TokenError) {
        guard limits.contains(limit) else {
            throw TokenError(code, "limit \(limit) is outside \(limits.lowerBound)...\(limits.upperBound)")
        }
    }
}
