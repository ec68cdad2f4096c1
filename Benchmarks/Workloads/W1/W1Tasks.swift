//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// An array of unstructured tasks, made in async code, awaited in order.
struct W1Tasks: Contender {
    let name = "array of Task"

    func measure(_ count: Int) async -> Sample {
        await timed(count) {
            let tasks = (0..<count).map { number in Task.detached { UInt64(number) &+ 1 } }
            var sum: UInt64 = 0
            for task in tasks { sum &+= await task.value }
            return sum
        }
    }
}

/// Unstructured tasks, made by an ordinary thread that then blocks.
struct W1TasksFromThread: Contender {
    let name = "Task from a thread"

    func measure(_ count: Int) async throws -> Sample {
        try await timedOnThread(count) {
            let slots = ResultSlots(count)
            let last = LastOne(count)
            for number in 0..<count {
                Task.detached {
                    slots[number] = UInt64(number) &+ 1
                    last.arrive()
                }
            }
            last.wait()
            return slots.sum
        }
    }
}
