//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// W1: no-op tasks, each with a result of its own, submitted one by one by one thread, and gathered.
struct W1: Workload {
    let name = "w1"
    let title = "1,000,000 no-op tasks, each with its own result, one submitting thread, gathered"
    let metrics = [Metric("time a task", "ns", .lower)]

    var contenders: [any Contender<Int>] {
        [
            W1TokenGate(), W1TaskGroup(), W1Tasks(), W1TasksFromThread(), W1Dispatch(), W1ThreadPool(),
            W1ThreadPoolFutures(), W1OneTBB("oneTBB task_group", .group), W1OneTBB("oneTBB enqueue", .enqueue),
            W1OneTBB("oneTBB enqueue + std::future", .future),
        ] + W1External.all
    }

    func points(_ scale: Scale) -> [Point<Int>] {
        let count = scale.pick(1_000_000, quick: 50_000)
        return [Point("\(count) tasks", count)]
    }

    /// Task `i` gives `i + 1`.
    func checksum(_ count: Int) -> UInt64 { UInt64(count) * UInt64(count + 1) / 2 }
}
