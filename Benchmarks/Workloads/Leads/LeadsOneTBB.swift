//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import CBenchSupport
import CBenchTBB

/// A `task_group` of leads, each with a `task_group` of children.
struct LeadsOneTBB: Contender {
    let name = "oneTBB task_group in task_group"

    var absence: String? { tbbAbsence }

    func measure(_ families: Families) async throws -> Sample {
        let arena = try TBBArena()
        return try await onOwnThread {
            let memory = States(families.sets, bytes: families.bytes)
            func run(_ rounds: Int) -> UInt64 {
                bench_tbb_leads(
                    arena.raw, memory.base, memory.count, memory.words, UInt64(rounds), UInt64(families.children))
            }
            _ = run(families.rounds / 4 + 1)
            memory.clear()
            let begin = bench_now_ns()
            let checksum = run(families.rounds)
            let seconds = Double(bench_now_ns() - begin) / 1e9
            return Sample(checksum: checksum, Double(families.sets * families.rounds) / seconds)
        }
    }
}
