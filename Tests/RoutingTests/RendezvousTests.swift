//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing
import TokenCore

@Suite("C5 rendezvous: an anchor's home is a function of its key, tempered by load")
struct RendezvousTests {
    @Test("C5 the scores of the documented example")
    func knownScores() {
        let user = AnchorHash("user:42")
        let scores: [UInt64] = [
            0x23AC_7569_7FE8_B97E, 0x5EEA_5967_966C_917A, 0x051C_F5AD_D251_B101, 0xEE77_8DCE_52C2_6F03,
        ]
        #expect((0..<4).map { Rendezvous.score(of: user, domain: $0) } == scores)
        #expect((1...8).map { Rendezvous.home(of: user, domains: $0, slack: 0) } == [0, 1, 1, 3, 3, 3, 3, 3])
        let empty = AnchorHash("")
        #expect((1...8).map { Rendezvous.home(of: empty, domains: $0, slack: 0) } == [0, 1, 2, 2, 2, 2, 6, 6])
    }

    @Test("C5 the same input gives the same place, whatever the equal load")
    func deterministic() {
        for key in 0..<500 {
            let hash = AnchorHash(key)
            let home = Rendezvous.home(of: hash, domains: 7, slack: 0)
            #expect(Rendezvous.home(of: AnchorHash(key), domains: 7, slack: 100) == home)
            #expect(Rendezvous.home(of: hash, domains: 7, loads: { _ in 1_000_003 }, slack: 0) == home)
            #expect(Rendezvous.home(of: hash, domains: 7, loads: { _ in .max }, slack: .max) == home)
            #expect(Rendezvous.home(of: hash, domains: 7, loads: { _ in -5 }, slack: -5) == home)
        }
    }

    @Test(
        "C5 adding a domain moves a fair share of anchors, and only to the new domain", arguments: [1, 2, 3, 7, 16, 63])
    func fairShare(domains: Int) {
        var dice = Dice("fairShare(\(domains))")
        let count = 20_000
        var moved = 0
        var strays = 0
        for _ in 0..<count {
            let hash = AnchorHash(rawValue: dice.next())
            let before = Rendezvous.home(of: hash, domains: domains, slack: 0)
            let after = Rendezvous.home(of: hash, domains: domains + 1, slack: 0)
            if before != after { moved += 1 }
            if before != after, after != domains { strays += 1 }
        }
        #expect(strays == 0)
        let share = Double(count) / Double(domains + 1)
        #expect(abs(Double(moved) - share) < 6 * share.squareRoot(), "\(moved) moved, \(share) is fair")
    }

    @Test("C5 anchors spread evenly, also those of consecutive integers")
    func even() {
        var counts = [Int](repeating: 0, count: 8)
        for key in 0..<16_000 { counts[Rendezvous.home(of: AnchorHash(key), domains: 8, slack: 0)] += 1 }
        for count in counts { #expect(abs(count - 2_000) < 300, "\(counts)") }
    }

    @Test("C5 a domain above the bound is passed over for the next best score")
    func tempered() {
        let user = AnchorHash("user:42")  // By score: 3, 1, 0, 2.
        func home(_ loads: [Int], slack: Int) -> Int {
            Rendezvous.home(of: user, domains: 4, loads: { loads[$0] }, slack: slack)
        }
        #expect(home([0, 0, 0, 1], slack: 0) == 1)
        #expect(home([0, 0, 0, 1], slack: 1) == 3)
        #expect(home([0, 3, 0, 3], slack: 0) == 0)
        #expect(home([8, 9, 8, 9], slack: 0) == 3)  // 9 ≤ 8.5 × 1.25
        #expect(home([4, 4, 4, 5], slack: 0) == 3)  // 5 ≤ 4.25 × 1.25
        #expect(home([4, 4, 4, 7], slack: 0) == 1)  // 7 > 4.75 × 1.25
        #expect(home([4, 4, 4, 7], slack: 2) == 3)
        #expect(home([.max, .max, 0, .max], slack: 0) == 2)
    }

    @Test("C5 under random loads the home is the best of those within the bound")
    func temperedAtRandom() {
        var dice = Dice("temperedAtRandom")
        for _ in 0..<5_000 {
            let domains = 1 + dice.below(12)
            let loads = (0..<domains).map { _ in dice.below(40) }
            let slack = dice.below(8)
            let hash = AnchorHash(rawValue: dice.next())
            let bound = Double(loads.reduce(0, +)) / Double(domains) * 1.25 + Double(slack) + 1e-9
            let fit = (0..<domains).filter { Double(loads[$0]) <= bound }
            let expected = fit.max { Rendezvous.score(of: hash, domain: $0) < Rendezvous.score(of: hash, domain: $1) }
            let home = Rendezvous.home(of: hash, domains: domains, loads: { loads[$0] }, slack: slack)
            #expect(home == expected, "\(hash) \(loads) slack \(slack)")
        }
    }

    @Test("C5 loads that move while they are read still give a home")
    func movingLoads() {
        var asked = 0
        let home = Rendezvous.home(
            of: AnchorHash("user:42"), domains: 4,
            loads: { _ in
                asked += 1
                return asked <= 4 ? 0 : 1_000
            }, slack: 0)
        #expect(home == 3)
        #expect(asked <= 8)
    }

    @Test(
        "A domain that may not be used is nobody's home, whatever the loads; others keep theirs, and their share of the load"
    )
    func usable() {
        let hashes = (0..<500).map { AnchorHash("anchor \($0)") }
        for hash in hashes {
            let free = Rendezvous.home(of: hash, domains: 10, slack: 4)
            for last in 1...10 {
                let home = Rendezvous.home(of: hash, domains: 10, slack: 4) { $0 < last }
                #expect(home < last && (free >= last || home == free))
            }
            // None may: as if all might.
            #expect(Rendezvous.home(of: hash, domains: 10, slack: 4) { _ in false } == free)
            let loaded = Rendezvous.home(of: hash, domains: 3, loads: { [1_000, 100, 0][$0] }, slack: 4) { $0 != 2 }
            #expect(loaded == 1)
        }
    }
}
