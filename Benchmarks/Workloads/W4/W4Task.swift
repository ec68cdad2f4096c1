//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// Task priorities.
struct W4Task: Contender {
    let name = "Task .background / .high"

    func measure(_ mix: Mix) async throws -> Sample {
        let run = MixedRun(mix)
        @Sendable func submitHeavy() {
            Task.detached(priority: .background) { if run.runHeavy() { submitHeavy() } }
        }
        return try await onOwnThread {
            run.drive(submitHeavy: submitHeavy) { index, submitted in
                Task.detached(priority: .high) { run.runLight(index, submitted: submitted) }
            }
        }
    }
}
