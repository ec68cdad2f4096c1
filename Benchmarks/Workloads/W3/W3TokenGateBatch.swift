//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// A wave at once.
struct W3TokenGateBatch: Contender {
    let name = "TokenGate batch"
    let standing = Standing.ours

    func measure(_ wave: Wave) async throws -> Sample {
        try await withCoordinator { _ in
            let operation = wave.operation
            let run = TaskTokenGuard(operation.rawValue) { (input: Int) in operation(input) }
            return try await wave.measure {
                var sum: UInt64 = 0
                for value in try await run.batch(0..<wave.size).values { sum &+= value }
                return sum
            }
        }
    }
}
