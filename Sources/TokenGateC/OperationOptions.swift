//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CTokenGate
internal import TokenCore

extension OperationOptions {
    /// What C asks for; nil where that is nothing, so that the operation's tokens are plain ones.
    init?(_ options: tg_operation_options, _ body: Body) throws(Failure) {
        let whole = try limit(options.timeout, "timeout")
        let queue = try limit(options.queue_timeout, "queue_timeout")
        let run = try limit(options.run_timeout, "run_timeout")
        let retry = try given(options.retry).map { (policy) throws(Failure) in try RetryPolicy(policy, body) }
        let rate = try given(options.rate).map { (limit) throws(Failure) in try RateLimit(limit) }
        let breaker = try given(options.breaker).map { (breaker) throws(Failure) in CircuitBreaker(breaker) }
        let priority = try TokenPriority(number: options.priority)
        // Values out of their range are told where the guard is made.
        let concurrency = options.concurrency == 0 ? nil : Int(options.concurrency)
        let capacity = options.capacity == 0 ? nil : Int(options.capacity)
        guard let overload = OverloadPolicy(number: options.overload) else {
            throw Failure(TG_E_INVALID_ARGUMENT, "overload \(options.overload) is not TG_OVERLOAD_…")
        }
        if options.overload != 0, capacity == nil {
            throw Failure(TG_E_INVALID_ARGUMENT, "overload \(options.overload) is given, but no capacity")
        }
        if whole == nil, queue == nil, run == nil, retry == nil, rate == nil, breaker == nil, priority == nil,
            concurrency == nil, capacity == nil
        {
            return nil
        }
        self.init(
            retry: retry, queueTimeout: queue, runTimeout: run, timeout: whole, rate: rate, breaker: breaker,
            priority: priority, concurrency: concurrency, capacity: capacity, overload: overload)
    }
}

/// What a pointer within options points to, where it is not NULL.
private func given<Structure: Options>(_ pointer: UnsafePointer<Structure>?) throws(Failure) -> Structure? {
    pointer == nil ? nil : try Given(pointer).checked()
}

/// A time after which something ends: zero for none.
func limit(_ nanoseconds: Int64, _ name: StaticString) throws(Failure) -> Duration? {
    nanoseconds == 0 ? nil : try duration(nanoseconds, name)
}

extension TokenPriority {
    /// From `TG_PRIORITY_…`; nil for the default.
    init?(number: Int32) throws(Failure) {
        switch Int(number) {
        case TG_PRIORITY_DEFAULT: return nil
        case TG_PRIORITY_HIGH: self = .high
        case TG_PRIORITY_NORMAL: self = .normal
        case TG_PRIORITY_LOW: self = .low
        default: throw Failure(TG_E_INVALID_ARGUMENT, "priority \(number) is not TG_PRIORITY_…")
        }
    }
}

extension RetryPolicy {
    /// What C says; values out of their range are told where the guard is made.
    init(_ policy: tg_retry_policy, _ body: Body) throws(Failure) {
        self.init()
        if policy.attempts != 0 { attempts = Int(policy.attempts) }
        backOff = try .init(policy)
        switch policy.jitter {
        case 0: break
        case Double(TG_NONE): jitter = 0
        default: jitter = policy.jitter
        }
        deadline = try limit(policy.deadline, "retry: deadline")
        guard let isWorthIt = policy.is_retryable else { return }
        isRetryable = { error in
            // Bodies in C fail in no other way.
            guard let failure = error as? BodyFailure else { return false }
            var answer: Int32 = 0
            BodyFrame.outside {
                callingBack {
                    answer = withUnsafePointer(to: failure.outcome.value) { value in
                        isWorthIt(failure.status, value, body.data)
                    }
                }
            }
            return answer != 0
        }
    }
}

extension RetryPolicy.BackOff {
    init(_ policy: tg_retry_policy) throws(Failure) {
        func refuse(_ name: StaticString, _ value: some Numeric) throws(Failure) {
            guard value != 0 else { return }
            throw Failure(TG_E_INVALID_ARGUMENT, "retry: \(name) \(value) is given, but back_off is \(policy.back_off)")
        }
        let delay = Duration.nanoseconds(policy.delay == 0 ? 100_000_000 : policy.delay)
        switch Int(policy.back_off) {
        case TG_BACK_OFF_DEFAULT, TG_BACK_OFF_EXPONENTIAL:
            let longest = Duration.nanoseconds(policy.longest_delay == 0 ? 30_000_000_000 : policy.longest_delay)
            self = .exponential(from: delay, factor: policy.factor == 0 ? 2 : policy.factor, upTo: longest)
            return
        case TG_BACK_OFF_CONSTANT: self = .constant(delay)
        case TG_BACK_OFF_NONE:
            try refuse("delay", policy.delay)
            self = .none
        default:
            throw Failure(TG_E_INVALID_ARGUMENT, "retry: back_off \(policy.back_off) is not TG_BACK_OFF_…")
        }
        try refuse("longest_delay", policy.longest_delay)
        try refuse("factor", policy.factor)
    }
}

extension RateLimit {
    init(_ limit: tg_rate_limit) throws(Failure) {
        if limit.reserved != 0 { throw Failure(TG_E_INVALID_ARGUMENT, "rate: reserved \(limit.reserved) is not 0") }
        self.init(perSecond: limit.per_second, burst: limit.burst == 0 ? 1 : Int(limit.burst))
    }
}

extension CircuitBreaker {
    init(_ breaker: tg_circuit_breaker) {
        self.init()
        switch breaker.failure_rate {
        case 0: break
        case Double(TG_NONE): failureRate = 0
        default: failureRate = breaker.failure_rate
        }
        if breaker.minimum_runs != 0 { minimumRuns = Int(breaker.minimum_runs) }
        if breaker.probes != 0 { probes = Int(breaker.probes) }
        if breaker.window != 0 { window = .nanoseconds(breaker.window) }
        if breaker.cool_down != 0 { coolDown = .nanoseconds(breaker.cool_down) }
    }
}
