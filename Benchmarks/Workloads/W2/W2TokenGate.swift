//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// `token.wait()`.
struct W2TokenGate: Contender {
    let name = "TokenGate"
    let standing = Standing.ours

    func measure(_ trips: Trips) async throws -> Sample {
        try await withCoordinator { coordinator in
            let noop = TaskTokenGuard("noop", on: coordinator) { (number: Int) in UInt64(number) &+ 1 }
            return try await onOwnThread { try trips.measure { try noop($0).wait() } }
        }
    }
}

/// `await token.value`.
struct W2TokenGateAsync: Contender {
    let name = "TokenGate"
    let standing = Standing.ours

    func measure(_ trips: Trips) async throws -> Sample {
        try await withCoordinator { coordinator in
            let noop = TaskTokenGuard("noop", on: coordinator) { (number: Int) in UInt64(number) &+ 1 }
            return try await trips.measure { index in try await noop(index).value }
        }
    }
}
