//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import TokenGate

/// How the cost of a token grows with how many anchors the tokens carry.
struct GrowthAnchors: Growth {
    struct Ours: Contender {
        let name: String
        let standing = Standing.ours
        let total: Int
        let isOrdered: Bool

        func measure(_ anchors: Int) async throws -> Sample {
            try await withCoordinator { _ in
                let noop = TaskTokenGuard(
                    "noop", locality: .sticky(ordered: isOrdered) { (number: Int) in number % anchors }
                ) { (number: Int) in UInt64(number) &+ 1 }
                return try await timed(total) {
                    let tokens = (0..<total).map { noop($0) }
                    return try await gather(tokens).reduce(0) { $0 &+ (try $1.get()) }
                }
            }
        }
    }

    let name = "growth-anchors"
    let title = "time a token, 1,000,000 of them over so many anchors"
    let unit = "anchors"
    let full = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]

    var contenders: [any Contender<Int>] {
        [
            Ours(name: "TokenGate, sticky", total: tokens(0), isOrdered: false),
            Ours(name: "TokenGate, sticky and ordered", total: tokens(0), isOrdered: true),
        ]
    }

    func tokens(_ input: Int) -> Int { 1_000_000 }
}
