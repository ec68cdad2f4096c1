//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing
import TokenCore

@Suite("Weights are preferences: heavy from the front, light from the back, medium from the second on")
struct WeightPolicyTests {
    static func preference(_ weight: Weight, _ domains: Int) -> [Int] {
        switch weight {
        case .heavy: Array(0..<domains)
        case .light: (0..<domains).reversed()
        case .medium: Array(1..<domains) + [0]
        }
    }

    @Test("the first ready domain in the weight's order is chosen: every ready set of up to 6 domains")
    func exhaustive() {
        for weight in Weight.allCases {
            for domains in 1...6 {
                for ready in UInt64(1)..<(1 << UInt64(domains)) {
                    for ticket in UInt32(0)..<3 {
                        let expected = Self.preference(weight, domains).first { ready & (1 << UInt64($0)) != 0 }
                        let place = WeightPolicy.place(weight, ready: ready, domains: domains, ticket: ticket)
                        #expect(place == expected, "\(weight), \(domains) domains, ready \(ready)")
                        let same = WeightPolicy.place(
                            weight, ready: ReadySet(word: ready), domains: domains, ticket: ticket)
                        #expect(same == expected)
                    }
                }
            }
        }
    }

    @Test("tokens that keep coming fill all domains in the weight's order before any waits", arguments: Weight.allCases)
    func spillOver(weight: Weight) {
        for domains in [1, 2, 5, 64, 65, 200] {
            var ready = ReadySet(domains: domains) { _ in true }
            var places: [Int] = []
            for ticket in 0..<UInt32(domains) {
                let place = WeightPolicy.place(weight, ready: ready, domains: domains, ticket: ticket)
                places.append(place)
                ready.remove(place)
            }
            #expect(places == Self.preference(weight, domains))
            #expect(ready == ReadySet())
        }
    }

    @Test("with none ready, tickets go round in the weight's order", arguments: Weight.allCases)
    func overflow(weight: Weight) {
        for domains in [1, 2, 5, 64, 65] {
            let expected = Self.preference(weight, domains)
            for ticket in 0..<UInt32(3 * domains) {
                let turn = expected[Int(ticket) % domains]
                #expect(WeightPolicy.place(weight, ready: 0, domains: domains, ticket: ticket) == turn)
                #expect(WeightPolicy.place(weight, ready: ReadySet(), domains: domains, ticket: ticket) == turn)
            }
            let last = WeightPolicy.place(weight, ready: 0, domains: domains, ticket: .max)
            #expect((0..<domains).contains(last))
        }
    }

    @Test("ready domains that do not exist are ignored")
    func strangers() {
        for weight in Weight.allCases {
            #expect(WeightPolicy.place(weight, ready: ~0b111, domains: 3, ticket: 0) == Self.preference(weight, 3)[0])
            var ready = ReadySet(word: 0)
            ready.insert(70)
            let place = WeightPolicy.place(weight, ready: ready, domains: 70, ticket: 0)
            #expect(place == Self.preference(weight, 70)[0])
        }
    }

    @Test("a set of any size behaves like a set")
    func readySet() {
        var dice = Dice("readySet")
        var (ready, model) = (ReadySet(), Set<Int>())
        for _ in 0..<3_000 {
            let domain = dice.below(260)
            if dice.below(3) > 0 {
                ready.remove(domain)
                model.remove(domain)
            } else {
                ready.insert(domain)
                model.insert(domain)
            }
            let low = dice.below(260)
            let range = low..<(low + dice.below(150))
            #expect(ready.count == model.count && ready.isEmpty == model.isEmpty)
            #expect(ready.contains(domain) == model.contains(domain))
            #expect(ready.first(in: range) == model.filter(range.contains).min())
            #expect(ready.last(in: range) == model.filter(range.contains).max())
            #expect(ready == ReadySet(domains: 260, isReady: model.contains))
        }
        #expect(!ready.contains(-1) && !ready.contains(1_000_000))
    }
}
