//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import TokenGate

/// Bodies inside one turn or permit: at most one runs code of its own at any time; those that await stepped out.
final class Room: Sendable {
    private let inside = Tally()
    let overlaps = Tally()

    func enter() { if inside.add() > 1 { overlaps.add() } }
    func leave() { inside.add(-1) }

    /// Long enough to be met if another can get in; decides nothing else.
    func linger() { for _ in 0..<500 where overlaps.value == 0 { _ = CurrentThread.tid() } }

    func body<Result>(_ work: () async throws -> Result) async rethrows -> Result {
        enter()
        defer { leave() }
        linger()
        return try await work()
    }

    func away<Result>(_ wait: () async throws -> Result) async rethrows -> Result {
        linger()
        leave()
        defer {
            enter()
            linger()
        }
        return try await wait()
    }

    func body(_ work: () throws -> Int) rethrows -> Int {
        enter()
        defer { leave() }
        linger()
        return try work()
    }
}

/// Trees of bodies, async and blocking, over ordered anchors and tiers, with kills in between.
enum GuestTree {
    struct Node: Sendable {
        var depth: Int
        var anchor: Int
        var seed: UInt64
    }

    static let anchors = 4

    /// What a node's children are: anchors never go back, as locks are taken in one order; storage comes after them.
    static func children(of node: Node) -> [Node] {
        var dice = node.seed
        func roll(_ sides: UInt64) -> Int {
            dice = dice &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((dice >> 33) % sides)
        }
        guard node.depth > 0 else { return [] }
        return (0..<roll(4)).map { _ in
            Node(
                depth: node.depth - 1, anchor: min(anchors, node.anchor + roll(3) / 2 * roll(2)),
                seed: node.seed &* 31 &+ UInt64(roll(1_000_000)))
        }
    }

    static func call(_ node: Node) -> TaskToken<Int> {
        if node.anchor == anchors { return node.seed % 2 == 0 ? writing(node) : writingAsync(node) }
        return node.seed % 2 == 0 ? blocking(node) : awaiting(node)
    }

    static let blocking: TaskTokenGuard<Node, Int> = TaskTokenGuard(
        "c9_tree_blocking", locality: .sticky(ordered: true) { (node: Node) in "\(node.anchor)" }
    ) { node in
        let children = children(of: node).map { call($0) }
        return waitAll(children.reversed())
    }
    static let awaiting: TaskTokenGuard<Node, Int> = TaskTokenGuard(
        "c9_tree_awaiting", locality: .sticky(ordered: true) { (node: Node) in "\(node.anchor)" }
    ) { (node: Node) async in
        await awaitAll(children(of: node).map { call($0) }, atOnce: node.seed % 3 == 0)
    }
    static let writing: TaskTokenGuard<Node, Int> = TaskTokenGuard("c9_tree_writing", storage: .slow) { node in
        waitAll(children(of: node).map { call($0) })
    }
    static let writingAsync: TaskTokenGuard<Node, Int> = TaskTokenGuard(
        "c9_tree_writing_async", storage: .slow
    ) { (node: Node) async in
        await awaitAll(children(of: node).map { call($0) }, atOnce: node.seed % 3 == 0)
    }

    private static func waitAll(_ tokens: [TaskToken<Int>]) -> Int {
        tokens.reduce(1) { $0 + ((try? $1.wait()) ?? 0) }
    }

    private static func awaitAll(_ tokens: [TaskToken<Int>], atOnce: Bool) async -> Int {
        if atOnce { return await gather(tokens).reduce(1) { $0 + ((try? $1.get()) ?? 0) } }
        var sum = 1
        for token in tokens.reversed() { sum += (try? await token.value) ?? 0 }
        return sum
    }
}
