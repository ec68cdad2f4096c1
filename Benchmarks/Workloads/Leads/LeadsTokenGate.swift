//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// A lead whose synchronous body blocks until its children are done.
struct LeadsTokenGate: Contender {
    let name = "TokenGate, leads that wait"
    let standing = Standing.ours

    func measure(_ families: Families) async throws -> Sample {
        try await withCoordinator { _ in
            let child = makeChild()
            let lead = TaskTokenGuard("lead", locality: .lead(externalCalls: ["child"])) {
                (memory: States, set: Int, value: UInt64) in
                memory.update(set, by: value)
                let children = (0..<families.children).map { child(memory, set, $0) }
                return try waitForAll(children).reduce(0) { $0 &+ (try $1.get()) }
            }
            return try await families.measure { memory, value in
                try await sum((0..<families.sets).map { lead(memory, $0, value) })
            }
        }
    }
}

/// A lead whose async body awaits its children.
struct LeadsTokenGateAsync: Contender {
    let name = "TokenGate, leads that await"
    let standing = Standing.ours

    func measure(_ families: Families) async throws -> Sample {
        try await withCoordinator { _ in
            let child = makeChild()
            let lead = TaskTokenGuard("lead", locality: .lead(externalCalls: ["child"])) {
                (memory: States, set: Int, value: UInt64) async throws -> UInt64 in
                memory.update(set, by: value)
                let children = (0..<families.children).map { child(memory, set, $0) }
                return try await sum(children)
            }
            return try await families.measure { memory, value in
                try await sum((0..<families.sets).map { lead(memory, $0, value) })
            }
        }
    }
}

/// What both kinds of lead spawn.
private func makeChild() -> TaskTokenGuard<(States, Int, Int), UInt64> {
    TaskTokenGuard("child") { (memory: States, set: Int, number: Int) in memory.sum(set) &+ UInt64(number) }
}

private func sum(_ tokens: [TaskToken<UInt64>]) async throws -> UInt64 {
    try await gather(tokens).reduce(0) { $0 &+ (try $1.get()) }
}
