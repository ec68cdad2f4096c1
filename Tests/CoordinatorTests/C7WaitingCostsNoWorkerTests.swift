//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("C7 waiting costs no worker")
struct C7WaitingCostsNoWorkerTests {
    private func expectOthersRun(_ coordinator: OperationsCoordinator) async throws {
        let plain = TaskTokenGuard("c7_plain", on: coordinator) { (n: Int) in n }
        let tokens = (0..<500).map { plain($0) }
        try #require(await settle(tokens))
        #expect(await gather(tokens).allSatisfy { (try? $0.get()) != nil })
    }

    private func threads(_ coordinator: OperationsCoordinator) -> [String: Int] {
        coordinator.statistics().domains.flatMap(\.workers).reduce(into: [:]) { $0[$1.crew, default: 0] += 1 }
    }

    @Test("C7 tokens that wait for a storage permit occupy no thread")
    func permits() async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let gate = Gate()
            let writer = TaskTokenGuard("c7_writer", storage: .slow, on: coordinator) { gate.pass() }
            let writers = (0..<300).map { _ in writer() }
            await gate.waitForArrivals()
            try await expectOthersRun(coordinator)
            #expect(threads(coordinator) == ["standard": 1, "storage": 1])
            #expect(coordinator.statistics().tiers[0].waiting == 299)
            gate.open()
            #expect(await settle(writers))
        }
    }

    @Test("C7 tokens that wait for their anchor's turn occupy no thread")
    func turns() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let gate = Gate()
            // It holds the turn while it is suspended.
            let ordered = TaskTokenGuard("c7_ordered", locality: .sticky("k", ordered: true), on: coordinator) {
                () async -> Void in _ = await gate.waitForArrivals()
            }
            let tokens = (0..<300).map { _ in ordered() }
            try #require(await eventually { tokens[0].state == .executing })
            try await expectOthersRun(coordinator)
            #expect(threads(coordinator) == ["standard": 1])
            #expect(tokens[1...].allSatisfy { $0.state == .waiting })
            gate.open()
            gate.pass()
            #expect(await settle(tokens))
        }
    }

    @Test("C7 paused tokens occupy no thread, of one operation or of all")
    func pause() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            try coordinator.pause("c7_paused")
            let paused = TaskTokenGuard("c7_paused", on: coordinator) {}
            let writer = TaskTokenGuard("c7_paused", storage: .slow, on: coordinator) {}
            let tokens = (0..<300).map { $0 % 2 == 0 ? paused() : writer() }
            try await expectOthersRun(coordinator)
            #expect(threads(coordinator) == ["standard": 1])
            #expect(tokens.allSatisfy { $0.state == .waiting })
            #expect(coordinator.statistics().tiers[0].inUse == 0)
            try coordinator.resume("c7_paused")
            #expect(await settle(tokens))
        }
    }

    @Test("C7 an async body that awaits occupies no thread")
    func suspended() async throws {
        try await withTestCoordinator(smallest) { coordinator in
            let gate = Gate()
            let sleeper = TaskTokenGuard("c7_sleeper", on: coordinator) {
                () async -> Void in _ = await gate.waitForArrivals()
            }
            let tokens = (0..<50).map { _ in sleeper() }
            try #require(await eventually { tokens.allSatisfy { $0.state == .executing } })
            try await expectOthersRun(coordinator)
            #expect(threads(coordinator) == ["standard": 1])
            gate.open()
            gate.pass()
            #expect(await settle(tokens))
        }
    }
}
