//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing

/// An anchor table driven step by step beside a naive model of what must be true.
///
/// Homes are chosen as badly as possible: each time the table asks for one, the answer is another domain.
struct AnchorModel {
    private struct Idle {
        var anchor: Int
        var domain: Int
        var since: Int64
    }

    private var table: AnchorTable<Int>
    private let idleCapacity: Int
    private let idleTime: Int64
    private let ordered: Bool
    private(set) var now: Int64 = 0
    private var asked = 0

    /// Tokens alive, by anchor, with the domain each was sent to.
    private(set) var alive: [[Int: Int]]
    /// By anchor: the holder of the turn, then those who wait; the dead wait too until they are skipped.
    private var line: [[Int]]
    private var idle: [Idle] = []
    private var nextToken = 0
    /// What was wrong.
    private(set) var faults: [String] = []

    init(anchors: Int, ordered: Bool, idleCapacity: Int, idleTime: Int64) {
        table = AnchorTable(idleCapacity: idleCapacity, idleTime: idleTime)
        (self.idleCapacity, self.idleTime, self.ordered) = (idleCapacity, idleTime, ordered)
        alive = Array(repeating: [:], count: anchors)
        line = Array(repeating: [], count: anchors)
    }

    private func hash(_ anchor: Int) -> AnchorHash { AnchorHash(rawValue: UInt64(anchor)) }

    /// Tokens of an anchor that may end now: all that run.
    func running(_ anchor: Int) -> [Int] {
        ordered ? line[anchor].first.map { [$0] } ?? [] : alive[anchor].keys.sorted()
    }

    /// Tokens of an anchor that wait for their turn.
    func waiting(_ anchor: Int) -> [Int] { line[anchor].dropFirst().filter { alive[anchor][$0] != nil } }

    mutating func arrive(_ anchor: Int) {
        now += 1
        let token = nextToken
        nextToken += 1
        var home: Int?
        let fresh = asked + 1
        let arrival = table.arrive(hash(anchor), ordered: ordered, waiter: token, now: now) {
            home = fresh
            return fresh
        }
        if home != nil { asked = fresh }

        let lives = !alive[anchor].isEmpty || !line[anchor].isEmpty
        let remembered = idle.first { $0.anchor == anchor && now - $0.since < idleTime }
        idle.removeAll { $0.anchor == anchor }
        if lives, home != nil { fault("\(anchor) got a new home while alive") }
        if !lives, (home == nil) != (remembered != nil) { fault("\(anchor) asked for a home: \(home != nil)") }
        if !lives, let remembered, remembered.domain != arrival.domain { fault("\(anchor) forgot its home") }
        for (other, domain) in alive[anchor] where domain != arrival.domain {
            fault("\(anchor) has \(other) in \(domain) and \(token) in \(arrival.domain)")
        }

        let expected: AnchorTable<Int>.Turn = !ordered ? .none : line[anchor].isEmpty ? .granted : .queued
        if arrival.turn != expected { fault("\(anchor): \(token) is \(arrival.turn), not \(expected)") }
        alive[anchor][token] = arrival.domain
        if ordered { line[anchor].append(token) }
        check()
    }

    /// A running token ends; it may depart before it passes the turn, or after.
    mutating func finish(_ anchor: Int, token: Int, departsFirst: Bool) {
        now += 1
        guard let domain = alive[anchor].removeValue(forKey: token) else { return fault("no \(token)") }
        if departsFirst { table.depart(hash(anchor), now: now) }
        if ordered {
            var next: Int?
            repeat {
                guard !line[anchor].isEmpty else { return fault("\(anchor): \(next as Any) from an empty line") }
                line[anchor].removeFirst()
                next = table.passTurn(hash(anchor))
                if next != line[anchor].first { fault("\(anchor): \(next as Any) before \(line[anchor])") }
            } while next.map { alive[anchor][$0] == nil } ?? false
        }
        if !departsFirst { table.depart(hash(anchor), now: now) }
        ended(anchor, domain)
    }

    /// A waiting token is killed: it departs, and stands in the line until its turn.
    mutating func kill(_ anchor: Int, token: Int) {
        now += 1
        alive[anchor][token] = nil
        table.depart(hash(anchor), now: now)
        check()
    }

    /// A waiting token is taken out of the line, then departs.
    mutating func withdraw(_ anchor: Int, token: Int) {
        now += 1
        let removed = table.removeWaiters { $0 == token }
        if removed != [token] { fault("\(anchor): removed \(removed), not \(token)") }
        line[anchor].removeAll { $0 == token }
        alive[anchor][token] = nil
        table.depart(hash(anchor), now: now)
        check()
    }

    /// Time passes.
    mutating func wait(_ time: Int64) { now += time }

    /// The number of domains changes.
    mutating func forgetIdle() {
        table.forgetIdle()
        idle = []
        check()
    }

    private mutating func ended(_ anchor: Int, _ domain: Int) {
        if alive[anchor].isEmpty, line[anchor].isEmpty, idleTime > 0 {
            idle.append(Idle(anchor: anchor, domain: domain, since: now))
            if idle.count > idleCapacity { idle.removeFirst() }
        }
        check()
    }

    private mutating func check() {
        let live = alive.indices.filter { !alive[$0].isEmpty || !line[$0].isEmpty }
        if table.liveAnchors != live.count { fault("\(table.liveAnchors) live, not \(live.count)") }
        if table.idleAnchors > idleCapacity { fault("\(table.idleAnchors) idle") }
        let unexpired = idle.count { now - $0.since < idleTime }
        if table.idleAnchors < unexpired { fault("\(table.idleAnchors) idle of \(unexpired)") }
        let waiting = line.reduce(0) { $0 + max($1.count - 1, 0) }
        if table.waiting != waiting { fault("\(table.waiting) wait, not \(waiting)") }
        if table.imbalances != 0 { fault("\(table.imbalances) imbalances") }
    }

    private mutating func fault(_ text: String) {
        if faults.count < 5 { faults.append("at \(now): \(text)") }
    }
}
