//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport
import CBenchTBB
import NIOPosix

/// CPUs that the process may use: the size of every pool.
let cpuCount = Int(bench_cpu_count())

/// Why oneTBB cannot run here.
var tbbAbsence: String? { bench_tbb_version() == nil ? "oneTBB is not installed (libtbb-dev)" : nil }

/// A oneTBB arena for the time of one repetition.
final class TBBArena: @unchecked Sendable {
    let raw: OpaquePointer

    init() throws {
        guard let raw = bench_tbb_create(Int32(cpuCount)) else {
            throw PeerFailure(description: "oneTBB is not installed")
        }
        self.raw = raw
    }

    deinit { bench_tbb_destroy(raw) }
}

/// Runs `body` with a `NIOThreadPool` of one thread a CPU.
func withThreadPool(_ body: (NIOThreadPool) async throws -> Sample) async throws -> Sample {
    let pool = NIOThreadPool(numberOfThreads: cpuCount)
    pool.start()
    do {
        let sample = try await body(pool)
        try await pool.shutdownGracefully()
        return sample
    } catch {
        try await pool.shutdownGracefully()
        throw error
    }
}
