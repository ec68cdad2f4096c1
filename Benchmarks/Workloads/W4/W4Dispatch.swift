//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch

/// Global queues of different quality of service.
struct W4Dispatch: Contender {
    let name = "Dispatch .utility / .userInteractive"

    func measure(_ mix: Mix) async throws -> Sample {
        let run = MixedRun(mix)
        let (low, high) = (DispatchQueue.global(qos: .utility), DispatchQueue.global(qos: .userInteractive))
        @Sendable func submitHeavy() { low.async { if run.runHeavy() { submitHeavy() } } }
        return try await onOwnThread {
            run.drive(submitHeavy: submitHeavy) { index, submitted in
                high.async { run.runLight(index, submitted: submitted) }
            }
        }
    }
}
