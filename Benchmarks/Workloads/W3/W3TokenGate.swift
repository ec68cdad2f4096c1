//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// A token a task.
struct W3TokenGate: Contender {
    let name = "TokenGate"
    let standing = Standing.ours

    func measure(_ wave: Wave) async throws -> Sample {
        try await wave.measureOurs { run, size in
            var sum: UInt64 = 0
            for result in await gather((0..<size).map { run($0) }) { sum &+= try result.get() }
            return sum
        }
    }
}

extension Wave {
    /// Measures `collect`, which runs as many tasks of the guard as it is told and adds their results up.
    func measureOurs(
        _ collect: @escaping @Sendable (TaskTokenGuard<Int, UInt64>, Int) async throws -> UInt64
    ) async throws -> Sample {
        try await withCoordinator { _ in
            let (operation, size) = (operation, size)
            let run = TaskTokenGuard(operation.rawValue) { (input: Int) in operation(input) }
            return try await measure { try await collect(run, size) }
        }
    }
}
