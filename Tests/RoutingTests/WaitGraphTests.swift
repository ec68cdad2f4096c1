//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing

@testable import Routing

@Suite("circles of waits: who is stuck, and in which circle")
struct WaitGraphTests {
    private typealias Graph = WaitGraph<Int>
    private typealias Wait = (needs: Graph.Needs, others: [Int])

    /// Who is stuck, the slow way: let everyone go on who can, until nobody can.
    private func stuck(_ waits: [Int: Wait]) -> Set<Int> {
        var stuck = Set(waits.keys)
        while true {
            let free = stuck.filter { node in
                guard let wait = waits[node] else { return true }
                return wait.needs == .any
                    ? wait.others.contains { !stuck.contains($0) } : wait.others.allSatisfy { !stuck.contains($0) }
            }
            if free.isEmpty { return stuck }
            stuck.subtract(free)
        }
    }

    private func check(_ waits: [Int: Wait]) {
        var graph = Graph()
        for (node, wait) in waits { graph.add(node, wait.needs, wait.others) }
        let expected = stuck(waits.filter { !$0.value.others.isEmpty })
        #expect(graph.stuck == expected, "\(waits)")
        let circles = graph.circles(from: Array(waits.keys))
        #expect(circles.isEmpty == expected.isEmpty, "\(waits)")
        #expect(Set(circles.joined()).count == circles.reduce(0) { $0 + $1.count }, "\(circles) in \(waits)")
        for circle in circles { check(circle, expected, waits) }
    }

    private func check(_ circle: [Int], _ expected: Set<Int>, _ waits: [Int: Wait]) {
        #expect(Set(circle).count == circle.count && Set(circle).isSubset(of: expected), "\(circle) in \(waits)")
        for (place, node) in circle.enumerated() {
            let next = circle[(place + 1) % circle.count]
            #expect(waits[node]?.others.contains(next) == true, "\(circle) in \(waits)")
        }
    }

    @Test(
        "every graph of three nodes and one that goes on: the same nodes are stuck as by letting go on who can, and the circle is one"
    )
    func exhaustive() {
        let nodes = 3
        // Each node waits for any, or all, of any set of the four; or for nobody.
        let choices: [Wait] = (0..<(1 << (nodes + 1))).flatMap { mask -> [Wait] in
            let others = (0...nodes).filter { mask & 1 << $0 != 0 }
            return [(.any, others), (.all, others)]
        }
        for first in choices {
            for second in choices {
                for third in choices { check([0: first, 1: second, 2: third]) }
            }
        }
    }

    @Test("larger graphs at random")
    func random() {
        var dice = Dice("wait graphs")
        for _ in 0..<2_000 {
            let count = 1 + dice.below(20)
            var waits: [Int: Wait] = [:]
            for node in 0..<count where dice.below(4) > 0 {
                let others = (0..<(1 + dice.below(3))).map { _ in dice.below(count) }
                waits[node] = (dice.below(2) == 0 ? .any : .all, others)
            }
            check(waits)
        }
    }

    @Test("a chain of a hundred thousand that ends in a circle of two is found without recursion")
    func long() {
        var graph = Graph()
        for node in 0..<100_000 { graph.add(node, .all, [node + 1]) }
        graph.add(100_000, .all, [99_999])
        #expect(graph.circles(from: [0]).map(Set.init) == [[99_999, 100_000]])
        var free = Graph()
        for node in 0..<100_000 { free.add(node, .all, [node + 1]) }
        #expect(free.stuck.isEmpty && free.circles(from: [0]).isEmpty)
    }
}
