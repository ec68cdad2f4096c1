//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Keeps calls from an operation that fails nearly always, until it has shown that it works again.
///
/// While it is open, submissions settle at once with `operationBlocked`, so that what is broken gets rest, and callers an answer.
/// After `coolDown` it is half open: `probes` tokens may try; if they all return it closes, if one throws it opens again
/// (M. Nygard, *Release It!*, 2007). A body that throws has failed, and one whose token timed out meanwhile; killed and discarded tokens do
/// not count. All guards of one name that state a breaker share the window of
/// their coordinator; the calls of one that states none are neither blocked nor counted.
///
/// Run: `Examples/Breaker`.
public struct CircuitBreaker: Sendable, Hashable {
    /// It opens where more than this share of the runs in the window failed: 0…1, below 1; 0.9 by default.
    public var failureRate: Double
    /// Below so many runs in the window it does not open: 1…1,000,000; 10 by default.
    public var minimumRuns: Int
    /// How far back it looks: more than zero; 60 s by default.
    public var window: Duration
    /// How long it stays open before it lets tokens try: more than zero; 30 s by default.
    public var coolDown: Duration
    /// How many try: 1…1,000; 1 by default.
    public var probes: Int

    /// A breaker; see the properties.
    public init(
        failureRate: Double = 0.9, minimumRuns: Int = 10, window: Duration = .seconds(60),
        coolDown: Duration = .seconds(30), probes: Int = 1
    ) {
        self.failureRate = failureRate
        self.minimumRuns = minimumRuns
        self.window = window
        self.coolDown = coolDown
        self.probes = probes
    }

    /// What is wrong with it, if anything.
    var problem: TokenError? {
        func wrong(_ what: String) -> TokenError { TokenError(.invalidArgument, "breaker: \(what)") }
        if !(failureRate >= 0 && failureRate < 1) { return wrong("failureRate \(failureRate) is outside 0..<1") }
        if !(1...1_000_000).contains(minimumRuns) { return wrong("minimumRuns \(minimumRuns) is outside 1...1000000") }
        if window <= .zero { return wrong("the window \(window) is not positive") }
        if coolDown <= .zero { return wrong("the cool-down \(coolDown) is not positive") }
        return (1...1_000).contains(probes) ? nil : wrong("probes \(probes) is outside 1...1000")
    }
}

/// A breaker as a machine: every input brings the time and the settings.
struct BreakerState: Sendable {
    enum Phase: Sendable, Equatable {
        case closed
        case open(until: Int64)
        /// So many more may try; so many have returned, of those wanted.
        case halfOpen(left: Int, returned: Int, wanted: Int)
    }

    enum Admission: Sendable, Equatable {
        case yes
        /// It is one of those that try, in the try of this number.
        case probe(Int)
        /// Until a time, or, where that is nil, until those that try have returned.
        case no(until: Int64?)
    }

    private(set) var phase = Phase.closed
    /// Numbers the times that it was half open: who tried in an earlier one says nothing of this one.
    private var episode = 0
    /// Of a slice, in nanoseconds, as the first of the guards wants it.
    private var sliceLength: Int64 = 0
    /// Runs in ten parts of the window, the newest part in `slice`.
    private var slices = [(runs: Int, failures: Int)](repeating: (0, 0), count: Self.sliceCount)
    private var slice: Int64 = 0
    private static let sliceCount = 10

    /// A token comes.
    mutating func admit(_ breaker: CircuitBreaker, now: Int64) -> Admission {
        switch phase {
        case .closed: return .yes
        case .open(let until):
            if now < until { return .no(until: until) }
            episode += 1
            phase = .halfOpen(left: breaker.probes - 1, returned: 0, wanted: breaker.probes)
            return .probe(episode)
        case .halfOpen(let left, let returned, let wanted):
            if left == 0 { return .no(until: nil) }
            phase = .halfOpen(left: left - 1, returned: returned, wanted: wanted)
            return .probe(episode)
        }
    }

    /// A run has ended.
    ///
    /// - Returns: whether that changed the phase.
    mutating func record(failed: Bool, probe: Int?, _ breaker: CircuitBreaker, now: Int64) -> Bool {
        let before = phase
        switch phase {
        case .closed:
            advance(breaker, now)
            let place = Int(slice % Int64(Self.sliceCount))
            slices[place].runs += 1
            if failed { slices[place].failures += 1 }
            let runs = slices.reduce(0) { $0 + $1.runs }
            let failures = slices.reduce(0) { $0 + $1.failures }
            if failed, runs >= breaker.minimumRuns, Double(failures) > breaker.failureRate * Double(runs) {
                open(breaker, now)
            }
        case .halfOpen(let left, let returned, let wanted):
            // What began before it opened says nothing of now.
            if probe != episode { break }
            if failed {
                open(breaker, now)
            } else if returned + 1 >= wanted {
                close()
            } else {
                phase = .halfOpen(left: left, returned: returned + 1, wanted: wanted)
            }
        case .open: break
        }
        return phase != before
    }

    /// A token that was to try never ran: another may.
    mutating func abandon(probe: Int) {
        guard probe == episode, case .halfOpen(let left, let returned, let wanted) = phase else { return }
        phase = .halfOpen(left: left + 1, returned: returned, wanted: wanted)
    }

    private mutating func open(_ breaker: CircuitBreaker, _ now: Int64) {
        phase = .open(until: Int64(clampedAdding: breaker.coolDown, to: now))
    }

    private mutating func close() {
        phase = .closed
        sliceLength = 0
        slices = [(runs: Int, failures: Int)](repeating: (0, 0), count: Self.sliceCount)
    }

    /// Forgets what has left the window.
    private mutating func advance(_ breaker: CircuitBreaker, _ now: Int64) {
        if sliceLength == 0 {
            sliceLength = max(1, Int64(clampedAdding: breaker.window, to: 0) / Int64(Self.sliceCount))
        }
        let current = now / sliceLength
        if current - slice >= Int64(Self.sliceCount) || current < slice {
            slices = [(runs: Int, failures: Int)](repeating: (0, 0), count: Self.sliceCount)
        } else {
            while slice < current {
                slice += 1
                slices[Int(slice % Int64(Self.sliceCount))] = (0, 0)
            }
        }
        slice = current
    }
}
