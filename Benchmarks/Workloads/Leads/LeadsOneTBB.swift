//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchTBB

/// A `task_group` of leads, each with a `task_group` of children.
struct LeadsOneTBB: Contender {
    let name = "oneTBB task_group in task_group"

    var absence: String? { tbbAbsence }

    func measure(_ families: Families) async throws -> Sample {
        let arena = try TBBArena()
        return try await families.measureBlocking { memory, value in
            bench_tbb_leads(arena.raw, memory.base, memory.count, memory.words, value, UInt64(families.children))
        }
    }
}
