//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// How many threads of one crew should run at once: follows measured queue wait and blocked time.
///
/// A pure state machine: samples in, decisions out. It *votes* with each sample; a decision takes several votes in a row for the
/// same direction, that span some time, and never comes within the hold time of the one before.
///
/// The measure is the *demand*: how many threads' worth of the core the running bodies use, `active × (1 − blockedShare)`.
///
/// | vote | when |
/// |---|---|
/// | raise | tokens wait, the oldest for `queueWait` or longer, as many threads as allowed are active, and the demand is at most `idleDemand`: the core idles while tokens wait |
/// | lower, busy | as many threads as allowed are active, and the demand is above `busyDemand`: they take turns on the core |
/// | lower, unused | nothing waits, and fewer threads are active than allowed |
/// | keep | anything else, also where the blocked time is not known |
///
/// Raising goes from n to n + 1 at a demand of at most 1/2, so the demand is at most 1 after that, and below `busyDemand`: what
/// raised it does not lower it.
public struct Convergence: Sendable {
    /// What makes it vote and decide.
    public struct Settings: Sendable, Hashable {
        /// Nanoseconds that the oldest token has to wait for a vote to raise; default 5 ms.
        public var queueWait: Int64 = 5_000_000
        /// Demand up to which the core counts as idle; default 0.5.
        public var idleDemand = 0.5
        /// Demand above which threads are in each other's way; default 1.2.
        public var busyDemand = 1.2
        /// Votes in a row that raise; default 3, at least 1.
        public var votesToRaise = 3
        /// Nanoseconds that these have to span; default 20 ms.
        public var timeToRaise: Int64 = 20_000_000
        /// Votes in a row that lower; default 10, at least 1.
        public var votesToLower = 10
        /// Nanoseconds that these have to span; default 500 ms.
        public var timeToLower: Int64 = 500_000_000
        /// Nanoseconds between two changes at least; default 100 ms.
        public var hold: Int64 = 100_000_000

        /// The defaults.
        public init() {}
    }

    /// What was measured of a crew.
    public struct Sample: Sendable, Hashable {
        /// Threads that run, or are about to.
        public var active: Int
        /// How many may.
        public var target: Int
        /// How many may at most; less than 1 counts as 1.
        public var cap: Int
        /// Tokens that wait for a thread.
        public var queued: Int
        /// For how long the oldest of them has waited, in nanoseconds.
        public var oldestAge: Int64
        /// Share of the time since the last sample, 0…1, for which the running threads were blocked; nil where it is not known.
        public var blockedShare: Double?
        /// Monotonic nanoseconds.
        public var now: Int64

        /// Puts a sample together.
        public init(
            active: Int, target: Int, cap: Int, queued: Int, oldestAge: Int64, blockedShare: Double?, now: Int64
        ) {
            (self.active, self.target, self.cap, self.queued) = (active, target, cap, queued)
            (self.oldestAge, self.blockedShare, self.now) = (oldestAge, blockedShare, now)
        }

        /// Threads' worth of the core that the running bodies use; nil where it is not known.
        public var demand: Double? {
            guard let blockedShare, blockedShare.isFinite else { return nil }
            return Double(active) * (1 - min(max(blockedShare, 0), 1))
        }
    }

    /// Why a number is changed.
    ///
    /// New cases may be added in any version: switch with a `default`.
    public enum Reason: Sendable, Hashable {
        /// Tokens wait while the running bodies are blocked.
        case blocked
        /// The running bodies take turns on the core.
        case busy
        /// Nothing waits, and fewer threads are active than allowed.
        case unused
        /// The cap is lower than the number.
        case cap
    }

    /// What is to be done.
    public enum Decision: Sendable, Hashable {
        /// Nothing.
        case keep
        /// Let more threads run.
        case raise(to: Int, Reason)
        /// Let fewer threads run.
        case lower(to: Int, Reason)
    }

    private enum Vote { case keep, raise, lower }

    private let settings: Settings
    private var vote = Vote.keep
    private var votes = 0
    /// When the first of the votes in a row was given.
    private var since: Int64 = 0
    private var last: Int64 = .min
    private var lastChange: Int64?

    /// Makes a machine that has seen nothing.
    public init(_ settings: Settings = Settings()) { self.settings = settings }

    /// Forgets the votes: what comes next has no connection to what was.
    ///
    /// The hold time goes on.
    public mutating func reset() { (vote, votes) = (.keep, 0) }

    /// Takes a sample in.
    ///
    /// Time that goes back takes the votes with it.
    public mutating func decide(_ sample: Sample) -> Decision {
        let cap = max(1, sample.cap)
        let target = max(1, sample.target)
        if sample.now < last {
            reset()
            // Else a clock that jumped back would hold for as long as it jumped.
            if let change = lastChange, change > sample.now { lastChange = sample.now }
        }
        last = sample.now
        if target > cap { return change(.lower(to: cap, .cap), sample.now) }
        let (next, reason) = vote(on: sample, target, cap)
        if next != vote { (vote, votes, since) = (next, 0, sample.now) }
        votes += 1
        let span = sample.now &- since
        switch vote {
        case .keep: return .keep
        case .raise:
            guard votes >= settings.votesToRaise, span >= settings.timeToRaise else { return .keep }
            return change(.raise(to: target + 1, reason), sample.now)
        case .lower:
            guard votes >= settings.votesToLower, span >= settings.timeToLower else { return .keep }
            return change(.lower(to: target - 1, reason), sample.now)
        }
    }

    private func vote(on sample: Sample, _ target: Int, _ cap: Int) -> (Vote, Reason) {
        let isFull = sample.active >= target
        if isFull, target < cap, sample.queued > 0, sample.oldestAge >= settings.queueWait,
            let demand = sample.demand, demand <= settings.idleDemand
        {
            return (.raise, .blocked)
        }
        guard target > 1 else { return (.keep, .blocked) }
        if isFull, let demand = sample.demand, demand > settings.busyDemand { return (.lower, .busy) }
        if !isFull, sample.queued <= 0 { return (.lower, .unused) }
        return (.keep, .blocked)
    }

    /// A change, unless the last one was a moment ago.
    private mutating func change(_ decision: Decision, _ now: Int64) -> Decision {
        if let lastChange, now &- lastChange < settings.hold { return .keep }
        lastChange = now
        reset()
        return decision
    }
}
