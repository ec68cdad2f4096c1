//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// Ordered sticky anchors: no lock in the body, and a state stays on its core.
struct W5TokenGate: Contender {
    let name = "TokenGate, ordered anchors, no lock"
    let standing = Standing.ours

    func measure(_ updates: Updates) async throws -> Sample {
        try await withCoordinator { _ in
            try await updates.measure { memory, count in
                let states = memory.count
                let update = TaskTokenGuard(
                    "update", locality: .sticky(ordered: true) { (index: Int) in index % states }
                ) { (index: Int) in memory.update(index % states, by: UInt64(index) &+ 1) }
                for result in await gather((0..<count).map { update($0) }) { try result.get() }
            }
        }
    }
}
