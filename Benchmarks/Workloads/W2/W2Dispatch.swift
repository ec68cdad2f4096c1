//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch

/// The global queue and a semaphore.
struct W2Dispatch: Contender {
    let name = "DispatchQueue.global + semaphore"

    func measure(_ trips: Trips) async throws -> Sample {
        try await onOwnThread {
            let slot = ResultSlots(1)
            let done = DispatchSemaphore(value: 0)
            let queue = DispatchQueue.global()
            return trips.measure { index in
                queue.async {
                    slot[0] = UInt64(index) &+ 1
                    done.signal()
                }
                done.wait()
                return slot[0]
            }
        }
    }
}

/// The global queue and a continuation.
struct W2DispatchAsync: Contender {
    let name = "DispatchQueue.global + continuation"

    func measure(_ trips: Trips) async throws -> Sample {
        let queue = DispatchQueue.global()
        return try await trips.measure { index in
            await withUnsafeContinuation { continuation in
                queue.async { continuation.resume(returning: UInt64(index) &+ 1) }
            }
        }
    }
}
