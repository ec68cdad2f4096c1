//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport

/// Work under the clock, which starts when this is made.
struct Timing {
    /// What the work amounts to.
    var checksum: UInt64 = 0
    private let begin = bench_now_ns()

    /// Until now.
    var nanoseconds: Double { Double(bench_now_ns() - begin) }
}

/// Runs `work` once to warm up and once for the clock: nanoseconds an item.
func timed(_ items: Int, _ work: () async throws -> UInt64) async rethrows -> Sample {
    _ = try await work()
    let timing = Timing()
    let checksum = try await work()
    return Sample(checksum: checksum, timing.nanoseconds / Double(items))
}

/// The same for work that blocks, on a thread of its own.
func timedOnThread(_ items: Int, _ work: @escaping @Sendable () throws -> UInt64) async throws -> Sample {
    try await onOwnThread {
        _ = try work()
        let timing = Timing()
        let checksum = try work()
        return Sample(checksum: checksum, timing.nanoseconds / Double(items))
    }
}
