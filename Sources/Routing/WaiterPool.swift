//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A first-in-first-out queue whose nodes live in a ``WaiterPool``; meaningful only together with that pool.
@usableFromInline
struct WaiterQueue: Sendable {
    @usableFromInline var head: Int32 = -1
    @usableFromInline var tail: Int32 = -1

    @inlinable
    init() {}

    @inlinable
    var isEmpty: Bool { head < 0 }
}

/// The nodes of many queues in one array, so that queueing allocates only when the array grows.
///
/// Invariant: every node is in exactly one queue (and holds a waiter) or in the free chain (and holds none).
@usableFromInline
struct WaiterPool<Waiter: Sendable>: Sendable {
    @usableFromInline
    struct Node: Sendable {
        @usableFromInline var waiter: Waiter?
        @usableFromInline var next: Int32

        @inlinable
        init(waiter: Waiter?, next: Int32) { (self.waiter, self.next) = (waiter, next) }
    }

    /// An empty pool with more nodes than this gives its memory back.
    @inlinable
    static var retained: Int { 256 }

    @usableFromInline var nodes: [Node] = []
    @usableFromInline var free: Int32 = -1
    /// Waiters in all queues.
    @usableFromInline var count = 0

    @inlinable
    init() {}

    @inlinable
    mutating func append(_ waiter: Waiter, to queue: inout WaiterQueue) {
        let node = makeNode(waiter)
        if queue.tail >= 0 { nodes[Int(queue.tail)].next = node } else { queue.head = node }
        queue.tail = node
    }

    mutating func prepend(_ waiter: Waiter, to queue: inout WaiterQueue) {
        let node = makeNode(waiter)
        nodes[Int(node)].next = queue.head
        queue.head = node
        if queue.tail < 0 { queue.tail = node }
    }

    /// A node with a waiter, in no queue yet.
    @inlinable
    mutating func makeNode(_ waiter: Waiter) -> Int32 {
        count &+= 1
        guard free >= 0 else {
            nodes.append(Node(waiter: waiter, next: -1))
            return Int32(nodes.count - 1)
        }
        let node = free
        free = nodes[Int(node)].next
        nodes[Int(node)] = Node(waiter: waiter, next: -1)
        return node
    }

    @inlinable
    mutating func popFirst(from queue: inout WaiterQueue) -> Waiter? {
        guard queue.head >= 0 else { return nil }
        let node = Int(queue.head)
        let waiter = nodes[node].waiter.take()
        queue.head = nodes[node].next
        if queue.head < 0 { queue.tail = -1 }
        nodes[node].next = free
        free = Int32(node)
        count &-= 1
        if count == 0, nodes.count > Self.retained { (nodes, free) = ([], -1) }
        return waiter
    }

    @inlinable
    func forEach(in queue: WaiterQueue, _ body: (Waiter) -> Void) {
        var node = queue.head
        while node >= 0 {
            if let waiter = nodes[Int(node)].waiter { body(waiter) }
            node = nodes[Int(node)].next
        }
    }

    func first(of queue: WaiterQueue) -> Waiter? { queue.isEmpty ? nil : nodes[Int(queue.head)].waiter }

    /// Takes the first waiter that `isWanted` out of a queue, if it stands at or before the one that `isLast` and `mayGo`
    /// confirms it.
    mutating func removeFirst(
        from queue: inout WaiterQueue, upTo isLast: (Waiter) -> Bool, where isWanted: (Waiter) -> Bool,
        if mayGo: (Waiter) -> Bool
    ) -> Waiter? {
        var (previous, node): (Int32, Int32) = (-1, queue.head)
        var found: (previous: Int32, node: Int32)?
        while node >= 0 {
            guard let waiter = nodes[Int(node)].waiter else { fatalError("a queue holds the empty node \(node)") }
            if found == nil, isWanted(waiter) { found = (previous, node) }
            if isLast(waiter) { break }
            (previous, node) = (node, nodes[Int(node)].next)
        }
        guard node >= 0, let found, let waiter = nodes[Int(found.node)].waiter, mayGo(waiter) else { return nil }
        if found.previous < 0 {
            return popFirst(from: &queue)
        }
        nodes[Int(found.previous)].next = nodes[Int(found.node)].next
        if queue.tail == found.node { queue.tail = found.previous }
        // As a queue of its own it is taken like any first.
        nodes[Int(found.node)].next = -1
        var single = WaiterQueue()
        (single.head, single.tail) = (found.node, found.node)
        return popFirst(from: &single)
    }
}
