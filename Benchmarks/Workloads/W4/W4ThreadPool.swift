//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import NIOPosix

/// One queue for all.
struct W4ThreadPool: Contender {
    let name = "NIOThreadPool"

    func measure(_ mix: Mix) async throws -> Sample {
        try await withThreadPool { pool in
            let run = MixedRun(mix)
            @Sendable func submitHeavy() { pool.submit { _ in if run.runHeavy() { submitHeavy() } } }
            return try await onOwnThread {
                run.drive(submitHeavy: submitHeavy) { index, submitted in
                    pool.submit { _ in run.runLight(index, submitted: submitted) }
                }
            }
        }
    }
}
