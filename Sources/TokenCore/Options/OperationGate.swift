//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization

/// What the tokens of one operation share in one coordinator, where they ask for it: the rate's bucket, the breaker, the keys of
/// live tokens.
///
/// `state` is protected by its lock; nothing of the user's is called under it, and nothing settled.
package final class OperationGate: Sendable {
    private struct State {
        var bucket = TokenBucket()
        var breaker = BreakerState()
        var keys: [Key: AnyTaskToken] = [:]
    }
    private let state = Guarded(State())

    /// Keys of tokens with different results do not meet.
    struct Key: Hashable, Sendable {
        let text: String
        let result: ObjectIdentifier
    }

    /// The live token that has the key; nil where the new one has it now.
    func claim(_ key: Key, for token: AnyTaskToken) -> AnyTaskToken? {
        state.withLock { state in
            if let live = state.keys[key], !live.isSettled { return live }
            state.keys[key] = token
            return nil
        }
    }

    /// A token that had a key is settled.
    func release(_ key: Key, of token: AnyTaskToken) {
        let released = state.withLock { state in
            state.keys[key] === token ? state.keys.removeValue(forKey: key) : nil
        }
        _ = released  // freed outside the lock
    }

    func due(_ limit: RateLimit, now: Int64) -> Int64 { state.withLock { $0.bucket.due(limit, now: now) } }

    func admit(_ breaker: CircuitBreaker, now: Int64) -> BreakerState.Admission {
        state.withLock { $0.breaker.admit(breaker, now: now) }
    }

    /// - Returns: the phase, where it is another one now.
    func record(failed: Bool, wasProbe: Bool, _ breaker: CircuitBreaker, now: Int64) -> BreakerState.Phase? {
        state.withLock { state in
            state.breaker.record(failed: failed, wasProbe: wasProbe, breaker, now: now) ? state.breaker.phase : nil
        }
    }

    func abandonProbe() { state.withLock { $0.breaker.abandonProbe() } }

    /// Whether the breaker lets nobody in now.
    package func isOpen(now: Int64) -> Bool {
        state.withLock { if case .open(let until) = $0.breaker.phase { now < until } else { false } }
    }
}

/// A submitter that wants to know what options bring about.
package protocol GateObserver: TokenSubmitter {
    func gateDid(_ event: GateEvent)
}

/// What options have to tell of an operation.
package enum GateEvent: Sendable {
    case retrying(AnyTaskToken, attempt: Int, delay: Int64, error: String)
    case breakerOpened(Operation, for: Int64)
    case breakerHalfOpen(Operation)
    case breakerClosed(Operation)
}
