//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// How many tokens of an operation may become due in a time: a token bucket.
///
/// Tokens beyond it wait without a worker, in the order in which they were submitted. All guards of one name that state a rate share the
/// bucket of their coordinator; each token is held to the numbers of its own guard. A token has its share from when it waits for nothing but
/// its rate, whatever becomes of it: one that is killed then does not give it back.
///
/// Run: `Examples/Schedules`.
public struct RateLimit: Sendable, Hashable {
    /// Tokens a second in the long run: at most 1,000,000,000, and at least `burst` in 2,000,000,000 s.
    public var perSecond: Double
    /// Tokens at once after a time without any: 1…1,000,000; 1 by default.
    public var burst: Int

    /// A limit; see the properties.
    public init(perSecond: Double, burst: Int = 1) {
        self.perSecond = perSecond
        self.burst = burst
    }

    /// What is wrong with it, if anything.
    var problem: TokenError? {
        if !(perSecond > 0 && perSecond <= 1e9) {
            return TokenError(.invalidArgument, "rate: perSecond \(perSecond) is not above 0, or above 1000000000")
        }
        if !(1...1_000_000).contains(burst) {
            return TokenError(.invalidArgument, "rate: burst \(burst) is outside 1...1000000")
        }
        if Double(burst) / perSecond > 2e9 {
            return TokenError(
                .invalidArgument,
                "rate: a burst of \(burst) at perSecond \(perSecond) takes more than 2000000000 s to come back")
        }
        return nil
    }
}

/// The bucket: the generic cell rate algorithm (ITU-T I.371), which keeps one time in place of a count.
struct TokenBucket: Sendable {
    /// When the next would be due if there were no burst.
    private var next: Int64 = .min / 2

    /// When a token is due that comes now: now, or later.
    mutating func due(_ limit: RateLimit, now: Int64) -> Int64 {
        let interval = max(1, Int64(min(1e9 / limit.perSecond, 4e18)))
        let credit = Int64(limit.burst - 1).multipliedReportingOverflow(by: interval)
        let earliest = max(next, now - (credit.overflow ? .max / 4 : min(credit.partialValue, .max / 4)))
        next = earliest.addingReportingOverflow(interval).overflow ? .max : earliest + interval
        return max(now, earliest)
    }
}
