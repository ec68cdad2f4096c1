//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch

/// The global concurrent queue.
struct W1Dispatch: Contender {
    let name = "DispatchQueue.global"

    func measure(_ count: Int) async throws -> Sample {
        try await timedOnThread(count) {
            let slots = ResultSlots(count)
            let last = LastOne(count)
            let queue = DispatchQueue.global()
            for number in 0..<count {
                queue.async {
                    slots[number] = UInt64(number) &+ 1
                    last.arrive()
                }
            }
            last.wait()
            return slots.sum
        }
    }
}
