//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import DequeModule
public import TokenCore

/// The permits of one storage tier: one counter and a queue, so a change of the limit is a change of one number.
///
/// A pure state machine; whoever owns it brings the lock. A permit is granted by ``acquire(_:)`` or ``tryAcquire()``
/// that returned true, or to the waiter that ``release()`` or ``setLimit(_:)`` returned; each is released exactly once.
///
/// Invariants: a grant never takes ``inUse`` above ``limit``; nobody waits while a permit is free; grants are first come,
/// first served. After the limit was lowered, ``inUse`` may stand above it until those inside have left.
public struct StoragePermits<Waiter: Sendable>: Sendable {
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
    private var queue = Deque<Waiter>()

    /// Makes a tier with all permits free.
    ///
    /// - Parameter limit: how many may be inside at once, 1…65,536.
    /// - Throws: `TokenError` with the code `invalidConfiguration` for a limit out of range.
    public init(limit: Int) throws(TokenError) {
        try Self.check(limit, .invalidConfiguration)
        self.limit = limit
    }

    /// How many wait.
    public var waiting: Int { queue.count }

    /// Takes a permit, or joins the queue.
    ///
    /// - Parameter waiter: evaluated and kept only where it must wait.
    /// - Returns: true when the permit is granted; false when it waits.
    public mutating func acquire(_ waiter: @autoclosure () -> Waiter) -> Bool {
        if tryAcquire() { return true }
        queue.append(waiter())
        return false
    }

    /// Takes a permit back that was lent, or joins the queue ahead of those who have none yet, behind others who take theirs back.
    ///
    /// - Parameter isReturning: who in the queue takes a permit back.
    package mutating func reacquire(_ waiter: @autoclosure () -> Waiter, isReturning: (Waiter) -> Bool) -> Bool {
        if tryAcquire() { return true }
        queue.insert(waiter(), at: queue.firstIndex { !isReturning($0) } ?? queue.endIndex)
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
        limit = newLimit
        var granted: [Waiter] = []
        while let waiter = next() { granted.append(waiter) }
        return granted
    }

    /// Calls `body` with every waiter, first come first.
    public func forEachWaiter(_ body: (Waiter) -> Void) { queue.forEach(body) }

    /// Takes waiters out of the queue.
    ///
    /// - Returns: those removed, for the caller to act on after unlocking.
    @discardableResult
    public mutating func removeWaiters(where isRemoved: (Waiter) -> Bool) -> [Waiter] {
        var removed: [Waiter] = []
        queue.removeAll { waiter in
            guard isRemoved(waiter) else { return false }
            removed.append(waiter)
            return true
        }
        return removed
    }

    /// Who is next.
    package var first: Waiter? { queue.first }

    /// Takes the first waiter that `isWanted` out of the queue; no permit changes hands.
    package mutating func removeFirst(where isWanted: (Waiter) -> Bool) -> Waiter? {
        guard let place = queue.firstIndex(where: isWanted) else { return nil }
        return queue.remove(at: place)
    }

    private mutating func next() -> Waiter? {
        guard inUse < limit, let waiter = queue.popFirst() else { return nil }
        grant()
        return waiter
    }

    private mutating func grant() {
        inUse += 1
        peak = max(peak, inUse)
    }

    private static func check(_ limit: Int, _ code: TokenError.Code) throws(TokenError) {
        guard limits.contains(limit) else {
            throw TokenError(code, "storage limit \(limit) is outside \(limits.lowerBound)...\(limits.upperBound)")
        }
    }
}
