//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Where somebody stands in an `AgingQueue`: who is more urgent counts as having come earlier.
package struct AgingRank: Sendable, Hashable {
    /// Which of the queue's levels: 0 for the most urgent.
    package let level: Int
    /// When it came, in nanoseconds, with the head start of its level taken off.
    package let time: Int64

    /// The rank of those who are all alike: first come, first served.
    package static let same = AgingRank(level: 1, time: 0)
    /// How many levels there are.
    package static let levels = 3

    /// A rank.
    ///
    /// - Parameters:
    ///   - level: 0 to 2.
    ///   - came: monotonic nanoseconds.
    ///   - aging: how long one has to wait to catch up with the next more urgent level.
    package init(level: Int, came: Int64, aging: Int64) {
        let behind = Int64(level).multipliedReportingOverflow(by: aging)
        let time = came.addingReportingOverflow(behind.overflow ? .max : behind.partialValue)
        self.init(level: level, time: time.overflow ? .max : time.partialValue)
    }

    private init(level: Int, time: Int64) { (self.level, self.time) = (level, time) }
}

/// A queue in which those of one level are served as they came, and the next level is served whose first has the earliest time.
///
/// So nobody waits for ever: those who come later than a level's head start stand behind, however urgent they are. A pure data
/// structure; whoever owns it brings the lock.
package struct AgingQueue<Element: Sendable>: Sendable {
    private var levels = (IndexedQueue<Entry>(), IndexedQueue<Entry>(), IndexedQueue<Entry>())

    private struct Entry: Sendable {
        let time: Int64
        let element: Element
    }

    package init() {}

    package var count: Int { levels.0.count + levels.1.count + levels.2.count }
    package var isEmpty: Bool { count == 0 }

    /// Appends to a level.
    package mutating func append(_ element: Element, _ rank: AgingRank) {
        let entry = Entry(time: rank.time, element: element)
        switch rank.level {
        case 0: levels.0.append(entry)
        case 1: levels.1.append(entry)
        case 2: levels.2.append(entry)
        default: fatalError("an aging queue has no level \(rank.level)")
        }
    }

    /// Puts one before all others of its level.
    ///
    /// - Parameter number: what `remove` may ask for it by; nil where it may not.
    package mutating func prepend(_ element: Element, _ rank: AgingRank, number: UInt64?) {
        let entry = Entry(time: rank.time, element: element)
        switch rank.level {
        case 0: levels.0.prepend(entry, number: number)
        case 1: levels.1.prepend(entry, number: number)
        case 2: levels.2.prepend(entry, number: number)
        default: fatalError("an aging queue has no level \(rank.level)")
        }
    }

    /// Who is next.
    package var first: Element? { head?.element }
    /// The time of who is next.
    package var firstTime: Int64? { head?.time }

    private var head: Entry? {
        func earlier(_ one: Entry?, _ other: Entry?) -> Entry? {
            guard let one, let other else { return one ?? other }
            return other.time < one.time ? other : one
        }
        return earlier(earlier(levels.0.first, levels.1.first), levels.2.first)
    }

    package mutating func popFirst() -> Element? {
        // The usual case, without a look at the times.
        if levels.0.isEmpty, levels.2.isEmpty { return levels.1.popFirst()?.element }
        guard let time = head?.time else { return nil }
        if levels.0.first?.time == time { return levels.0.popFirst()?.element }
        if levels.1.first?.time == time { return levels.1.popFirst()?.element }
        return levels.2.popFirst()?.element
    }

    /// Takes the one out that has the number, and is wanted (`IndexedQueue.remove`).
    ///
    /// - Complexity: O(1) on average.
    package mutating func remove(
        _ number: UInt64, known: (Element) -> UInt64?, if isWanted: (Element) -> Bool = { _ in true }
    ) -> Element? {
        func take(_ level: inout IndexedQueue<Entry>) -> Element? {
            level.remove(number, known: { known($0.element) }, if: { isWanted($0.element) })?.element
        }
        return take(&levels.0) ?? take(&levels.1) ?? take(&levels.2)
    }

    /// Takes the first that `isWanted` out of the most urgent level that has one.
    package mutating func removeFirst(where isWanted: (Element) -> Bool) -> Element? {
        func take(_ level: inout IndexedQueue<Entry>) -> Element? {
            level.removeFirst { isWanted($0.element) }?.element
        }
        return take(&levels.0) ?? take(&levels.1) ?? take(&levels.2)
    }

    package func contains(where isWanted: (Element) -> Bool) -> Bool {
        levels.0.contains { isWanted($0.element) } || levels.1.contains { isWanted($0.element) }
            || levels.2.contains { isWanted($0.element) }
    }

    /// Takes all that are `isRemoved` out; those of one level in their order.
    package mutating func removeAll(where isRemoved: (Element) -> Bool) -> [Element] {
        func take(_ level: inout IndexedQueue<Entry>) -> [Element] {
            level.removeAll { isRemoved($0.element) }.map(\.element)
        }
        return take(&levels.0) + take(&levels.1) + take(&levels.2)
    }

    /// Calls `body` with each; those of one level in their order.
    package func forEach(_ body: (Element) -> Void) {
        levels.0.forEach { body($0.element) }
        levels.1.forEach { body($0.element) }
        levels.2.forEach { body($0.element) }
    }
}
