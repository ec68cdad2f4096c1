//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization

/// What a guard hands its tokens to: a coordinator, or an executor of one's own.
///
/// The smallest one runs each token where it likes:
/// ```swift
/// final class Inline: TokenSubmitter {
///     let realm = TokenRealm(origin: 1)
///     init() { realm.attach(self) }  // until `realm.detach()`: so that tokens find it
///     func submit(_ token: AnyTaskToken, claim: PlacementClaim) {
///         token.assignNumber(in: realm)
///         Thread.detachNewThread { token.run() }
///     }
/// }
/// ```
/// It may hand a token that it has not numbered on to one other submitter, once.
///
/// Promise: a submitted token settles, at the latest when its submitter goes away.
public protocol TokenSubmitter: AnyObject, Sendable {
    /// The identity that all tokens of this submitter share.
    var realm: TokenRealm { get }

    /// Takes a fresh token. Called on the submitting thread; must not run the body there.
    ///
    /// - Parameters:
    ///   - token: the token; its tags are set, its number is not (`token.assignNumber(in:)`).
    ///   - claim: what it says about where it wants to run.
    func submit(_ token: AnyTaskToken, claim: PlacementClaim)

    /// Takes on a token that will be submitted later, when what it waits for is done: numbers and counts it.
    func reserve(_ token: AnyTaskToken)

    /// A token was settled by someone who is not running it. Called once, on that thread, before waiters are told.
    ///
    /// - Parameters:
    ///   - token: the token.
    ///   - state: what it was before.
    func tokenDidSettle(_ token: AnyTaskToken, from state: TokenState)

    /// A token was settled by `kill()`, by itself: lets go of what it holds while it waits. Called after `tokenDidSettle`.
    func tokenWasKilled(_ token: AnyTaskToken)

    /// A token was settled while it stood in a mailbox: lets go of what it holds. Called after the waiters were told.
    func tokenDiedInMailbox(_ token: AnyTaskToken)

    /// Blocks the calling thread, which runs a body of this submitter, until `token` settles.
    ///
    /// - Parameter deadline: monotonic nanoseconds; nil: without limit.
    /// - Returns: false when the deadline passed first.
    func blockBody(until token: AnyTaskToken, deadline: Int64?) -> Bool

    /// The calling thread, which has submitted tokens, is about to wait for one: wake-ups that were put off are due.
    func callerWaits()

    /// Whether the submitter has begun to stop.
    var isDraining: Bool { get }

    /// When a stop that has begun settles what is left, in monotonic nanoseconds; nil while there is none.
    var stopDeadline: Int64? { get }
}

extension TokenSubmitter {
    /// Numbers it.
    public func reserve(_ token: AnyTaskToken) { token.assignNumber(in: realm) }

    /// Counts nothing.
    public func tokenDidSettle(_ token: AnyTaskToken, from state: TokenState) {}

    /// Nothing.
    public func tokenWasKilled(_ token: AnyTaskToken) {}

    /// Nothing.
    public func tokenDiedInMailbox(_ token: AnyTaskToken) {}

    /// Parks the thread.
    public func blockBody(until token: AnyTaskToken, deadline: Int64?) -> Bool {
        token.parkUntilSettled(deadline: deadline)
    }

    /// Nothing.
    public func callerWaits() {}

    /// Never.
    public var isDraining: Bool { false }

    /// None.
    public var stopDeadline: Int64? { nil }
}

/// What a token says about where it wants to run.
public enum PlacementClaim {
    /// Anywhere.
    case free
    /// Where its anchor is: the bytes of the key, not empty, valid during the submission only.
    case anchor(UnsafeRawBufferPointer)
    /// Somewhere of its own, with all its descendants: the operation types that it calls.
    case lead(externalCalls: [String])
}

/// What all tokens of one submitter share, in an object that is never freed (a few dozen bytes a submitter), so tokens
/// may outlive their submitter and still tell their id.
public final class TokenRealm: Sendable {
    /// The first half of every token id made here.
    public let origin: UInt64

    /// The submitter runs its tokens itself: nobody else may.
    package let runsItsTokens: Bool

    /// Makes what is to happen at a time to its tokens; made on first use, since most need none.
    private let makeTimers: @Sendable () -> TimerQueue
    private let timerQueue = Guarded<TimerQueue?>(nil)

    // By the operation's number. Protected by its lock.
    private let gates = Guarded<[Int: OperationGate]>([:])
    private let numbers = Atomic<UInt64>(0)
    // Keeps every realm reachable for the life of the process. Protected by its lock.
    private static let all = Guarded<[TokenRealm]>([])
    // Protected by its lock; read only when something is settled by others than its worker.
    private let attached = Guarded<(any TokenSubmitter)?>(nil)

    /// Makes the realm of a submitter.
    ///
    /// - Parameter origin: unique to the submitter; coordinators draw it at random.
    public convenience init(origin: UInt64) {
        self.init(origin: origin, runsItsTokens: false, timers: TimerQueue.onThread)
    }

    package init(
        origin: UInt64, runsItsTokens: Bool, timers: @escaping @Sendable () -> TimerQueue
    ) {
        self.origin = origin
        self.runsItsTokens = runsItsTokens
        makeTimers = timers
        Self.all.withLock { $0.append(self) }
    }

    /// Names the submitter to whom settled tokens are reported, until `detach`: it is held, so that it cannot be gone
    /// while a token of it lives.
    public func attach(_ submitter: any TokenSubmitter) { attached.withLock { $0 = submitter } }

    /// All tokens of the submitter are settled: lets it go.
    public func detach() {
        let before = attached.withLock { submitter in
            let before = submitter
            submitter = nil
            return before
        }
        _ = before  // freed outside the lock
    }

    /// Whom to tell; nil once it is detached.
    package var submitter: (any TokenSubmitter)? { attached.withLock { $0 } }

    /// What is to happen at a time to its tokens.
    package var timers: TimerQueue {
        timerQueue.withLock { queue in
            if let queue { return queue }
            let made = makeTimers()
            queue = made
            return made
        }
    }

    /// Nothing happens at any time any more.
    package func closeTimers() { timers.close() }

    /// Tells the submitter what options have brought about.
    func tell(_ event: GateEvent) { (submitter as? any GateObserver)?.gateDid(event) }

    /// What the tokens of an operation share, made on first use.
    package func gate(of operation: Operation) -> OperationGate {
        gates.withLock { gates in
            if let gate = gates[operation.index] { return gate }
            let gate = OperationGate()
            gates[operation.index] = gate
            return gate
        }
    }

    /// The same, where there is one.
    package func existingGate(of operation: Operation) -> OperationGate? {
        gates.withLock { $0[operation.index] }
    }

    /// The next number, for submitters that do not count their own.
    public func nextNumber() -> UInt64 { numbers.add(1, ordering: .relaxed).newValue }
}

extension AnyTaskToken {
    /// Takes a submitter on: its realm, and the realm's next number.
    ///
    /// A token that was reserved has both already, and keeps them. A coordinator numbers its tokens itself: in its realm nothing
    /// is assigned.
    public func assignNumber(in realm: TokenRealm) {
        if self.realm != nil || realm.runsItsTokens { return }
        self.realm = realm
        sequence = realm.nextNumber()
    }
}
