//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// One operation, so many tasks submitted at once and gathered, so many times.
struct Wave: Waves {
    let operation: Operation
    let size: Int
    let repeats: Int

    /// The operation over all inputs of a wave, one after the other, on the calling thread.
    func serial() -> UInt64 { (0..<size).reduce(0) { $0 &+ operation($1) } }
}

/// W3: the four operations of Py-TokenGate's benchmark, in waves.
struct W3: Workload {
    let name = "w3"
    let title = "prime sum, string transform, list sort, SHA-256 chain, in waves of 8 to 65,536"
    let metrics = Wave.metrics

    var contenders: [any Contender<Wave>] {
        [W3TokenGate(), W3TokenGateBatch(), W3TaskGroup(), W3Dispatch(), W3ThreadPool(), W3OneTBB()]
    }

    func points(_ scale: Scale) -> [Point<Wave>] {
        Operation.allCases.flatMap { operation in
            scale.pick([8, 64, 512, 4_096, 65_536], quick: [8, 512]).map { size in
                let repeats = max(1, scale.pick(4_096, quick: 512) / size)
                return Point(
                    "\(operation.rawValue), waves of \(size)",
                    Wave(operation: operation, size: size, repeats: repeats))
            }
        }
    }

    func checksum(_ wave: Wave) -> UInt64 { wave.checksum }
}
