//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// One thread, one loop.
struct OriginalSerial: Contender {
    let name = "serial loop"
    let standing = Standing.reference

    func measure(_ wave: OriginalWave) async throws -> Sample {
        try await wave.measureBlocking { wave.serial() }
    }
}
