//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Dispatch
import Synchronization

/// Counts who is inside, and how many there were at once.
final class Gauge: Sendable {
    private let state = Mutex((now: 0, peak: 0))

    /// Most at once so far.
    var peak: Int { state.withLock { $0.peak } }

    /// One more is inside.
    func enter() {
        state.withLock { state in
            state.now += 1
            state.peak = max(state.peak, state.now)
        }
    }

    /// One has left.
    func leave() { state.withLock { $0.now -= 1 } }
}

/// Blocks its thread for 20 ms, as a write to a slow disk would.
func blockLikeADisk() { _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(20)) }
