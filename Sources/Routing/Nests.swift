//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Who uses what an ancestor holds: guests of blocked bodies.
///
/// A body that waits lends its hold (an ordered anchor's turn, or a permit of one kind) to one descendant at a time, its
/// *guest*. A guest that waits is itself a host of the next, so those inside one hold form a chain; only the innermost
/// can take another in. The hold goes back to whom it came from, the *root*'s line, when the root and the last guest are
/// done with it, in whatever order they end. A host that goes on after its wait first waits until its guests have left.
///
/// ```
///            enter(guest)                    leave(guest)
///   alone ───────────────▶ with a guest ─────────────────▶ alone      (those coming back are told)
///     │                          │
///     │ leave(host)              │ leave(host)
///     ▼                          ▼
///  released, or               ended ── leave(guest) ──▶ the host leaves, too
///  its own host is alone
/// ```
///
/// A pure state machine; whoever owns it brings the lock. Bodies are known by the number of their token.
package struct Nests<Returner: Sendable>: Sendable {
    /// What is held.
    package enum Kind: Sendable, Hashable, CaseIterable { case turn, operation, anchor, storage }

    private struct Hold: Hashable {
        let body: UInt64
        let kind: Kind
    }

    private struct Guest {
        var body: UInt64
        /// The host has ended: its hold goes on when the guest leaves.
        var hasHostEnded = false
        /// Tasks or threads of the host that want to go on.
        var returning: [Returner] = []
    }

    /// What came of a body's leaving.
    package struct Departure: Sendable {
        /// The hold has come back to its root and is free: its line may go on.
        package var isReleased = false
        /// A host that is alone again and lives: it may take the next guest in.
        package var host: UInt64?
        /// Who may go on, to be told after unlocking.
        package var returning: [Returner] = []
        /// How many guests left: more than one where hosts had ended before.
        package var guests = 0
    }

    private var guests: [Hold: Guest] = [:]
    private var hosts: [Hold: UInt64] = [:]

    package init() {}

    /// How many are guests.
    package var count: Int { hosts.count }

    /// Whether a body runs inside another's hold.
    package func isGuest(_ body: UInt64, _ kind: Kind) -> Bool { hosts[Hold(body: body, kind: kind)] != nil }

    /// Whether a body's hold is in use by a guest.
    package func hasGuest(_ body: UInt64, _ kind: Kind) -> Bool { guests[Hold(body: body, kind: kind)] != nil }

    /// Whether any of a body's holds is.
    package func hasGuest(_ body: UInt64) -> Bool { Kind.allCases.contains { hasGuest(body, $0) } }

    /// Who is inside a body's hold; its guest, or, where that has ended, who is inside that one's.
    package func occupant(of host: UInt64, _ kind: Kind) -> UInt64? {
        var occupant = guests[Hold(body: host, kind: kind)]?.body
        while let body = occupant, let next = guests[Hold(body: body, kind: kind)], next.hasHostEnded {
            occupant = next.body
        }
        return occupant
    }

    /// Whose hold a body is in: its own, or that of the host of its host and so on.
    package func root(of body: UInt64, _ kind: Kind) -> UInt64 {
        var root = body
        while let host = hosts[Hold(body: root, kind: kind)] { root = host }
        return root
    }

    /// Whether a body wants to go on and waits, in any of its holds, for a guest to leave.
    package func isReturning(_ host: UInt64) -> Bool {
        Kind.allCases.contains { guests[Hold(body: host, kind: $0)]?.returning.isEmpty == false }
    }

    /// Lets a body use what another holds.
    ///
    /// - Returns: false where the host has a guest already; then nothing has changed.
    package mutating func enter(_ guest: UInt64, host: UInt64, _ kind: Kind) -> Bool {
        let hold = Hold(body: host, kind: kind)
        guard guests[hold] == nil, hosts[Hold(body: guest, kind: kind)] == nil else { return false }
        guests[hold] = Guest(body: guest)
        hosts[Hold(body: guest, kind: kind)] = host
        return true
    }

    /// Inside whose hold a guest is that has not ended; nil where all have, and the guest is the last to use it.
    package func host(of guest: UInt64, _ kind: Kind) -> UInt64? {
        var host = hosts[Hold(body: guest, kind: kind)]
        while let body = host, guests[Hold(body: body, kind: kind)]?.hasHostEnded == true {
            host = hosts[Hold(body: body, kind: kind)]
        }
        return host
    }

    /// Lets another use what a guest was let in to use, which has no guest of its own.
    ///
    /// Who waits for the guest to leave waits for the other.
    package mutating func replace(_ guest: UInt64, by other: UInt64, _ kind: Kind) {
        guard let host = hosts.removeValue(forKey: Hold(body: guest, kind: kind)),
            guests[Hold(body: guest, kind: kind)] == nil, hosts[Hold(body: other, kind: kind)] == nil
        else { fatalError("\(kind): \(other) cannot take the place of \(guest)") }
        guests[Hold(body: host, kind: kind)]?.body = other
        hosts[Hold(body: other, kind: kind)] = host
    }

    /// A body, root or guest, is done with its hold.
    ///
    /// With a guest of its own inside, the hold stays with that one: the last to leave gives it back.
    package mutating func leave(_ body: UInt64, _ kind: Kind) -> Departure {
        var departure = Departure()
        var leaving = body
        while true {
            let hold = Hold(body: leaving, kind: kind)
            if guests[hold] != nil {
                guests[hold]?.hasHostEnded = true
                return departure
            }
            guard let host = hosts.removeValue(forKey: hold) else {
                departure.isReleased = true
                return departure
            }
            guard let guest = guests.removeValue(forKey: Hold(body: host, kind: kind)) else {
                fatalError("\(kind): \(leaving) is a guest of \(host), which does not know of it")
            }
            departure.guests += 1
            departure.returning += guest.returning
            guard guest.hasHostEnded else {
                departure.host = host
                return departure
            }
            leaving = host
        }
    }

    /// A returner goes on beside the guest: a wait with a timeout.
    package mutating func giveUp(_ host: UInt64, _ kind: Kind, _ isReturner: (Returner) -> Bool) {
        guests[Hold(body: host, kind: kind)]?.returning.removeAll(where: isReturner)
    }

    /// A host wants to go on.
    ///
    /// - Returns: true where no guest is inside; otherwise the returner is part of a later departure.
    package mutating func comeBack(_ host: UInt64, _ kind: Kind, _ returner: @autoclosure () -> Returner) -> Bool {
        let hold = Hold(body: host, kind: kind)
        guard guests[hold] != nil else { return true }
        guests[hold]?.returning.append(returner())
        return false
    }
}
