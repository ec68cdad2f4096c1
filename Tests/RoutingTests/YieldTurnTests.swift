//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing

@testable import Routing

/// A turn that goes to a waiter further back, because its holder cannot use it now.
@Suite struct YieldTurnTests {
    private let hash = AnchorHash(rawValue: 7)

    private func table(_ count: Int) -> AnchorTable<Int> {
        var table = AnchorTable<Int>(idleCapacity: 0, idleTime: 0)
        for n in 0..<count { _ = table.arrive(hash, ordered: true, waiter: n, now: 0) { 0 } }
        return table
    }

    private func line(_ table: AnchorTable<Int>) -> [Int] {
        var line: [Int] = []
        table.forEachWaiter { line.append($0) }
        return line
    }

    @Test("The first waiter that can use the turn gets it, from any place, and the holder stands first")
    func yields() {
        for wanted in [Set([1]), [2], [3], [2, 3], []] as [Set<Int>] {
            var table = table(4)
            let next = table.yieldTurn(hash, of: 0, to: wanted.contains)
            #expect(next == wanted.min())
            let left = [1, 2, 3].filter { $0 != wanted.min() }
            #expect(line(table) == (wanted.isEmpty ? left : [0] + left))
            #expect(table.hasWaiter(of: hash) { $0 == 0 } == !wanted.isEmpty)
            // The line still works at both ends.
            _ = table.arrive(hash, ordered: true, waiter: 9, now: 0) { 0 }
            var order: [Int] = []
            while let waiter = table.passTurn(hash) { order.append(waiter) }
            #expect(order == (wanted.isEmpty ? left : [0] + left) + [9])
            #expect(table.imbalances == 0)
        }
    }

    @Test("With nobody else in the line nothing changes; a turn that nobody holds is counted as a fault")
    func alone() {
        var table = table(1)
        #expect(table.yieldTurn(hash, of: 0) { _ in true } == nil)
        #expect(table.imbalances == 0)
        #expect(table.passTurn(hash) == nil)
        #expect(table.yieldTurn(AnchorHash(rawValue: 8), of: 0) { _ in true } == nil)
        #expect(table.imbalances == 1)
        #expect(!table.hasWaiter(of: AnchorHash(rawValue: 8)) { _ in true })
    }
}
