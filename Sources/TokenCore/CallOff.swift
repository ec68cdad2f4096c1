//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A wait for a place that may turn out to be for nothing: whoever waits with a key takes the token that gets that key meanwhile.
///
/// It is promised the token that has the key, under the lock of the keys, when that token can be seen and has its place, and called
/// off then. Whoever calls it off and whoever has something to be called may come in any order: the action is called once, by the
/// later one.
package final class CallOff: Sendable {
    private struct State {
        var token: AnyTaskToken?
        var isOff = false
        var action: (@Sendable () -> Void)?
    }
    private let state = Guarded(State())

    package var isOff: Bool { state.withLock { $0.isOff } }

    /// What there is in place of a place.
    var token: AnyTaskToken? { state.withLock { $0.token } }

    /// The first counts.
    func promise(_ token: AnyTaskToken) { state.withLock { if $0.token == nil { $0.token = token } } }

    func call() {
        let action = state.withLock { state in
            state.isOff = true
            return state.action.take()
        }
        action?()
    }

    /// Sets what is called when it is called off, in place of what was to be called before; at once where it is by now.
    package func whenOff(_ action: @escaping @Sendable () -> Void) {
        let isOff = state.withLock { state in
            if !state.isOff { state.action = action }
            return state.isOff
        }
        if isOff { action() }
    }
}
