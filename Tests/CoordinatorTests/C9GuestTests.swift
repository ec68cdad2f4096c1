//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

/// What an async body holds while it awaits serves its descendants, one at a time.
@Suite("C9 guests of async bodies")
struct C9GuestTests {
    /// The ways in which a body may wait for three of its children.
    enum Way: CaseIterable {
        case value, gather, variadic, completions, taskGroup, asyncLet, mapped, zipped, middle, blockingMiddle, helper
    }

    private static func wait(_ children: [TaskToken<Int>], _ way: Way) async throws -> Int {
        switch way {
        case .value:
            var sum = 0
            for child in children { sum += try await child.value }
            return sum
        case .gather: return try await gather(children).reduce(0) { try $0 + $1.get() }
        case .variadic:
            let (first, second, third) = try await gather(children[0], children[1], children[2])
            return first + second + third
        case .completions:
            var sum = 0
            for await completion in completions(of: children) { sum += try completion.get() }
            return sum
        case .taskGroup:
            return try await withThrowingTaskGroup(of: Int.self) { group in
                for child in children { group.addTask { try await child.value } }
                return try await group.reduce(0, +)
            }
        case .asyncLet:
            async let first = children[0].value
            async let second = children[1].value
            async let third = children[2].value
            return try await first + second + third
        case .mapped:
            var sum = 0
            for child in children.map({ $0.map { $0 * 2 }.map { $0 / 2 } }) { sum += try await child.value }
            return sum
        case .zipped:
            let ((first, second), third) = try await children[0].zip(children[1]).zip(children[2]).value
            return first + second + third
        case .middle:
            let middle = TaskTokenGuard("c9_guest_middle") { () async throws in
                try await gather(children).reduce(0) { try $0 + $1.get() }
            }
            return try await middle().value
        case .blockingMiddle:
            let middle = TaskTokenGuard("c9_guest_blocking") {
                try waitForAll(children).reduce(0) { try $0 + $1.get() }
            }
            return try await middle().value
        case .helper:
            func block() throws -> Int { try waitForAll(children).reduce(0) { try $0 + $1.get() } }
            return try block()
        }
    }

    @Test(
        "C9 an async holder of a turn, and of its tier's last permit, awaits children that need both",
        arguments: Way.allCases)
    func ways(_ way: Way) async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let leaf = TaskTokenGuard(
                "c9_guest_leaf", storage: .slow, locality: .sticky("k", ordered: true)
            ) { (n: Int) in n }
            let child = TaskTokenGuard(
                "c9_guest_child", storage: .slow, locality: .sticky("k", ordered: true)
            ) { (n: Int) async throws in try await leaf(n).value }
            let parent = TaskTokenGuard(
                "c9_guest_parent", storage: .slow, locality: .sticky("k", ordered: true), on: coordinator
            ) { () async throws in try await Self.wait((1...3).map { child($0) }, way) }
            let tokens = (0..<5).map { _ in parent() }
            try #require(await settle(tokens))
            for token in tokens { #expect(try await token.value == 6) }
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
        }
    }

    @Test("C9 guests of a turn come in the order of their submission, and strangers after their host")
    func order() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator in
            let journal = Journal<String>()
            let begun = Gate()
            let note = TaskTokenGuard(
                "c9_guest_note", locality: .sticky("k", ordered: true), on: coordinator
            ) { (name: String) in journal.note(name) }
            let host = TaskTokenGuard(
                "c9_guest_host", locality: .sticky("k", ordered: true), on: coordinator
            ) { () async throws in
                begun.pass()
                let children = (1...5).map { note("child \($0)") }
                try await children[3].value
                journal.note("host")
            }
            let token = host()
            await begun.waitForArrivals()
            let stranger = note("stranger")
            begun.open()
            try #require(await settle([token, stranger]))
            #expect(await eventually { journal.all.count == 7 })
            // The fifth was not waited for: it keeps its place behind the stranger.
            #expect(journal.all == ["child 1", "child 2", "child 3", "child 4", "host", "stranger", "child 5"])
        }
    }

    @Test("C9 a child that nobody waits for runs after its parent, not inside it")
    func unawaited() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let journal = Journal<String>()
            let other = TaskTokenGuard("c9_guest_other") { 1 }
            let later = TaskTokenGuard("c9_guest_later", locality: .sticky("k", ordered: true)) {
                journal.note("later")
            }
            let host = TaskTokenGuard(
                "c9_guest_first", locality: .sticky("k", ordered: true), on: coordinator
            ) { () async throws in
                let child = later()
                for _ in 0..<50 { _ = try await other().value }
                journal.note("host")
                return child
            }
            let child = try await host().value
            try #require(await settles(child))
            #expect(journal.all == ["host", "later"])
        }
    }

    @Test("C9 a descendant that joins the line while its ancestor awaits already is let in")
    func joinsLater() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let gate = Gate()
            let leaf = TaskTokenGuard("c9_guest_late", locality: .sticky("k", ordered: true)) { 7 }
            let middle = TaskTokenGuard("c9_guest_gated") { () async throws in
                let lock = TaskTokenGuard("c9_guest_lock", storage: .fast) { gate.pass() }
                try await lock().value
                return try await leaf().value
            }
            let host = TaskTokenGuard(
                "c9_guest_early", locality: .sticky("k", ordered: true), on: coordinator
            ) { () async throws in try await middle().value }
            let token = host()
            await gate.waitForArrivals()
            gate.open()
            try #require(await settles(token))
            #expect(try await token.value == 7)
        }
    }

    @Test("C9 C5 a host and its guests run one at a time, between its awaits, too", arguments: 1...3)
    func exclusion(round: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator in
            let room = Room()
            let leaf = TaskTokenGuard("c9_room_leaf", locality: .sticky("k", ordered: true)) { (n: Int) in
                room.body { n }
            }
            let child = TaskTokenGuard("c9_room_child", locality: .sticky("k", ordered: true)) {
                (n: Int) async throws in
                try await room.body {
                    let leaves = [leaf(n), leaf(n)]
                    let first = try await room.away { try await leaves[1].value }
                    return try await room.away { try await leaves[0].value } + first
                }
            }
            // Waits for the later ones first, so that those in front of them are let in while it goes on.
            let host = TaskTokenGuard(
                "c9_room_host", locality: .sticky("k", ordered: true), on: coordinator
            ) { (n: Int) async throws in
                try await room.body {
                    let children = (0..<6).map { child($0) }
                    var sum = 0
                    for child in children.reversed() { sum += try await room.away { try await child.value } }
                    return sum
                }
            }
            let tokens = (0..<8).map { host($0) }
            try #require(await settle(tokens))
            for token in tokens { #expect(try await token.value == 30) }
            #expect(room.overlaps.value == 0)
        }
    }

    @Test("C9 C8 async storage bodies that await each other's descendants stay within the limit", arguments: [1, 2, 3])
    func permits(limit: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.storageLimits[.slow] = limit
        } _: { coordinator in
            let (inside, peak) = (Tally(), Journal<Int>())
            let leaf = TaskTokenGuard("c9_limit_leaf", storage: .slow) { (n: Int) in
                peak.note(inside.add())
                defer { inside.add(-1) }
                return n
            }
            let child = TaskTokenGuard("c9_limit_child", storage: .slow) { (n: Int) async throws in
                peak.note(inside.add())
                inside.add(-1)
                let value = try await leaf(n).value
                peak.note(inside.add())
                defer { inside.add(-1) }
                return value
            }
            let blocking = TaskTokenGuard("c9_limit_blocking", storage: .slow) { (n: Int) in
                peak.note(inside.add())
                inside.add(-1)
                return try child(n).wait() + leaf(n).wait()
            }
            let parent = TaskTokenGuard("c9_limit_parent", storage: .slow, on: coordinator) { (n: Int) async throws in
                peak.note(inside.add())
                inside.add(-1)
                return try await child(n).value + blocking(n).value
            }
            let tokens = (0..<20).map { parent($0) }
            try #require(await settle(tokens))
            for (n, token) in tokens.enumerated() { #expect(try await token.value == 3 * n) }
            #expect(peak.all.max() ?? 0 <= limit)
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
        }
    }

    @Test("C9 thousands of children of one turn, gathered inside it, in their order")
    func many() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let journal = Journal<Int>()
            let count = Sizes.part(of: 10_000)
            let child = TaskTokenGuard("c9_many_child", locality: .sticky("k", ordered: true)) { (n: Int) in
                journal.note(n)
            }
            let host = TaskTokenGuard(
                "c9_many_host", locality: .sticky("k", ordered: true), on: coordinator
            ) { () async in await gather((0..<count).map { child($0) }).count }
            let token = host()
            try #require(await settles(token))
            #expect(journal.all == Array(0..<count))
        }
    }

    @Test("C9 random trees over ordered anchors and one storage permit end", arguments: [1, 2, 8])
    func trees(limit: Int) async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("C9 trees: seed \(seed)")
        try await withTestCoordinator {
            $0.pretend(domains: limit == 1 ? 1 : 2)
            $0.workersPerCore = limit == 8 ? 4 : 1
            $0.storageLimits[.slow] = limit
        } _: { coordinator in
            let start = TaskTokenGuard("c9_tree_start", on: coordinator) { (node: GuestTree.Node) async in
                await GuestTree.call(node).result
            }
            let tokens = (0..<Sizes.part(of: 60)).map {
                start(GuestTree.Node(depth: 5, anchor: $0 % 2, seed: seed &+ UInt64($0) &* 0x9E37_79B9_7F4A_7C15))
            }
            for (n, token) in tokens.enumerated() where n % 13 == 5 { token.kill() }
            try #require(await settle(tokens))
            #expect(await eventually { coordinator.statistics().liveAnchors == 0 })
            #expect(await eventually { coordinator.statistics().tiers[0].inUse == 0 })
        }
    }

    @Test("C9 a child that nobody waits for stands before a needed one, in the lines of a turn and of a permit")
    func unawaitedInFront() async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let journal = Journal<Int>()
            let child = TaskTokenGuard(
                "c9_front_child", storage: .slow, locality: .sticky("k", ordered: true)
            ) { (n: Int) in journal.note(n) }
            let host = TaskTokenGuard(
                "c9_front_host", storage: .slow, locality: .sticky("k", ordered: true), on: coordinator
            ) { () async throws in
                _ = child(1)
                _ = child(2)
                try await child(3).value
            }
            let token = host()
            try #require(await settles(token))
            #expect(journal.all == [1, 2, 3])
        }
    }

    @Test("C9 a blocking helper of an async body that holds a turn, on top of a blocked body, or off the workers")
    func helpers() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let child = TaskTokenGuard("c9_helper_child", locality: .sticky("k", ordered: true)) { (n: Int) in n }
            @Sendable func block(_ n: Int) throws -> Int { try child(n).wait() }
            let plain = TaskTokenGuard("c9_helper_plain", locality: .sticky("k", ordered: true)) {
                () async throws in try block(1)
            }
            let below = TaskTokenGuard("c9_helper_below") { try plain().wait() }
            let detour = TaskTokenGuard("c9_helper_task", locality: .sticky("k", ordered: true)) {
                () async throws in try await Task { try block(2) }.value
            }
            let elsewhere = TaskTokenGuard("c9_helper_actor", locality: .sticky("k", ordered: true)) {
                () async throws in try await Elsewhere.run { try block(3) }
            }
            let start = TaskTokenGuard("c9_helper_start", on: coordinator) { () async throws in
                try await below().value + detour().value + elsewhere().value
            }
            let token = start()
            try #require(await settles(token))
            #expect(try await token.value == 6)
        }
    }

    @globalActor private actor Elsewhere {
        static let shared = Elsewhere()
        @Elsewhere static func run(_ work: @Sendable () throws -> Int) rethrows -> Int { try work() }
    }
}
