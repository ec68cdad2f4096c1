//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchTBB

/// Two arenas of different priority.
struct W4OneTBB: Contender {
    let name = "oneTBB arenas low / high"

    var absence: String? { tbbAbsence }

    func measure(_ mix: Mix) async throws -> Sample {
        try await onOwnThread {
            var latencies = [Int64](repeating: 0, count: mix.lights)
            var rate = 0.0
            let sum = bench_tbb_mixed(
                Int32(cpuCount), UInt64(mix.lights), mix.period, UInt64(mix.outstanding), mix.steps, &latencies, &rate)
            let all = Latencies(latencies)
            return Sample(checksum: sum, all.percentile(50), all.percentile(99), all.maximum, rate)
        }
    }
}
