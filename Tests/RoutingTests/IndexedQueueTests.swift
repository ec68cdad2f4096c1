//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing

@testable import Routing

@Suite("a queue from which one is taken out wherever it stands")
struct IndexedQueueTests {
    @Test("it is a plain list whatever comes, goes, comes back and is taken out")
    func againstModel() {
        var dice = Dice("indexed queue")
        for _ in 0..<300 {
            var queue = IndexedQueue<Int>()
            var model: [Int] = []
            // Numbers come back, odd ones cannot be asked for.
            let numbers = 1 + dice.below(60)
            func known(_ element: Int) -> UInt64? { element % 2 == 0 ? UInt64(element) : nil }
            for _ in 0..<400 {
                let element = dice.below(numbers)
                switch dice.below(12) {
                case 0..<4:
                    if model.contains(element) { continue }
                    queue.append(element)
                    model.append(element)
                case 4:
                    if model.contains(element) { continue }
                    queue.prepend(element, number: known(element))
                    model.insert(element, at: 0)
                case 5..<7:
                    let first = queue.popFirst()
                    #expect(first == (model.isEmpty ? nil : model.removeFirst()))
                case 7..<10:
                    let isWanted = dice.below(3) > 0
                    let removed = queue.remove(UInt64(element), known: known) { _ in isWanted }
                    let place = element % 2 == 0 && isWanted ? model.firstIndex(of: element) : nil
                    #expect(removed == place.map { model.remove(at: $0) })
                case 10:
                    let removed = queue.removeFirst { $0 >= element }
                    #expect(removed == model.firstIndex { $0 >= element }.map { model.remove(at: $0) })
                default:
                    let isRemoved = { $0 % 7 == element % 7 }
                    #expect(queue.removeAll(where: isRemoved) == model.filter(isRemoved))
                    model.removeAll(where: isRemoved)
                }
                var all: [Int] = []
                queue.forEach { all.append($0) }
                #expect(all == model && queue.first == model.first && queue.count == model.count)
                #expect(queue.isEmpty == model.isEmpty && queue.footprint <= 4 * model.count + 33)
            }
            #expect(queue.removeAll() == model && queue.isEmpty && queue.footprint == 0)
        }
    }

    /// In which order all are taken out.
    enum Way: CaseIterable { case lastFirst, firstFirst, outOfOrder, everySecondThenPop, oneComesOneGoes }

    @Test("taking out asks each element a fixed number of times, however many stand here", arguments: Way.allCases)
    func looks(_ way: Way) {
        let count = 20_000
        var queue = IndexedQueue<Int>()
        var asked = 0
        var dice = Dice("indexed queue, looks")
        func take(_ element: Int) {
            let found = queue.remove(UInt64(element)) {
                asked += 1
                return UInt64($0)
            }
            #expect(found == element)
        }
        for element in 0..<count { queue.append(element) }
        switch way {
        case .lastFirst: for element in (0..<count).reversed() { take(element) }
        case .firstFirst: for element in 0..<count { take(element) }
        case .outOfOrder: for element in (0..<count).shuffled(using: &dice) { take(element) }
        case .everySecondThenPop:
            for element in stride(from: 1, to: count, by: 2) { take(element) }
            for element in stride(from: 0, to: count, by: 2) { #expect(queue.popFirst() == element) }
        case .oneComesOneGoes:
            for element in 0..<2 * count {
                queue.append(count + element)
                take(count + element)
            }
            #expect(queue.count == count && queue.footprint <= 4 * count + 33)
            for element in 0..<count { take(element) }
        }
        #expect(queue.isEmpty && queue.footprint == 0)
        // Once to be written down, once when it is taken out, and again after the queue has closed up.
        #expect(asked <= 10 * count)
    }
}
