//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What an operation asks for beyond its tags; a guard without options pays nothing for them.
///
/// ```swift
/// let charge = TaskTokenGuard(
///     "charge", storage: .slow,
///     options: OperationOptions(retry: RetryPolicy(attempts: 5), timeout: .seconds(20), breaker: CircuitBreaker())
/// ) { (order: String) throws in try book(order) }
/// ```
/// All of them in one call: Docs/Options.md. Run: `Examples/Retries`, `Deadlines`, `Schedules`, `Breaker`, `Overload`, `Limits`, `Context`.
///
/// Values out of their range are told by `TaskTokenGuard.validate()`, and settle the guard's tokens with `invalidArgument`.
public struct OperationOptions: Sendable {
    /// Runs bodies that threw again; nil (the default): not.
    public var retry: RetryPolicy?
    /// How long a token may be on its way to a worker, from the moment it is due; then it settles with `timedOut`, and never
    /// runs.
    ///
    /// More than zero; nil (the default) for no limit.
    public var queueTimeout: Duration?
    /// How long a body may run, retries and the time between them included; then its token settles with `timedOut`.
    ///
    /// More than zero; nil (the default) for no limit. The body is asked to end (`TokenContext.isCancelled`); what it returns later is
    /// counted and dropped.
    public var runTimeout: Duration?
    /// How long a token may live, from its submission, whatever it does; then it settles with `timedOut`.
    ///
    /// More than zero; nil (the default) for no limit.
    public var timeout: Duration?
    /// How many may become due in a time; nil (the default) for no limit.
    public var rate: RateLimit?
    /// Keeps calls from an operation that fails nearly always; nil (the default): not.
    public var breaker: CircuitBreaker?
    /// How urgent its tokens are where they stand in line; nil (the default): as their lead, else normal.
    public var priority: TokenPriority?
    /// How many of the operation's tokens may have begun and not ended at a time: 1…65,536; nil (the default) for no limit.
    ///
    /// Those that wait for tokens do not count meanwhile, and the others wait without a worker (Docs/Limits.md). All guards of
    /// one name share it, also those that do not state it; where they differ the first holds, until
    /// `OperationsCoordinator.setConcurrencyLimit(_:of:)` says otherwise.
    public var concurrency: Int?
    /// How many live tokens of the operation a coordinator bears, those of descendants of bodies aside: 1…1,000,000,000; nil (the
    /// default) for no limit.
    ///
    /// All guards of one name share it; the one that is stated first holds (Docs/Capacity.md).
    public var capacity: Int?
    /// What becomes of those that come on top of `capacity`; `suspend` by default.
    public var overload: OverloadPolicy

    /// What tokens bring along from where they are submitted; nothing by default.
    public var context: ContextPolicy
    /// Whether the cancellation of a task that awaits a token's `value` kills the token, whoever else waits for it.
    ///
    /// False (the default): the cancellation ends that wait alone. Awaits that cannot throw (`result`, `settled()`, a `gather` of an
    /// array) go on in a cancelled task, and kill nothing.
    public var cancelsTokenOnCancel: Bool

    /// Options; see the properties.
    public init(
        retry: RetryPolicy? = nil, queueTimeout: Duration? = nil, runTimeout: Duration? = nil, timeout: Duration? = nil,
        rate: RateLimit? = nil, breaker: CircuitBreaker? = nil, priority: TokenPriority? = nil,
        concurrency: Int? = nil, capacity: Int? = nil, overload: OverloadPolicy = .suspend,
        context: ContextPolicy = .none, cancelsTokenOnCancel: Bool = false
    ) {
        self.retry = retry
        self.queueTimeout = queueTimeout
        self.runTimeout = runTimeout
        self.timeout = timeout
        self.rate = rate
        self.breaker = breaker
        self.priority = priority
        self.concurrency = concurrency
        self.capacity = capacity
        self.overload = overload
        self.context = context
        self.cancelsTokenOnCancel = cancelsTokenOnCancel
    }

    /// What the coordinator is to hold the operation to; nil where there is nothing.
    var limits: OperationLimits? {
        concurrency == nil && capacity == nil
            ? nil : OperationLimits(concurrency: concurrency, capacity: capacity, overload: overload)
    }

    /// What is wrong with them, if anything.
    @usableFromInline
    var problem: TokenError? {
        if capacity == nil, overload != .suspend {
            return TokenError(.invalidArgument, "the overload policy \(overload) is stated, but no capacity")
        }
        if let problem = retry?.problem ?? rate?.problem ?? breaker?.problem ?? limits?.problem { return problem }
        for (name, time) in [("queueTimeout", queueTimeout), ("runTimeout", runTimeout), ("timeout", timeout)] {
            if let time, time <= .zero { return TokenError(.invalidArgument, "\(name) \(time) is not positive") }
        }
        return nil
    }

    /// Whether tokens have to do with what others of their operation did.
    var needGate: Bool { rate != nil || breaker != nil || limits != nil }
}

/// What one call asks for; made by `TaskTokenGuard.with(…)`.
public struct CallOptions: Sendable {
    /// What becomes of a token that was to come after one that did not complete.
    public enum AfterFailure: Sendable, Hashable {
        /// It settles with `dependencyFailed`, whose cause is the other's error, and never runs.
        case fail
        /// It runs all the same.
        case run
    }

    /// How long to wait before it is due.
    var delay: Duration?
    /// When it is due, in place of a delay.
    var instant: ContinuousClock.Instant?
    /// The delay, measured now.
    var remaining: Duration? {
        guard let instant else { return delay }
        let now = ContinuousClock.now
        // A difference to the earliest there is would overflow.
        return instant <= now ? .zero : now.duration(to: instant)
    }
    /// Tokens to wait for.
    var after: [AnyTaskToken] = []
    /// Whether it waits for its time, or for others, before it needs a place.
    var waitsFirst: Bool { !after.isEmpty || (remaining ?? .zero) > .zero }
    /// It did when its caller was about to wait for a place: so it is still held, though its time may have come since.
    var isDeferred = false
    var afterFailure = AfterFailure.fail
    /// How long it may live, from its submission.
    var timeout: Duration?
    /// Makes two calls one while the first is alive.
    var key: String?
    /// Each scalar of it stands for a byte.
    var isKeyOfBytes = false

    /// What is wrong with them, if anything.
    var problem: TokenError? {
        if let delay, delay < .zero { return TokenError(.invalidArgument, "the delay \(delay) is negative") }
        if let timeout, timeout <= .zero {
            return TokenError(.invalidArgument, "the timeout \(timeout) is not positive")
        }
        guard let key else { return nil }
        let length = isKeyOfBytes ? key.unicodeScalars.count : key.utf8.count
        if (1...Self.longestKey).contains(length) { return nil }
        return TokenError(
            .invalidArgument, "the key \"\(key.prefix(40))\" has \(length) bytes, not 1...\(Self.longestKey)")
    }

    private static let longestKey = 1_024
}
