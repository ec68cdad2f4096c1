//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing

@testable import Routing

@Suite("priorities: who is more urgent counts as having come earlier")
struct AgingQueueTests {
    /// What the queue promises, said the slow way.
    private struct Model {
        var all: [(time: Int64, level: Int, order: Int, id: Int)] = []

        var next: Int? {
            // The first of each level, then the earliest of them, the more urgent level first.
            let firsts = (0..<AgingRank.levels).compactMap { level in
                all.filter { $0.level == level }.min { $0.order < $1.order }
            }
            return firsts.min { ($0.time, $0.level) < ($1.time, $1.level) }?.id
        }
    }

    @Test("a queue serves as its model does, whatever comes, goes and is taken out")
    func againstModel() {
        var dice = Dice("aging queue")
        for _ in 0..<200 {
            var queue = AgingQueue<Int>()
            var model = Model()
            let aging = Int64(dice.below(50))
            var clock: Int64 = 0
            for id in 0..<200 {
                clock += Int64(dice.below(10))
                switch dice.below(13) {
                case 0..<5:
                    let level = dice.below(AgingRank.levels)
                    let rank = AgingRank(level: level, came: clock, aging: aging)
                    queue.append(id, rank)
                    model.all.append((rank.time, level, id, id))
                case 5..<9:
                    let expected = model.next
                    #expect(queue.first == expected)
                    #expect(queue.popFirst() == expected)
                    model.all.removeAll { $0.id == expected }
                case 10..<13:
                    let wanted = dice.below(id + 1)
                    let expected = model.all.contains { $0.id == wanted } ? wanted : nil
                    #expect(queue.remove(UInt64(wanted)) { UInt64($0) } == expected)
                    model.all.removeAll { $0.id == wanted }
                default:
                    let removed = Set(queue.removeAll { $0 % 3 == 0 })
                    #expect(removed == Set(model.all.map(\.id).filter { $0 % 3 == 0 }))
                    model.all.removeAll { $0.id % 3 == 0 }
                }
                #expect(queue.count == model.all.count)
            }
        }
    }

    @Test("nothing starves: behind a stream of the most urgent, the least urgent is next after two steps of aging")
    func agingBound() {
        let aging: Int64 = 100
        var queue = AgingQueue<Int>()
        queue.append(-1, AgingRank(level: 2, came: 0, aging: aging))
        var served = 0
        // An urgent one comes each tick, and one is served each tick.
        for tick in Int64(1)... {
            queue.append(Int(tick), AgingRank(level: 0, came: tick, aging: aging))
            if queue.popFirst() == -1 { break }
            served += 1
        }
        #expect(served == 2 * aging)
    }

    @Test("without aging, and among equals, first come is first served; times at the end of the range do not overflow")
    func extremes() {
        var queue = AgingQueue<Int>()
        for id in 0..<9 { queue.append(id, AgingRank(level: 1, came: Int64(id), aging: .max)) }
        #expect((0..<9).map { _ in queue.popFirst() } == Array(0..<9))
        #expect(AgingRank(level: 2, came: .max, aging: .max).time == .max)
        #expect(AgingRank(level: 2, came: .min, aging: .max).time == -1)
        queue.append(1, AgingRank(level: 2, came: 1, aging: 0))
        queue.append(2, AgingRank(level: 0, came: 2, aging: 0))
        #expect(queue.popFirst() == 1)
        #expect(queue.removeFirst { $0 == 2 } == 2)
        #expect(queue.isEmpty && queue.popFirst() == nil)
    }
}
