//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch

/// A detached task and a semaphore.
struct W2Task: Contender {
    let name = "Task + semaphore"

    func measure(_ trips: Trips) async throws -> Sample {
        try await onOwnThread {
            let slot = ResultSlots(1)
            let done = DispatchSemaphore(value: 0)
            return trips.measure { index in
                Task.detached {
                    slot[0] = UInt64(index) &+ 1
                    done.signal()
                }
                done.wait()
                return slot[0]
            }
        }
    }
}

/// A detached task, awaited.
struct W2TaskAsync: Contender {
    let name = "Task"

    func measure(_ trips: Trips) async throws -> Sample {
        try await trips.measure { index in await Task.detached { UInt64(index) &+ 1 }.value }
    }
}

/// One child of a group that stays open.
struct W2TaskGroupAsync: Contender {
    let name = "TaskGroup"

    func measure(_ trips: Trips) async throws -> Sample {
        try await withThrowingTaskGroup(of: UInt64.self) { group in
            try await trips.measure { index in
                group.addTask { UInt64(index) &+ 1 }
                return try await group.next() ?? 0
            }
        }
    }
}
