//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import NIOPosix

/// `NIOThreadPool.submit` a call.
struct W3ThreadPool: Contender {
    let name = "NIOThreadPool submit"

    func measure(_ wave: Wave) async throws -> Sample {
        try await withThreadPool { pool in
            try await wave.measureBlocking {
                let slots = ResultSlots(wave.size)
                let last = LastOne(wave.size)
                for input in 0..<wave.size {
                    pool.submit { _ in
                        slots[input] = wave.operation(input)
                        last.arrive()
                    }
                }
                last.wait()
                return slots.sum
            }
        }
    }
}
