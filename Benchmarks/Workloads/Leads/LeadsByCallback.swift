//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch
import NIOPosix

/// One round for a pool whose tasks cannot wait: a lead submits its children and ends, and the last child of all leads
/// ends the round.
private func round(
    _ families: Families, _ memory: States, _ value: UInt64,
    _ submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
) -> UInt64 {
    let slots = ResultSlots(families.sets * families.children)
    let last = LastOne(slots.count)
    for set in 0..<families.sets {
        submit {
            memory.update(set, by: value)
            for number in 0..<families.children {
                submit {
                    slots[set * families.children + number] = memory.sum(set) &+ UInt64(number)
                    last.arrive()
                }
            }
        }
    }
    last.wait()
    return slots.sum
}

/// The global queue.
struct LeadsDispatch: Contender {
    let name = "DispatchQueue.global"

    func measure(_ families: Families) async throws -> Sample {
        let queue = DispatchQueue.global()
        return try await families.measureBlocking { memory, value in
            round(families, memory, value) { queue.async(execute: $0) }
        }
    }
}

/// `NIOThreadPool.submit`.
struct LeadsThreadPool: Contender {
    let name = "NIOThreadPool"

    func measure(_ families: Families) async throws -> Sample {
        try await withThreadPool { pool in
            try await families.measureBlocking { memory, value in
                round(families, memory, value) { body in pool.submit { _ in body() } }
            }
        }
    }
}
