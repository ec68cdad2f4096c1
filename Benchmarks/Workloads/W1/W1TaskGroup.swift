//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// `withTaskGroup`, results as they come.
struct W1TaskGroup: Contender {
    let name = "TaskGroup"

    func measure(_ count: Int) async -> Sample {
        await timed(count) {
            await withTaskGroup(of: UInt64.self) { group in
                for number in 0..<count { group.addTask { UInt64(number) &+ 1 } }
                var sum: UInt64 = 0
                for await result in group { sum &+= result }
                return sum
            }
        }
    }
}
