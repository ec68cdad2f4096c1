//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch

/// The global queue, a lock a state.
struct W5Dispatch: Contender {
    let name = "DispatchQueue.global + lock"

    func measure(_ updates: Updates) async throws -> Sample {
        let locks = Locks(updates.states)
        return try await updates.measure { memory, count in
            try await onOwnThread {
                let last = LastOne(count)
                let queue = DispatchQueue.global()
                for index in 0..<count {
                    queue.async {
                        let state = index % memory.count
                        locks.with(state) { memory.update(state, by: UInt64(index) &+ 1) }
                        last.arrive()
                    }
                }
                last.wait()
            }
        }
    }
}

/// A serial queue a state.
struct W5SerialQueues: Contender {
    let name = "a serial DispatchQueue a state"

    func measure(_ updates: Updates) async throws -> Sample {
        try await updates.measure { memory, count in
            try await onOwnThread {
                let last = LastOne(count)
                let queues = (0..<memory.count).map { DispatchQueue(label: "state \($0)") }
                for index in 0..<count {
                    let state = index % memory.count
                    queues[state].async {
                        memory.update(state, by: UInt64(index) &+ 1)
                        last.arrive()
                    }
                }
                last.wait()
            }
        }
    }
}
