//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// A token a call.
struct W3TokenGate: Contender {
    let name = "TokenGate"
    let standing = Standing.ours

    func measure(_ wave: Wave) async throws -> Sample {
        try await withCoordinator { _ in
            let operation = wave.operation
            let run = TaskTokenGuard(operation.rawValue) { (input: Int) in operation(input) }
            return try await wave.measure {
                var sum: UInt64 = 0
                for result in await gather((0..<wave.size).map { run($0) }) { sum &+= try result.get() }
                return sum
            }
        }
    }
}
