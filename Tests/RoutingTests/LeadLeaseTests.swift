//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing
import TokenCore

@Suite("C6 a lease is released exactly when its last member is terminal")
struct LeadLeaseTests {
    static func lease() -> LeadLease {
        let lead = TokenID(origin: 7, sequence: 9)
        return LeadLease(lead: lead, domain: 2, externalCalls: ["child_op"])
    }

    @Test("C6 a lease carries what its members inherit")
    func carries() {
        let lease = Self.lease()
        #expect(lease.domain == 2 && lease.externalCalls == ["child_op"])
        #expect(lease.seed == Seed(lead: lease.lead, externalCalls: lease.externalCalls))
        #expect(!lease.isOpen && lease.live == 0)
    }

    @Test("C6 it opens with the first, is released with the last, and may open again")
    func cycle() {
        let lease = Self.lease()
        #expect(lease.join() == .opened)
        #expect(lease.join() == .joined)
        #expect(lease.leave() == .open)
        #expect(lease.isOpen)
        #expect(lease.leave() == .released)
        #expect(!lease.isOpen)
        #expect(lease.join() == .opened)
        #expect(lease.leave() == .released)
        #expect(lease.imbalances == 0)
    }

    @Test("C6 a leave too many changes nothing and is counted")
    func unbalanced() {
        let lease = Self.lease()
        #expect(lease.leave() == .open)
        #expect(lease.live == 0 && lease.imbalances == 1)
        #expect(lease.join() == .opened)
        #expect(lease.leave() == .released)
    }

    @Test("C6 random trees, ended in any order: released once, exactly at zero")
    func randomTrees() {
        var dice = Dice("C6 randomTrees")
        for _ in 0..<300 {
            let lease = Self.lease()
            #expect(lease.join() == .opened)
            var (alive, budget, releases) = (1, dice.below(60), 0)
            while alive > 0 {
                // Any living member may submit a child; any may end, the lead before its descendants too.
                if budget > 0, dice.below(2) == 0 {
                    budget -= 1
                    alive += 1
                    #expect(lease.join() == .joined)
                } else {
                    alive -= 1
                    let left = lease.leave()
                    #expect((left == .released) == (alive == 0))
                    releases += left == .released ? 1 : 0
                }
                #expect(lease.live == alive)
            }
            #expect(releases == 1 && !lease.isOpen && lease.imbalances == 0)
        }
    }

    @Test("C6 members that end at once on many threads: opens and releases balance, nothing is left")
    func concurrent() async {
        let lease = Self.lease()
        let sum = await withTaskGroup(of: (Int, Int).self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var (opened, released) = (0, 0)
                    for _ in 0..<20_000 {
                        if lease.join() == .opened { opened += 1 }
                        if lease.leave() == .released { released += 1 }
                    }
                    return (opened, released)
                }
            }
            return await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
        }
        #expect(sum.0 == sum.1 && sum.0 > 0)
        #expect(lease.live == 0 && lease.imbalances == 0)
    }
}
