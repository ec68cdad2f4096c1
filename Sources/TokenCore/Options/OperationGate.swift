//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Synchronization

/// What the tokens of one operation share in one coordinator, where they ask for it: the rate's bucket, the breaker, the keys of
/// live tokens.
///
/// `state` is protected by its lock; nothing of the user's is called under it, and nothing settled.
package final class OperationGate: Sendable {
    private struct State {
        var bucket = TokenBucket()
        var breaker = BreakerState()
        var keys: [Key: Entry] = [:]
        /// Who waits for a place with a key.
        var waits: [Key: [ObjectIdentifier: CallOff]] = [:]
        var limits: Set<OperationLimits> = []
    }
    private let state = Guarded(State())

    /// Keys of tokens with different results do not meet.
    struct Key: Hashable, Sendable {
        let text: String
        let result: ObjectIdentifier
    }

    private struct Entry {
        let token: AnyTaskToken
        /// Until then the thread that submits it alone may see it.
        var isLaunched = false
        /// That thread: a callback that is called within the submission may ask for the same key.
        let submitter = UInt(bitPattern: thisThread)
        /// To the calling thread.
        var isVisible: Bool { isLaunched || submitter == UInt(bitPattern: thisThread) }
        /// Until it is launched nobody but its own thread sees that it is settled.
        var isLive: Bool { !token.isSettled || !isVisible }
    }

    /// The live token that has the key, or that had it while the caller waited for a place; nil where the new one has it now, to be
    /// launched at once.
    func claim(_ key: Key, for token: AnyTaskToken, unless wait: CallOff? = nil) -> AnyTaskToken? {
        while true {
            let (found, isLaunched, old): (AnyTaskToken?, Bool, Entry?) = state.withLock { state in
                // Also where it is settled by now: its work was done while the caller waited.
                if let promised = wait?.token { return (promised, true, nil) }
                let entry = state.keys[key]
                if let entry, entry.isLive { return (entry.token, entry.isVisible, entry) }
                state.keys[key] = Entry(token: token)
                return (nil, true, entry)
            }
            _ = old  // freed outside the lock
            if isLaunched { return found }
            // Another thread is submitting it at this moment.
            tge_yield()
        }
    }

    /// The token that claimed a key can be seen.
    ///
    /// Those who wait with the key are promised it, unless it was refused for want of a place: they have more patience.
    func didLaunch(_ key: Key, _ token: AnyTaskToken) {
        let waits = state.withLock { state -> [CallOff] in
            guard state.keys[key]?.token === token else { return [] }
            state.keys[key]?.isLaunched = true
            let waits = token.isRefusedForWantOfPlace ? [] : Array((state.waits[key] ?? [:]).values)
            for wait in waits { wait.promise(token) }
            if token.isSettled { state.keys[key] = nil }
            return waits
        }
        for wait in waits { wait.call() }
    }

    /// Has a wait called off when a token gets the key; at once where a live one has it.
    func callOff(_ wait: CallOff, at key: Key) {
        let isOff = state.withLock { state in
            state.waits[key, default: [:]][ObjectIdentifier(wait)] = wait
            // Within the submission of that one, by a callback, its end must not be waited for.
            guard let entry = state.keys[key], entry.isVisible, entry.isLive else { return false }
            wait.promise(entry.token)
            return true
        }
        if isOff { wait.call() }
    }

    /// The wait is over.
    func forget(_ wait: CallOff, at key: Key) {
        state.withLock { state in
            state.waits[key]?[ObjectIdentifier(wait)] = nil
            if state.waits[key]?.isEmpty == true { state.waits[key] = nil }
        }
    }

    /// A token that had a key is settled.
    func release(_ key: Key, of token: AnyTaskToken) {
        let released = state.withLock { state -> Entry? in
            // Until it is launched those who wait with the key have not been promised it.
            guard let entry = state.keys[key], entry.token === token, entry.isLaunched else { return nil }
            return state.keys.removeValue(forKey: key)
        }
        _ = released  // freed outside the lock
    }

    /// How many keys live tokens have.
    package var keyCount: Int { state.withLock { $0.keys.count } }

    /// Whether the submitter has been told of these limits.
    func isTold(_ limits: OperationLimits) -> Bool { state.withLock { $0.limits.contains(limits) } }

    /// It has: who finds that may rely on the limits.
    func didTell(_ limits: OperationLimits) { state.withLock { _ = $0.limits.insert(limits) } }

    func due(_ limit: RateLimit, now: Int64) -> Int64 { state.withLock { $0.bucket.due(limit, now: now) } }

    func admit(_ breaker: CircuitBreaker, now: Int64) -> BreakerState.Admission {
        state.withLock { $0.breaker.admit(breaker, now: now) }
    }

    /// - Returns: the phase, where it is another one now.
    func record(failed: Bool, probe: Int?, _ breaker: CircuitBreaker, now: Int64) -> BreakerState.Phase? {
        state.withLock { state in
            state.breaker.record(failed: failed, probe: probe, breaker, now: now) ? state.breaker.phase : nil
        }
    }

    func abandon(probe: Int) { state.withLock { $0.breaker.abandon(probe: probe) } }

    /// What the breaker does at a time.
    package func breaker(now: Int64) -> BreakerStanding {
        switch state.withLock({ $0.breaker.phase }) {
        case .closed: .closed
        case .open(let until): now < until ? .open : .halfOpen(letsIn: true)
        case .halfOpen(let left, _, _): .halfOpen(letsIn: left > 0)
        }
    }
}

/// What a breaker does: half open it lets some in, to try, until as many as may have not returned yet.
package enum BreakerStanding: Sendable, Equatable {
    case closed, open
    case halfOpen(letsIn: Bool)

    package var isHalfOpen: Bool { if case .halfOpen = self { true } else { false } }
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
