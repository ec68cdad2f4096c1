//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// A token a call, through four guards with the original's names and weights.
struct OriginalTokenGate: Contender {
    let name = "TokenGate"
    let standing = Standing.ours

    func measure(_ wave: OriginalWave) async throws -> Sample {
        try await withCoordinator { _ in
            let crunch = TaskTokenGuard("cpu_crunch", weight: .medium, OriginalOperation.cpuCrunch)
            let transform = TaskTokenGuard("string_ops", weight: .medium, OriginalOperation.stringTransform)
            let sort = TaskTokenGuard("data_transform", weight: .heavy, OriginalOperation.dataSort)
            let chain = TaskTokenGuard("hash_compute", weight: .heavy, OriginalOperation.hashChain)
            let turns = OriginalOperation.turns(
                crunch: { crunch($0) }, transform: { transform($0) }, sort: { sort($0) }, chain: { chain($0, $1) })
            return try await wave.measure {
                var sum: UInt64 = 0
                let tokens = (0..<wave.size).map { turns[$0 % turns.count]($0) }
                for result in await gather(tokens) { sum &+= try result.get() }
                return sum
            }
        }
    }
}
