//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// A child task a call.
struct W3TaskGroup: Contender {
    let name = "TaskGroup"

    func measure(_ wave: Wave) async -> Sample {
        await wave.measure {
            await withTaskGroup(of: UInt64.self) { group in
                for input in 0..<wave.size { group.addTask { wave.operation(input) } }
                return await group.reduce(0, &+)
            }
        }
    }
}
