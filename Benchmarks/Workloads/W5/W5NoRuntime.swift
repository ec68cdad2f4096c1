//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport

/// The limit: one pinned thread a CPU, states dealt out by hand, nothing submitted, nothing locked.
struct W5Ideal: Contender {
    let name = "ideal: pinned threads, states dealt out by hand"
    let standing = Standing.reference

    func measure(_ updates: Updates) async throws -> Sample {
        try await updates.measure { memory, count in
            try await onThreads(cpuCount) { thread in
                let error = bench_pin_thread(Int32(thread))
                if error != 0 { throw PeerFailure(description: "a thread could not be pinned: error \(error)") }
                for index in 0..<count {
                    let state = index % memory.count
                    if state % cpuCount == thread { memory.update(state, by: UInt64(index) &+ 1) }
                }
            }
        }
    }
}

/// One thread a CPU, a lock a state; whoever comes next takes the next update, so states wander between CPUs.
struct W5Threads: Contender {
    let name = "threads, shared states + lock"
    let standing = Standing.reference

    func measure(_ updates: Updates) async throws -> Sample {
        let locks = Locks(updates.states)
        return try await updates.measure { memory, count in
            let next = SharedCounter()
            try await onThreads(cpuCount) { _ in
                while let index = next.take(below: count) {
                    let state = index % memory.count
                    locks.with(state) { memory.update(state, by: UInt64(index) &+ 1) }
                }
            }
        }
    }
}
