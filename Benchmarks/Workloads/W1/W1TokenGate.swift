//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// One token a call: identity, state, statistics and pinning on.
struct W1TokenGate: Contender {
    let name = "TokenGate"
    let standing = Standing.ours

    func measure(_ count: Int) async throws -> Sample {
        try await withCoordinator { _ in
            let noop = TaskTokenGuard("noop") { (number: Int) in UInt64(number) &+ 1 }
            return try await timed(count) {
                let tokens = (0..<count).map { noop($0) }
                var sum: UInt64 = 0
                for result in await gather(tokens) { sum &+= try result.get() }
                return sum
            }
        }
    }
}
