//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport
import TokenGate

/// A token an item, submitted together.
struct W1bTokenGate: Contender {
    let name = "TokenGate batch"
    let standing = Standing.ours

    func measure(_ batch: Batch) async throws -> Sample {
        try await withCoordinator { _ in
            let steps = batch.steps
            let churn = TaskTokenGuard("churn") { (number: Int) in bench_churn(UInt64(number), steps) }
            return try await timed(batch.count) {
                try await churn.batch(0..<batch.count).values.weightedSum
            }
        }
    }
}
