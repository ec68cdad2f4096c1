//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Coordinator
import TestSupport
import Testing
import TokenCore

/// C3 where the caller is a worker itself, and where an async body comes back from an await.
@Suite struct C3OffTheCallerTests {
    @Test("C3 what a body submits does not run on its own thread, be the body synchronous or async")
    func fromBodies() async throws {
        // One worker, which is busy with the body: only the body's own thread could run them before it returns.
        try await withTestCoordinator(smallest) { coordinator in
            let runs = Tally()
            let child = TaskTokenGuard("c3.off-child", on: coordinator) { (_: Int) in runs.add() }
            let asyncChild = TaskTokenGuard("c3.off-async-child") { (_: Int) async in runs.add() }
            let settled = child(0)
            try #require(await settles(settled))
            let submit: @Sendable () -> (runs: Int, states: [TokenState]) = {
                let mapped = settled.map { _ in runs.add() }
                let tokens = (0..<10).flatMap { [child($0), asyncChild($0)] } + [mapped]
                return (runs.value, tokens.map(\.state))
            }
            let bodies = [
                TaskTokenGuard("c3.off", on: coordinator) { (_: Int) in submit() },
                TaskTokenGuard("c3.off-async", on: coordinator) { (_: Int) async in submit() },
                TaskTokenGuard("c3.off-lead", locality: .lead(externalCalls: ["c3.off-child"]), on: coordinator) {
                    (_: Int) in submit()
                },
            ]
            for body in bodies {
                let before = runs.value
                let seen = try await body(1).value
                #expect(seen.runs == before, "\(body.operationType)")
                #expect(seen.states == Array(repeating: .admitted, count: 21), "\(body.operationType)")
                #expect(await eventually { runs.value == before + 21 })
            }
        }
    }

    @Test("C3 an async body of any kind comes back to its domain's threads after each await")
    func afterAwaits() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator in
            let other = TaskTokenGuard("c3.awaited") { (n: Int) in n }
            let body: @Sendable (Int) async throws -> [String] = { n in
                var strays: [String] = []
                func look(_ place: String) {
                    let thread = CurrentThread.name()
                    let domain = TokenContext.current?.domain ?? 0
                    if !thread.hasPrefix("tg\(domain)-") { strays.append("\(place): \(thread), domain \(domain)") }
                }
                look("begin")
                await Task.yield()
                look("yield")
                try await Task.sleep(for: .microseconds(10))
                look("sleep")
                _ = try await other(n).value
                look("token")
                async let child = other(n).value
                _ = try await child
                look("async let")
                return strays
            }
            let kinds = [
                TaskTokenGuard("c3.back-light", weight: .light, on: coordinator, body),
                TaskTokenGuard("c3.back-heavy", weight: .heavy, on: coordinator, body),
                TaskTokenGuard("c3.back-storage", storage: .insane, on: coordinator, body),
                TaskTokenGuard("c3.back-sticky", locality: .sticky("c3"), on: coordinator, body),
                TaskTokenGuard("c3.back-lead", locality: .lead(externalCalls: ["c3.awaited"]), on: coordinator, body),
            ]
            for result in await gather((0..<20).flatMap { n in kinds.map { $0(n) } }) {
                let strays = try result.get()
                #expect(strays.isEmpty)
            }
        }
    }
}
