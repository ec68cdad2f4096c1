//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// Weights.
struct W4TokenGate: Contender {
    let name = "TokenGate .heavy / .light"
    let standing = Standing.ours

    func measure(_ mix: Mix) async throws -> Sample {
        try await withCoordinator { coordinator in
            let run = MixedRun(mix)
            let heavy = TaskTokenGuard("heavy", weight: .heavy, on: coordinator) { (run: MixedRun) in run.runHeavy() }
            let light = TaskTokenGuard("light", weight: .light, on: coordinator) { (index: Int, submitted: Int64) in
                run.runLight(index, submitted: submitted)
            }
            // Submitted by the one before it once that has settled, so that no token descends from another.
            @Sendable func submitHeavy() {
                let token = heavy(run)
                token.onSettled { if case .success(true) = token.resultIfSettled { submitHeavy() } }
            }
            return try await onOwnThread {
                run.drive(submitHeavy: submitHeavy) { _ = light($0, $1) }
            }
        }
    }
}
