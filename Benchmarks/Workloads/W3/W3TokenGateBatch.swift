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
        try await wave.measureOurs { run, size in
            try await run.batch(0..<size).values.reduce(0, &+)
        }
    }
}
