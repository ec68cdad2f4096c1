//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import DequeModule
package import TokenCore

/// The live tokens that a coordinator bears, and who stands outside: a pure state machine; whoever owns it brings the lock.
///
/// Each token inside is either through, on its way to a worker, or stands in the line. Only `dropOldest` has a line: it can give up what
/// stands there, and not what a mailbox has; so no more than `window` are through at once.
///
/// Invariants: nobody is granted a place beyond `limit`, except those who must enter, since a body may wait for them; nobody waits
/// while there is a place; the line moves first come, first served; each entry is paired with one `leave`, `removeDead`, or drop.
package struct AdmissionLimit<Token: Sendable, Waiter: Sendable>: Sendable {
    /// What becomes of a token that has arrived.
    package enum Arrival {
        /// It is through.
        case goesOn
        /// It stands in the line.
        case standsInLine
        /// It stands in the line; this one, the oldest there, had to go, and is the caller's.
        case replaces(Token)
        /// There is no place for it.
        case refused
    }

    package let limit: Int
    package let window: Int
    package let overload: Overload
    /// Tokens inside, and places granted to waiters that have not come with theirs yet.
    package private(set) var inUse = 0
    package private(set) var through = 0
    package private(set) var refused: UInt64 = 0
    package private(set) var dropped: UInt64 = 0
    /// Who had to wait outside.
    package var suspended: UInt64 { lastWaiter }
    private var line: Deque<Token> = []
    private var waiters = IndexedQueue<(number: UInt64, waiter: Waiter)>()
    private var lastWaiter: UInt64 = 0
    private var isPassing = false

    /// Nobody inside.
    ///
    /// - Parameters:
    ///   - limit: places, 1 and more.
    ///   - window: tokens through at once where there is a line, 1…limit.
    package init(limit: Int, window: Int, overload: Overload) {
        self.limit = limit
        self.window = overload == .dropOldest ? window : .max
        self.overload = overload
    }

    package var standing: Int { line.count }
    package var waiting: Int { waiters.count }
    /// What the waiters take of memory, in entries.
    package var waitersFootprint: Int { waiters.footprint }
    package var isFull: Bool { inUse >= limit }

    /// A token comes.
    ///
    /// - Parameters:
    ///   - mustEnter: somebody inside may wait for it, or it was let in before.
    ///   - isGranted: a waiter's: its place is counted already.
    ///   - isLive: whether one that stands in the line still counts.
    package mutating func arrive(
        _ token: @autoclosure () -> Token, mustEnter: Bool = false, isGranted: Bool = false, isLive: (Token) -> Bool
    ) -> Arrival {
        if isGranted || mustEnter || inUse < limit {
            if !isGranted { inUse += 1 }
            if mustEnter || through < window && line.isEmpty {
                through += 1
                return .goesOn
            }
            line.append(token())
            return .standsInLine
        }
        if overload == .dropOldest, let place = line.firstIndex(where: isLive) {
            let oldest = line.remove(at: place)
            line.append(token())
            dropped += 1
            return .replaces(oldest)
        }
        refused += 1
        return .refused
    }

    /// One that was through is done; whoever says so then sees to the line (`beginPassing`).
    ///
    /// - Returns: the waiter that has a place by that.
    package mutating func leave() -> Waiter? {
        through -= 1
        inUse -= 1
        return nextWaiter()
    }

    /// Whether the caller is to take from the line until there is nothing to take: nobody else does, and there is something.
    ///
    /// One at a time: a token that dies on its way through leaves at once, and its leaving must not take the next one within.
    package mutating func beginPassing() -> Bool {
        if isPassing || line.isEmpty || through >= window { return false }
        isPassing = true
        return true
    }

    /// The next in the line, which is through now; nil where the caller is done.
    package mutating func next() -> Token? {
        guard through < window, let first = line.popFirst() else {
            isPassing = false
            return nil
        }
        through += 1
        return first
    }

    private mutating func nextWaiter() -> Waiter? {
        guard inUse < limit, let first = waiters.popFirst() else { return nil }
        inUse += 1
        return first.waiter
    }

    /// Takes those out of the line that do not count any more.
    ///
    /// - Returns: them, for the caller to act on after unlocking.
    package mutating func removeDead(where isDead: (Token) -> Bool) -> [Token] {
        var dead: [Token] = []
        line.removeAll { token in
            guard isDead(token) else { return false }
            dead.append(token)
            return true
        }
        inUse -= dead.count
        return dead
    }

    /// Takes a place without a token yet, or waits for one.
    ///
    /// - Returns: nil with the place; else the number by which the waiter is known.
    package mutating func reserve(_ waiter: @autoclosure () -> Waiter) -> UInt64? {
        if inUse < limit, waiters.isEmpty {
            inUse += 1
            return nil
        }
        lastWaiter += 1
        waiters.append((number: lastWaiter, waiter: waiter()))
        return lastWaiter
    }

    /// Takes a waiter back; nil where it has been granted a place, or told that there will be none.
    ///
    /// - Complexity: O(1) on average, wherever it stands.
    package mutating func giveUp(_ number: UInt64) -> Waiter? {
        waiters.remove(number) { $0.number }?.waiter
    }

    /// Lets one through ahead of its turn, beyond the window where that is full.
    package mutating func pull(where isWanted: (Token) -> Bool) -> Token? {
        guard let place = line.firstIndex(where: isWanted) else { return nil }
        through += 1
        return line.remove(at: place)
    }

    /// A place that was granted is not used after all.
    ///
    /// - Returns: the waiter that has it now.
    package mutating func giveBack() -> Waiter? {
        inUse -= 1
        return nextWaiter()
    }

    /// Nobody waits any more: answers those who did.
    package mutating func takeWaiters() -> [Waiter] { waiters.removeAll().map(\.waiter) }

    package func forEachStanding(_ body: (Token) -> Void) { line.forEach(body) }
}
