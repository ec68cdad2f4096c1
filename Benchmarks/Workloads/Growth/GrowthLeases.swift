//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Synchronization
import TokenGate

/// How the cost of a lead grows with how many leases are live.
struct GrowthLeases: Growth {
    /// Holds the bodies of leads until it opens.
    final class Gate: Sendable {
        private struct State {
            var isOpen = false
            var waiting: [UnsafeContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())

        var waiting: Int { state.withLock { $0.waiting.count } }

        func pass() async {
            await withUnsafeContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    struct Ours: Contender {
        let name = "TokenGate"
        let standing = Standing.ours
        let total: Int

        func measure(_ leases: Int) async throws -> Sample {
            try await withCoordinator { _ in
                let gate = Gate()
                let live = TaskTokenGuard("live", locality: .lead(externalCalls: ["none"])) {
                    (_: Int) async in await gate.pass()
                }
                let lead = TaskTokenGuard("lead", locality: .lead(externalCalls: ["none"])) { (number: Int) in
                    UInt64(number) &+ 1
                }
                let held = (0..<leases).map { live($0) }
                while gate.waiting < leases { try await Task.sleep(nanoseconds: 1_000_000) }
                let sample = try await timed(total) {
                    let tokens = (0..<total).map { lead($0) }
                    return try await gather(tokens).reduce(0) { $0 &+ (try $1.get()) }
                }
                gate.open()
                for result in await gather(held) { try result.get() }
                return sample
            }
        }
    }

    let name = "growth-leases"
    let title = "time a lead, 100,000 of them, each a lease of its own, with so many other leases live"
    let unit = "live leases"
    let full = [1, 10, 100, 1_000, 10_000, 100_000]

    var contenders: [any Contender<Int>] { [Ours(total: tokens(0))] }

    func tokens(_ input: Int) -> Int { 100_000 }
}
