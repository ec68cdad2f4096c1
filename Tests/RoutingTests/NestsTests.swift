//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing

/// Guests of holds, against a model that is nothing but the chain of who came in after whom.
struct NestsTests {
    /// Bodies 0… in the order in which they came into one hold; 0 is its root.
    private struct Model {
        var chain = [0]
        var ended: Set<Int> = []
        var returning: [Int: Int] = [:]  // host: how many want to come back

        var innermost: Int? { chain.last }

        func guest(of body: Int) -> Int? {
            guard let place = chain.firstIndex(of: body), place + 1 < chain.count else { return nil }
            return chain[place + 1]
        }

        /// What a body's leaving brings about: who is told how often, who is alone again, whether the hold is free.
        mutating func leave(_ body: Int) -> (told: Int, host: Int?, isReleased: Bool) {
            if guest(of: body) != nil {
                ended.insert(body)
                return (0, nil, false)
            }
            var told = 0
            var leaves = true
            while leaves, let last = chain.popLast() {
                ended.remove(last)
                guard let host = chain.last else { return (told, nil, true) }
                told += returning.removeValue(forKey: host) ?? 0
                leaves = ended.contains(host)
            }
            return (told, chain.last, false)
        }
    }

    @Test("All sequences of entering, leaving and coming back, six steps deep, agree with the model")
    func exhaustive() {
        var sequences = 0
        func step(_ nests: Nests<Int>, _ model: Model, _ nextBody: Int, _ depth: Int) {
            sequences += 1
            guard depth > 0, !model.chain.isEmpty else {
                if model.chain.isEmpty { #expect(nests.count == 0) }
                return
            }
            // Someone new asks each body inside.
            for host in model.chain where !model.ended.contains(host) {
                var (nests, model) = (nests, model)
                let isFree = model.guest(of: host) == nil
                let entered = nests.enter(UInt64(nextBody), host: UInt64(host), .turn)
                #expect(entered == isFree)
                if isFree {
                    model.chain.append(nextBody)
                    #expect(nests.isGuest(UInt64(nextBody), .turn) && nests.hasGuest(UInt64(host), .turn))
                    #expect(!nests.isGuest(UInt64(nextBody), .storage))
                    step(nests, model, nextBody + 1, depth - 1)
                }
            }
            for body in model.chain where !model.ended.contains(body) {
                var (left, after) = (nests, model)
                let expected = after.leave(body)
                let departure = left.leave(UInt64(body), .turn)
                #expect(departure.isReleased == expected.isReleased)
                #expect(departure.host == expected.host.map { UInt64($0) })
                #expect(departure.returning.count == expected.told)
                #expect(left.count == max(0, after.chain.count - 1))
                #expect(nests.count - left.count == departure.guests)
                step(left, after, nextBody, depth - 1)

                var (back, waits) = (nests, model)
                let isAlone = waits.guest(of: body) == nil
                let goesOn = back.comeBack(UInt64(body), .turn, body)
                #expect(goesOn == isAlone)
                if !isAlone {
                    waits.returning[body, default: 0] += 1
                    step(back, waits, nextBody, depth - 1)
                }
            }
        }
        step(Nests<Int>(), Model(), 1, 6)
        #expect(sequences > 1_000)
    }

    @Test("Turns and permits of one body are held apart")
    func kinds() {
        var nests = Nests<Int>()
        let entered = [
            nests.enter(2, host: 1, .turn), nests.enter(2, host: 1, .storage), nests.enter(3, host: 1, .storage),
        ]
        #expect(entered == [true, true, false])
        let turn = nests.leave(2, .turn)
        #expect(turn.host == 1 && !turn.isReleased && turn.guests == 1)
        #expect(nests.hasGuest(1, .storage) && !nests.hasGuest(1, .turn))
        let released = [
            nests.leave(1, .turn).isReleased, nests.leave(1, .storage).isReleased, nests.leave(2, .storage).isReleased,
        ]
        #expect(released == [true, false, true])
        #expect(nests.count == 0)
    }

    @Test("A waiter is taken out of an anchor's line only up to the one that is asked for")
    func upToTheLast() {
        let hash = AnchorHash(rawValue: 7)
        func table() -> AnchorTable<Int> {
            var table = AnchorTable<Int>(idleCapacity: 0, idleTime: 0)
            for n in 0..<6 { _ = table.arrive(hash, ordered: true, waiter: n, now: 0) { 0 } }
            return table
        }
        func line(_ table: AnchorTable<Int>) -> [Int] {
            var line: [Int] = []
            table.forEachWaiter { line.append($0) }
            return line
        }
        for (last, wanted, taken) in [
            (5, Set([3, 5]), 3), (3, [3, 5], 3), (2, [3, 5], nil), (9, [1], nil), (5, [5], 5), (1, [1], 1),
            (4, [], nil),
        ] as [(Int, Set<Int>, Int?)] {
            var table = table()
            let found = table.removeFirst(of: hash) {
                $0 == last
            } where: {
                wanted.contains($0)
            } if: { _ in
                true
            }
            #expect(found == taken)
            #expect(line(table) == [1, 2, 3, 4, 5].filter { $0 != taken })
            // The line still works at both ends.
            _ = table.arrive(hash, ordered: true, waiter: 6, now: 0) { 0 }
            #expect(line(table) == [1, 2, 3, 4, 5, 6].filter { $0 != taken })
        }
        var kept = table()
        let refused = kept.removeFirst(of: hash) {
            $0 == 5
        } where: {
            $0 == 2
        } if: { _ in
            false
        }
        let unknown = kept.removeFirst(of: AnchorHash(rawValue: 8)) { _ in
            true
        } where: { _ in
            true
        } if: { _ in
            true
        }
        #expect(refused == nil && unknown == nil)
        #expect(line(kept) == [1, 2, 3, 4, 5])
    }
}
