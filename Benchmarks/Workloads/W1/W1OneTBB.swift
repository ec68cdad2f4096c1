//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchTBB

/// oneTBB in its three ways to submit one task.
struct W1OneTBB: Contender {
    enum Way: Sendable { case group, enqueue, future }

    let name: String
    let way: Way

    init(_ name: String, _ way: Way) {
        self.name = name
        self.way = way
    }

    var absence: String? { tbbAbsence }

    func measure(_ count: Int) async throws -> Sample {
        let arena = try TBBArena()
        return try await timedOnThread(count) {
            switch way {
            case .group: bench_tbb_group_noops(arena.raw, UInt64(count))
            case .enqueue: bench_tbb_enqueue_noops(arena.raw, UInt64(count))
            case .future: bench_tbb_future_noops(arena.raw, UInt64(count))
            }
        }
    }
}
