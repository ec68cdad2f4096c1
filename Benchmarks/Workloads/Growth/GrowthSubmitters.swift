//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// How the cost of a token grows with how many threads submit at once.
struct GrowthSubmitters: Growth {
    struct Ours: Contender {
        let name = "TokenGate"
        let standing = Standing.ours
        let total: Int

        func measure(_ submitters: Int) async throws -> Sample {
            try await withCoordinator { coordinator in
                let noop = TaskTokenGuard("noop", on: coordinator) { (number: Int) in UInt64(number) &+ 1 }
                return try await timed(total) {
                    try await withThrowingTaskGroup(of: UInt64.self) { group in
                        for thread in 0..<submitters {
                            group.addTask {
                                try await onOwnThread {
                                    let mine = stride(from: thread, to: total, by: submitters).map { noop($0) }
                                    return try waitForAll(mine).reduce(0) { $0 &+ (try $1.get()) }
                                }
                            }
                        }
                        return try await group.reduce(0, &+)
                    }
                }
            }
        }
    }

    let name = "growth-submitters"
    let title = "time a token, 262,144 of them submitted by so many threads"
    let unit = "submitting threads"
    let full = [1, 2, 4, 8, 16, 32, 64]

    var contenders: [any Contender<Int>] { [Ours(total: tokens(0))] }

    func tokens(_ input: Int) -> Int { 262_144 }
}
