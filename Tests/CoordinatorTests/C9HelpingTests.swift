//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// A blocked body runs descendants that nobody else can run: what it begins leaves the mailboxes.
@Suite("C9 helping")
struct C9HelpingTests {
    /// How many entries stand in a crew's queues.
    private static func standing(in crew: Crew) -> Int {
        crew.state.withLock { state in
            var count = 0
            crew.forEachToken(state, waiting: true, executing: false) { _ in count += 1 }
            return count
        }
    }

    /// The size is such that a walk over all entries for each child would take a minute.
    @Test(
        "C9 a body waits for thousands of async children, one by one, with one worker: entries of those begun do not pile up",
        arguments: [TokenPriority.normal, .high])
    func entriesLeave(priority: TokenPriority) async throws {
        let count = Sizes.part(of: 20_000)
        try await withTestCoordinator(smallest) { coordinator in
            let child = TaskTokenGuard("c9_helped", options: OperationOptions(priority: priority)) { (n: Int) async in n
            }
            let crew = coordinator.engine.domains[0][.standard]
            let root = TaskTokenGuard("c9_helper", on: coordinator) { () throws -> [Int] in
                let children = (0..<count).map { child($0) }
                #expect(Self.standing(in: crew) == count)
                for (n, child) in children.enumerated() { #expect(try child.wait() == n) }
                return [Self.standing(in: crew)]
            }
            let token = root()
            try #require(await settles(token))
            // That of the last one goes with the next look.
            #expect(try await token.value == [1])
            #expect(await eventually { Self.standing(in: crew) == 0 })
            #expect(coordinator.statistics().counts.settled == count + 1)
        }
    }

    /// Those who wait for something else stand before the body's own: it looks past them.
    @Test("C9 children behind many strangers are found", arguments: [1, 7, 8, 9, 100])
    func behindStrangers(strangers: Int) async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let (meet, ran) = (Gate(), Journal<String>())
            let stranger = TaskTokenGuard("c9_stranger", on: coordinator) { ran.note("stranger") }
            let child = TaskTokenGuard("c9_child") { () async in ran.note("child") }
            let root = TaskTokenGuard("c9_root", on: coordinator) {
                meet.pass()
                let children = (0..<10).map { _ in child() }
                for child in children { try child.wait() }
                ran.note("root")
            }
            let token = root()
            await meet.waitForArrivals(1)
            let others = (0..<strangers).map { _ in stranger() }
            meet.open()
            try #require(await settle(others))
            try #require(await settles(token))
            #expect(Array(ran.all.prefix(11)) == Array(repeating: "child", count: 10) + ["root"])
        }
    }
}
