//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TokenCore

@testable import Coordinator

/// Thread clocks that say what they are told, the same of every thread, beside a clock that is moved.
final class FakeThreadClocks: ThreadClocks {
    private struct State {
        var usage = ThreadUsage(ran: 0, waited: 0)
        var isRunnable: Bool? = false
        var isReadable = true
    }
    private let state = Guarded(State())
    let time: ManualTime

    init(_ time: ManualTime) { self.time = time }

    func usage(of tid: Int32) -> ThreadUsage? { state.withLock { $0.isReadable ? $0.usage : nil } }
    func isRunnable(_ tid: Int32) -> Bool? { state.withLock { $0.isRunnable } }

    func set(isRunnable: Bool?) { state.withLock { $0.isRunnable = isRunnable } }
    func set(isReadable: Bool) { state.withLock { $0.isReadable = isReadable } }

    /// Lets time pass, of which all threads run one share, wait for a CPU another, and are blocked for the rest.
    func pass(_ span: Duration, running: Double, waiting: Double = 0) {
        let nanoseconds = Double(span / .nanoseconds(1))
        state.withLock {
            $0.usage.ran += Int64(nanoseconds * running)
            $0.usage.waited += Int64(nanoseconds * waiting)
        }
        time.advance(by: span)
    }
}
