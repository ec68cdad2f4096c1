//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness
import Dispatch

/// `concurrentPerform`, which submits no single tasks.
struct W3Dispatch: Contender {
    let name = "Dispatch concurrentPerform"

    func measure(_ wave: Wave) async throws -> Sample {
        try await wave.measureBlocking {
            let slots = ResultSlots(wave.size)
            DispatchQueue.concurrentPerform(iterations: wave.size) { slots[$0] = wave.operation($0) }
            return slots.sum
        }
    }
}
