//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import DequeModule

/// A queue, first come first served, from which one that is known by a number can be taken out wherever it stands.
///
/// Nobody pays for that before it is asked for. The first `remove(_:known:)` writes down where everybody stands; later ones add
/// those who came since; so each element is asked for its number about once in its life. Who is taken out leaves a gap; gaps
/// never stand first, and when more than half of the places are gaps the queue closes up. So taking out costs O(1) on average,
/// and memory is at most a multiple of the most that stood here since it was empty last.
///
/// A pure data structure; whoever owns it brings the lock. Two that stand here at once must not have one number.
///
/// Invariants: `places` has `count` elements and for the rest gaps, none of them first; the place of an element is its index in
/// `places` plus `start`; `index` knows all that stand before `unread`, and may know some who have gone.
package struct IndexedQueue<Element: Sendable>: Sendable {
    private var places: Deque<Element?> = []
    /// What the first place is called.
    private var start = 0
    package private(set) var count = 0
    /// Where those stand that have the numbers.
    private var index: [UInt64: Int] = [:]
    /// The first place that `index` does not know.
    private var unread = 0
    /// The most places that there were since the memory was given back.
    private var room = 0
    /// An empty queue keeps the memory of no more places than these.
    private static var mostKept: Int { 1_024 }

    package init() {}

    package var isEmpty: Bool { count == 0 }
    /// Who is next.
    package var first: Element? { places.first.flatMap { $0 } }
    /// Places and entries of the index in memory.
    package var footprint: Int { places.count + index.count }

    package mutating func append(_ element: Element) {
        places.append(element)
        room = max(room, places.count)
        count += 1
    }

    /// Puts one before all others.
    ///
    /// - Parameter number: what `remove` may ask for it by; nil where it may not.
    package mutating func prepend(_ element: Element, number: UInt64?) {
        places.prepend(element)
        room = max(room, places.count)
        start -= 1
        count += 1
        // Before what is unread, so nobody else would write it down.
        if unread > start, let number { index[number] = start }
    }

    package mutating func popFirst() -> Element? {
        guard let first = places.popFirst() else { return nil }
        start += 1
        count -= 1
        // The usual case: nobody was taken out.
        if count != places.count || !index.isEmpty || count == 0 && room > Self.mostKept { tidy() }
        return first
    }

    /// Takes the one out that has the number.
    ///
    /// - Parameters:
    ///   - known: the number of each; nil for one that cannot be asked for.
    ///   - isWanted: whether it is to be taken, asked once where it stands here.
    /// - Complexity: O(1) on average.
    package mutating func remove(
        _ number: UInt64, known: (Element) -> UInt64?, if isWanted: (Element) -> Bool = { _ in true }
    ) -> Element? {
        if count == 0 { return nil }
        read(known)
        guard let place = index[number], place >= start, let found = places[place - start], known(found) == number,
            isWanted(found)
        else { return nil }
        index[number] = nil
        leave(place - start)
        return found
    }

    /// Whether one stands here that `isWanted`.
    package func contains(where isWanted: (Element) -> Bool) -> Bool {
        places.contains { $0.map(isWanted) ?? false }
    }

    /// Takes the first out that `isWanted`.
    ///
    /// - Complexity: linear in its place.
    package mutating func removeFirst(where isWanted: (Element) -> Bool) -> Element? {
        guard let place = places.firstIndex(where: { $0.map(isWanted) ?? false }) else { return nil }
        let found = places[place]
        leave(place)
        return found
    }

    /// Takes all out that are `isRemoved`, and returns them in their order.
    package mutating func removeAll(where isRemoved: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        places.removeAll { element in
            guard let element else { return true }
            if isRemoved(element) { removed.append(element) } else { return false }
            return true
        }
        count = places.count
        forgetIndex()
        return removed
    }

    /// Takes all out, and returns them in their order.
    package mutating func removeAll() -> [Element] {
        defer { self = IndexedQueue() }
        return places.compactMap { $0 }
    }

    /// Calls `body` with each, in their order.
    package func forEach(_ body: (Element) -> Void) {
        for case .some(let element) in places { body(element) }
    }

    /// Writes down where those stand who came since this was done last.
    private mutating func read(_ known: (Element) -> UInt64?) {
        let end = start + places.count
        for place in max(unread, start)..<end {
            if let element = places[place - start], let number = known(element) { index[number] = place }
        }
        unread = end
    }

    private mutating func leave(_ place: Int) {
        places[place] = nil
        count -= 1
        tidy()
    }

    /// Gaps do not stand first, and neither they nor entries of those who have gone are the greater part.
    private mutating func tidy() {
        while case .some(.none) = places.first {
            places.removeFirst()
            start += 1
        }
        let most = 2 * count + 16
        if count == 0 {
            // What it grew to is given back.
            if room > Self.mostKept { (places, room) = ([], 0) } else { places.removeAll(keepingCapacity: true) }
            forgetIndex()
        } else if places.count > most {
            places.removeAll { $0 == nil }
            forgetIndex()
        } else if index.count > most {
            forgetIndex()
        }
    }

    private mutating func forgetIndex() {
        index = [:]
        (start, unread) = (0, 0)
    }
}
