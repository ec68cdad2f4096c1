//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import NIOCore
import NIOPosix

/// `NIOThreadPool.submit`.
struct W1ThreadPool: Contender {
    let name = "NIOThreadPool submit"

    func measure(_ count: Int) async throws -> Sample {
        try await withThreadPool { pool in
            try await timedOnThread(count) {
                let slots = ResultSlots(count)
                let last = LastOne(count)
                for number in 0..<count {
                    pool.submit { _ in
                        slots[number] = UInt64(number) &+ 1
                        last.arrive()
                    }
                }
                last.wait()
                return slots.sum
            }
        }
    }
}

/// `NIOThreadPool.runIfActive` with one future a task.
struct W1ThreadPoolFutures: Contender {
    let name = "NIOThreadPool futures"

    func measure(_ count: Int) async throws -> Sample {
        try await withThreadPool { pool in
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            return try await timedOnThread(count) {
                let futures = (0..<count).map { number in
                    pool.runIfActive(eventLoop: loop) { UInt64(number) &+ 1 }
                }
                return try EventLoopFuture.whenAllSucceed(futures, on: loop).wait().reduce(0, &+)
            }
        }
    }
}
