//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch
import NIOPosix

/// `NIOThreadPool.submit` and a semaphore.
struct W2ThreadPool: Contender {
    let name = "NIOThreadPool + semaphore"

    func measure(_ trips: Trips) async throws -> Sample {
        try await withThreadPool { pool in
            try await onOwnThread {
                let slot = ResultSlots(1)
                let done = DispatchSemaphore(value: 0)
                return trips.measure { index in
                    pool.submit { _ in
                        slot[0] = UInt64(index) &+ 1
                        done.signal()
                    }
                    done.wait()
                    return slot[0]
                }
            }
        }
    }
}

/// `NIOThreadPool.runIfActive`, awaited.
struct W2ThreadPoolAsync: Contender {
    let name = "NIOThreadPool"

    func measure(_ trips: Trips) async throws -> Sample {
        try await withThreadPool { pool in
            try await trips.measure { index in try await pool.runIfActive { UInt64(index) &+ 1 } }
        }
    }
}
