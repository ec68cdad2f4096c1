//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CBenchSupport

/// Busy work of a known length: `bench_churn`, whose steps wait for each other and so take the same time in every
/// language.
enum Work {
    /// Steps that this machine makes in a microsecond: the best of several tries, measured once, used for all contenders.
    static let stepsPerMicrosecond: Double = {
        let steps: UInt64 = 1_000_000
        let best = (0..<9).map { _ in
            let begin = bench_now_ns()
            let result = bench_churn(UInt64(bitPattern: begin), steps)
            let end = bench_now_ns()
            return result == 0 ? Int64.max : end - begin
        }.min()!
        return Double(steps) * 1_000 / Double(best)
    }()

    /// How many steps take about this long.
    static func steps(microseconds: Double) -> UInt64 { UInt64(stepsPerMicrosecond * microseconds) }
}
