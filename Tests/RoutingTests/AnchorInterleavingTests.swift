//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing

@Suite("C5 for any interleaving an anchor never has tokens in two domains, and its turn is first in, first out")
struct AnchorInterleavingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var ordered: Bool
        var idleCapacity: Int
        var idleTime: Int64
        var testDescription: String {
            "\(ordered ? "ordered" : "free"), \(idleCapacity) idle anchors, \(idleTime) ns"
        }
    }

    static let cases = [true, false].flatMap { ordered in
        [(0, 0), (1, 3), (2, 100)].map { Case(ordered: ordered, idleCapacity: $0.0, idleTime: $0.1) }
    }

    /// Plays every continuation; tokens of an anchor are alike, so which of them arrives next makes no difference.
    private func explore(_ model: AnchorModel, _ toArrive: [Int], _ kills: Int, _ ends: inout Int) -> [String] {
        guard model.faults.isEmpty else { return model.faults }
        var isEnd = true
        for anchor in toArrive.indices {
            var steps: [(AnchorModel, [Int], Int)] = []
            if toArrive[anchor] > 0 {
                var (next, rest) = (model, toArrive)
                next.arrive(anchor)
                rest[anchor] -= 1
                steps.append((next, rest, kills))
            }
            for token in model.running(anchor) {
                var next = model
                next.finish(anchor, token: token, departsFirst: (token + toArrive[anchor]) % 2 == 0)
                steps.append((next, toArrive, kills))
            }
            for token in kills > 0 ? model.waiting(anchor) : [] {
                var next = model
                next.kill(anchor, token: token)
                steps.append((next, toArrive, kills - 1))
            }
            for (next, rest, kills) in steps {
                isEnd = false
                let faults = explore(next, rest, kills, &ends)
                if !faults.isEmpty { return faults }
            }
        }
        if isEnd { ends += 1 }
        return []
    }

    @Test("C5 an anchor never has tokens in two domains: all interleavings of three anchors", arguments: cases)
    func C5_anAnchorNeverHasTokensInTwoDomains(_ example: Case) {
        let model = AnchorModel(
            anchors: 3, ordered: example.ordered, idleCapacity: example.idleCapacity, idleTime: example.idleTime)
        var ends = 0
        let faults = explore(model, [2, 2, 1], 1, &ends)
        #expect(faults.isEmpty)
        // 10!/(4!4!2!) = 3,150 merges; two tokens can end in 3 ways, or in turn in 2, or 3 where the one kill falls.
        #expect(ends == 3_150 * (example.ordered ? 3 * 3 - 1 : 3 * 3))
    }

    @Test(
        "C5 an anchor never has tokens in two domains: all interleavings of four tokens of one anchor", arguments: cases
    )
    func C5_oneAnchorFourTokens(_ example: Case) {
        let model = AnchorModel(
            anchors: 1, ordered: example.ordered, idleCapacity: example.idleCapacity, idleTime: example.idleTime)
        var ends = 0
        let faults = explore(model, [4], 2, &ends)
        #expect(faults.isEmpty)
        #expect(ends >= 14)  // The Catalan number of 4, and more with kills.
    }

    @Test("C5 an anchor never has tokens in two domains: long random runs", arguments: cases)
    func C5_longRandomRuns(_ example: Case) {
        let anchors = 12
        var dice = Dice("C5 long runs, \(example.testDescription)")
        for capacity in [example.idleCapacity, 5] {
            var model = AnchorModel(
                anchors: anchors, ordered: example.ordered, idleCapacity: capacity, idleTime: example.idleTime)
            for _ in 0..<8_000 {
                let anchor = dice.below(anchors)
                switch dice.below(20) {
                case 0...8: model.arrive(anchor)
                case 9...16:
                    guard let token = model.running(anchor).randomElement(using: &dice) else { continue }
                    model.finish(anchor, token: token, departsFirst: dice.below(2) == 0)
                case 17, 18:
                    guard let token = model.waiting(anchor).randomElement(using: &dice) else { continue }
                    if dice.below(2) == 0 {
                        model.kill(anchor, token: token)
                    } else {
                        model.withdraw(anchor, token: token)
                    }
                default:
                    if dice.below(20) == 0 { model.forgetIdle() } else { model.wait(Int64(dice.below(5))) }
                }
            }
            for anchor in 0..<anchors {
                while let token = model.running(anchor).first { model.finish(anchor, token: token, departsFirst: true) }
                #expect(model.alive[anchor].isEmpty)
            }
            #expect(model.faults.isEmpty)
        }
    }

    @Test("C5 homes chosen by rendezvous hashing under changing loads hold while the anchor is alive")
    func C5_changingLoads() {
        var dice = Dice("C5 changing loads")
        var table = AnchorTable<Int>(idleCapacity: 16, idleTime: 50)
        var loads = [Int](repeating: 0, count: 6)
        var alive: [[Int]] = Array(repeating: [], count: 40)
        var faults: [String] = []
        for now in 0..<30_000 as Range<Int64> {
            let anchor = dice.below(alive.count)
            let hash = AnchorHash(anchor)
            if dice.below(2) == 0 {
                let arrival = table.arrive(hash, ordered: false, waiter: 0, now: now) {
                    Rendezvous.home(of: hash, domains: loads.count, loads: { loads[$0] }, slack: 2)
                }
                loads[arrival.domain] += 1
                alive[anchor].append(arrival.domain)
                if Set(alive[anchor]).count > 1 { faults.append("\(anchor) in \(alive[anchor])") }
            } else if let domain = alive[anchor].popLast() {
                loads[domain] -= 1
                table.depart(hash, now: now)
            }
        }
        #expect(faults.isEmpty)
        #expect(table.liveAnchors == alive.count { !$0.isEmpty })
        #expect(table.imbalances == 0)
    }
}
