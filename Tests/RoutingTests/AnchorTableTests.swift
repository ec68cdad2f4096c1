//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing

@Suite("C5 an anchor's table: homes, turns, and what is remembered")
struct AnchorTableTests {
    let a = AnchorHash(rawValue: 1)
    let b = AnchorHash(rawValue: 2)
    let c = AnchorHash(rawValue: 3)

    @Test("C5 ordered tokens run one at a time, in submission order")
    func turns() {
        var table = AnchorTable<Int>(idleCapacity: 4, idleTime: 10)
        let first = table.arrive(a, ordered: true, waiter: 0, now: 0) { 3 }
        #expect(first.turn == .granted)
        #expect(first.domain == 3)
        for id in 1...3 {
            let arrival = table.arrive(a, ordered: true, waiter: id, now: 0) { 9 }
            #expect(arrival.turn == .queued && arrival.domain == 3)
        }
        let free = table.arrive(a, ordered: false, waiter: 9, now: 0) { 9 }
        #expect(free.turn == .none && free.domain == 3)
        let order = (0..<4).map { _ in table.passTurn(a) }
        #expect(order == [1, 2, 3, nil])
        let again = table.arrive(a, ordered: true, waiter: 4, now: 0) { 9 }
        #expect(again.turn == .granted && again.domain == 3)
    }

    @Test("C5 turns of different anchors are independent")
    func independent() {
        var table = AnchorTable<Int>(idleCapacity: 4, idleTime: 10)
        for (id, hash) in [a, b, a, b, a].enumerated() {
            _ = table.arrive(hash, ordered: true, waiter: id, now: 0) { 0 }
        }
        let order = [a, b, a, b, a].map { table.passTurn($0) }
        #expect(order == [2, 3, 4, nil, nil])
    }

    @Test("C5 an idle anchor keeps its home for the idle time, and asks anew after it")
    func retention() {
        var table = AnchorTable<Int>(idleCapacity: 4, idleTime: 10)
        _ = table.arrive(a, ordered: false, waiter: 0, now: 100) { 5 }
        table.depart(a, now: 200)
        #expect(table.liveAnchors == 0 && table.idleAnchors == 1)
        var domain = table.arrive(a, ordered: false, waiter: 0, now: 209) { 6 }.domain
        #expect(domain == 5 && table.idleAnchors == 0 && table.liveAnchors == 1)
        table.depart(a, now: 300)
        domain = table.arrive(a, ordered: false, waiter: 0, now: 310) { 6 }.domain
        #expect(domain == 6 && table.domain(of: a) == 6)
    }

    @Test("C5 the oldest idle anchor is forgotten when there are too many")
    func eviction() {
        var table = AnchorTable<Int>(idleCapacity: 2, idleTime: 1_000)
        for (time, hash) in [a, b, c].enumerated() {
            _ = table.arrive(hash, ordered: false, waiter: 0, now: Int64(time)) { time }
            table.depart(hash, now: Int64(time))
        }
        #expect(table.idleAnchors == 2)
        #expect(table.domain(of: a) == nil && table.domain(of: b) == 1 && table.domain(of: c) == 2)
        table.forgetIdle()
        #expect(table.idleAnchors == 0 && table.domain(of: c) == nil)
    }

    @Test("C5 forgetting idle anchors leaves the live where they are")
    func forgetIdle() {
        var table = AnchorTable<Int>(idleCapacity: 2, idleTime: 1_000)
        _ = table.arrive(a, ordered: false, waiter: 0, now: 0) { 1 }
        table.forgetIdle()
        let domain = table.arrive(a, ordered: false, waiter: 0, now: 1) { 2 }.domain
        #expect(domain == 1)
    }

    @Test("C5 100,000 anchors that come and go leave no more than the idle capacity")
    func bounded() {
        var table = AnchorTable<Int>(idleCapacity: 100, idleTime: 50)
        var most = 0
        for key in 0..<100_000 {
            let hash = AnchorHash(rawValue: UInt64(key))
            _ = table.arrive(hash, ordered: false, waiter: 0, now: Int64(key)) { 0 }
            table.depart(hash, now: Int64(key))
            most = max(most, table.idleAnchors)
        }
        #expect(most <= 51)  // The time bounds it before the capacity does.
        #expect(table.liveAnchors == 0)
        let expired = table.expireIdle(now: 1_000_000)
        #expect(expired > 0 && table.idleAnchors == 0)
    }

    @Test("C5 calls that balance nothing change nothing and are counted")
    func unbalanced() {
        var table = AnchorTable<Int>(idleCapacity: 2, idleTime: 1_000)
        table.depart(a, now: 0)
        var next = table.passTurn(a)
        #expect(next == nil && table.imbalances == 2)
        _ = table.arrive(a, ordered: false, waiter: 0, now: 0) { 1 }
        next = table.passTurn(a)
        table.depart(a, now: 0)
        table.depart(a, now: 0)
        #expect(next == nil && table.imbalances == 4)
        #expect(table.liveAnchors == 0 && table.idleAnchors == 1 && table.domain(of: a) == 1)
    }

    @Test("C5 a turn that is still held keeps the anchor alive after its last departure")
    func turnOutlivesReferences() {
        var table = AnchorTable<Int>(idleCapacity: 2, idleTime: 1_000)
        _ = table.arrive(a, ordered: true, waiter: 0, now: 0) { 1 }
        table.depart(a, now: 5)
        #expect(table.liveAnchors == 1)
        let arrival = table.arrive(a, ordered: true, waiter: 1, now: 5_000) { 2 }
        #expect(arrival.domain == 1 && arrival.turn == .queued)
        let next = [table.passTurn(a), table.passTurn(a)]
        table.depart(a, now: 5_001)
        #expect(next == [1, nil] && table.idleAnchors == 1 && table.imbalances == 0)
    }

    @Test("C5 waiters can be looked at and taken out of their lines")
    func removal() {
        var table = AnchorTable<Int>(idleCapacity: 2, idleTime: 1_000)
        for id in 0..<1_000 { _ = table.arrive(id % 2 == 0 ? a : b, ordered: true, waiter: id, now: 0) { 0 } }
        #expect(table.waiting == 998)
        let removed = table.removeWaiters { $0 % 3 == 0 }
        #expect(removed.sorted() == (2..<1_000).filter { $0 % 3 == 0 })
        var seen: [Int] = []
        table.forEachWaiter { seen.append($0) }
        #expect(seen.sorted() == (2..<1_000).filter { $0 % 3 != 0 })
        let next = [table.passTurn(a), table.passTurn(b), table.passTurn(a)]
        #expect(next == [2, 5, 4])
        let all = table.removeWaiters { _ in true }
        #expect(all.count == seen.count - 3 && table.waiting == 0)
        let last = table.passTurn(b)
        #expect(last == nil && table.imbalances == 0)
    }
}
