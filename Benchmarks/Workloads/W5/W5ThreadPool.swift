//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import NIOPosix

/// `NIOThreadPool.submit`, a lock a state.
struct W5ThreadPool: Contender {
    let name = "NIOThreadPool + lock"

    func measure(_ updates: Updates) async throws -> Sample {
        let locks = Locks(updates.states)
        return try await withThreadPool { pool in
            try await updates.measure { memory, count in
                try await onOwnThread {
                    let last = LastOne(count)
                    for index in 0..<count {
                        pool.submit { _ in
                            let state = index % memory.count
                            locks.with(state) { memory.update(state, by: UInt64(index) &+ 1) }
                            last.arrive()
                        }
                    }
                    last.wait()
                }
            }
        }
    }
}
