//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchTBB

/// `task_group::run`, a `std::mutex` a state.
struct W5OneTBB: Contender {
    let name = "oneTBB task_group + lock"

    var absence: String? { tbbAbsence }

    func measure(_ updates: Updates) async throws -> Sample {
        let arena = try TBBArena()
        return try await updates.measure { memory, count in
            try await onOwnThread {
                bench_tbb_updates(arena.raw, memory.base, memory.count, memory.words, UInt64(count))
            }
        }
    }
}
