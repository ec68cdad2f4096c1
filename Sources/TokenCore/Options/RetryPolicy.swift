//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// When a body that threw is run again, as the same token.
///
/// ```swift
/// let fetch = TaskTokenGuard(
///     "fetch", options: OperationOptions(retry: RetryPolicy(attempts: 4, backOff: .exponential(from: .milliseconds(50))))
/// ) { (url: String) throws in try download(url) }
/// ```
/// Between attempts the token waits without a worker. It keeps its anchor, its turn and its permit, as an async body does while it
/// is suspended; it counts as executing. A token that is killed, or times out, is not tried again.
/// While its coordinator stops it is tried again as long as there is time; where the next attempt would come later than that, it
/// settles at once with `coordinatorStopped`.
///
/// Run: `Examples/Retries`.
public struct RetryPolicy: Sendable {
    /// How long to wait between two attempts.
    public struct BackOff: Sendable, Hashable {
        enum Kind: Sendable, Hashable {
            case constant(Duration)
            case exponential(first: Duration, factor: Double, most: Duration)
        }
        let kind: Kind

        /// No time.
        public static let none = BackOff(kind: .constant(.zero))

        /// Always the same time: zero and more.
        public static func constant(_ delay: Duration) -> BackOff { BackOff(kind: .constant(delay)) }

        /// A time that grows by a factor with each attempt.
        ///
        /// - Parameters:
        ///   - first: before the second attempt; more than zero.
        ///   - factor: 1…1,000; 2 by default.
        ///   - most: the longest; 30 s by default, not below `first`.
        public static func exponential(
            from first: Duration, factor: Double = 2, upTo most: Duration = .seconds(30)
        ) -> BackOff { BackOff(kind: .exponential(first: first, factor: factor, most: most)) }
    }

    /// Attempts in all, the first one included: 1…1,000.
    public var attempts: Int
    /// How long to wait between them.
    public var backOff: BackOff
    /// Which share of that time is random, 0…1.
    ///
    /// 1, the default, is "full jitter": any time between zero and the back-off, so that many that failed together do not come back
    /// together (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    public var jitter: Double
    /// No attempt begins later than this after the first one began; nil (the default) for no limit.
    public var deadline: Duration?
    /// Whether an error is worth another attempt; by default every one but `CancellationError`.
    public var isRetryable: @Sendable (any Error) -> Bool

    /// A policy; see the properties.
    public init(
        attempts: Int = 3, backOff: BackOff = .exponential(from: .milliseconds(100)), jitter: Double = 1,
        deadline: Duration? = nil,
        isRetryable: @escaping @Sendable (any Error) -> Bool = { !($0 is CancellationError) }
    ) {
        self.attempts = attempts
        self.backOff = backOff
        self.jitter = jitter
        self.deadline = deadline
        self.isRetryable = isRetryable
    }

    /// What is wrong with it, if anything.
    var problem: TokenError? {
        func wrong(_ what: String) -> TokenError { TokenError(.invalidArgument, "retry: \(what)") }
        if !(1...1_000).contains(attempts) { return wrong("attempts \(attempts) is outside 1...1000") }
        if !(0...1).contains(jitter) { return wrong("jitter \(jitter) is outside 0...1") }
        if let deadline, deadline <= .zero { return wrong("the deadline \(deadline) is not positive") }
        switch backOff.kind {
        case .constant(let delay): return delay < .zero ? wrong("the back-off \(delay) is negative") : nil
        case .exponential(let first, let factor, let most):
            if first <= .zero { return wrong("the first back-off \(first) is not positive") }
            if !(1...1_000).contains(factor) { return wrong("the factor \(factor) is outside 1...1000") }
            return most < first ? wrong("the longest back-off \(most) is below the first, \(first)") : nil
        }
    }

    /// How long to wait after so many attempts failed, in nanoseconds.
    ///
    /// - Parameter random: 0…1, the same chance for each.
    func delay(after failed: Int, random: Double) -> Int64 {
        let whole: Double =
            switch backOff.kind {
            case .constant(let delay): Double(Int64(clampedAdding: delay, to: 0))
            case .exponential(let first, let factor, let most):
                min(
                    Double(Int64(clampedAdding: first, to: 0)) * power(factor, failed - 1),
                    Double(Int64(clampedAdding: most, to: 0)))
            }
        let delay = whole * (1 - jitter) + whole * jitter * random
        return delay < 9e18 ? Int64(delay) : .max
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        for _ in 0..<exponent where result < 1e19 { result *= base }
        return result
    }
}
