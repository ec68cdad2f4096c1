//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Who waits for whom, and which of them can never go on: a pure data structure, filled from a snapshot.
///
/// A node that is not added can go on. One that is added waits for others: for any of them (one that goes on is enough), or for
/// all. What remains when everyone has gone on who can is stuck, and in it there is a circle (the reduction of resource graphs:
/// R. Holt, "Some Deadlock Properties of Computer Systems", Computing Surveys 4 (3), 1972).
package struct WaitGraph<Node: Hashable & Sendable>: Sendable {
    /// How many of the others have to go on.
    package enum Needs: Sendable, Hashable { case any, all }

    private struct Wait {
        let needs: Needs
        let others: [Node]
    }

    private var waits: [Node: Wait] = [:]

    package init() {}

    /// A node waits for others; for no others it can go on.
    package mutating func add(_ node: Node, _ needs: Needs, _ others: [Node]) {
        if !others.isEmpty { waits[node] = Wait(needs: needs, others: others) }
    }

    /// The nodes that never go on.
    package var stuck: Set<Node> {
        var waitedForBy: [Node: [Node]] = [:]
        // How many each still needs.
        var left: [Node: Int] = [:]
        var free: [Node] = []
        for (node, wait) in waits {
            let others = Set(wait.others)
            left[node] = wait.needs == .any ? 1 : others.count
            for other in others {
                if waitedForBy[other] == nil, waits[other] == nil { free.append(other) }
                waitedForBy[other, default: []].append(node)
            }
        }
        var stuck = Set(waits.keys)
        while let node = free.popLast() {
            for waiter in waitedForBy[node] ?? [] where stuck.contains(waiter) {
                left[waiter, default: 0] -= 1
                if left[waiter] == 0 {
                    stuck.remove(waiter)
                    free.append(waiter)
                }
            }
        }
        return stuck
    }

    /// The circles among the stuck ones that one of some nodes comes to: in each, each waits for the next, the last for the first.
    ///
    /// From each node one way is gone, so no two share a node; there is at least one where a start is stuck.
    ///
    /// - Parameter starts: looked at in this order.
    package func circles(from starts: [Node]) -> [[Node]] {
        let stuck = stuck
        var circles: [[Node]] = []
        var seen: Set<Node> = []
        for start in starts where stuck.contains(start) {
            var node = start
            var path: [Node] = []
            while seen.insert(node).inserted {
                path.append(node)
                guard let next = waits[node]?.others.first(where: stuck.contains) else {
                    fatalError("\(node) is stuck, but waits for nobody who is")
                }
                node = next
            }
            // Where an earlier way has come by here its circle is known.
            if let place = path.firstIndex(of: node) { circles.append(Array(path[place...])) }
        }
        return circles
    }
}
