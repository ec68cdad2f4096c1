//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// What the curves have in common: nanoseconds a token, ours alone, only when named.
protocol Growth: Workload where Input == Int {
    /// The figures on the horizontal axis.
    var full: [Int] { get }
    /// What they count.
    var unit: String { get }
    /// How many tokens a repetition submits.
    func tokens(_ input: Int) -> Int
}

extension Growth {
    var metrics: [Metric] { [Metric("time a token", "ns", .lower)] }

    var isOptional: Bool { true }

    func points(_ scale: Scale) -> [Point<Int>] {
        (scale.isQuick ? full.filter { $0 <= 10_000 } : full).map { Point("\($0) \(unit)", $0) }
    }

    /// Token `i` gives `i + 1`.
    func checksum(_ input: Int) -> UInt64 {
        let count = UInt64(tokens(input))
        return count * (count + 1) / 2
    }
}
