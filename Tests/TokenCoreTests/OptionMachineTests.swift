//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing

@testable import TokenCore

@Suite("the machines behind options: back-off, bucket, breaker")
struct OptionMachineTests {
    @Test("back-off grows by its factor up to the longest, and jitter takes from it what it says")
    func backOff() {
        var policy = RetryPolicy(
            attempts: 9, backOff: .exponential(from: .milliseconds(100), factor: 3, upTo: .seconds(2)))
        policy.jitter = 0
        let milliseconds = (1...5).map { policy.delay(after: $0, random: 0.5) / 1_000_000 }
        #expect(milliseconds == [100, 300, 900, 2_000, 2_000])
        policy.jitter = 1
        #expect(policy.delay(after: 1, random: 0) == 0 && policy.delay(after: 2, random: 1) == 300_000_000)
        policy.jitter = 0.5
        #expect(policy.delay(after: 1, random: 0) == 50_000_000 && policy.delay(after: 1, random: 1) == 100_000_000)
        policy.backOff = .exponential(from: .seconds(1), factor: 1_000, upTo: .seconds(Int64.max))
        policy.jitter = 0
        #expect(policy.delay(after: 999, random: 1) == .max)
        policy.backOff = .constant(.seconds(3))
        #expect(
            policy.delay(after: 1, random: 0) == 3_000_000_000 && policy.delay(after: 7, random: 0) == 3_000_000_000)
        policy.backOff = .none
        #expect(policy.delay(after: 3, random: 0.3) == 0)
    }

    @Test("a bucket lets a burst through after a time without, then one an interval, and saves no more than the burst")
    func bucket() {
        var bucket = TokenBucket()
        let limit = RateLimit(perSecond: 10, burst: 3)
        let tenth: Int64 = 100_000_000
        let begin: Int64 = 1_000_000_000_000
        var dues = (0..<6).map { _ in bucket.due(limit, now: begin) }
        #expect(dues == [begin, begin, begin, begin + tenth, begin + 2 * tenth, begin + 3 * tenth])
        // Long after, three again, and no more.
        let later = begin + 1_000 * tenth
        dues = (0..<4).map { _ in bucket.due(limit, now: later) }
        #expect(dues == [later, later, later, later + tenth])
        // One interval later one is there again.
        #expect(bucket.due(limit, now: later + 2 * tenth) == later + 2 * tenth)
        var slow = TokenBucket()
        let rare = RateLimit(perSecond: 1e-12, burst: 1_000_000)
        #expect(slow.due(rare, now: begin) == begin)
    }

    @Test("the bucket never lets more through than burst plus rate, whatever comes when", arguments: 0..<20)
    func bucketBound(_ seed: Int) {
        var random = SeededNumbers(seed: UInt64(seed))
        let limit = RateLimit(perSecond: 1_000, burst: Int.random(in: 1...20, using: &random))
        var bucket = TokenBucket()
        var now: Int64 = 1_000_000_000
        var dues: [Int64] = []
        for _ in 0..<2_000 {
            now += Int64.random(in: 0...3_000_000, using: &random)
            dues.append(bucket.due(limit, now: now))
            #expect(dues[dues.count - 1] >= now)
        }
        for (index, first) in dues.enumerated() where index % 37 == 0 {
            for span in [5, 50, 500] where index + span < dues.count {
                let time = dues[index + span] - first
                #expect(span + 1 <= limit.burst + Int(time / 1_000_000) + 1, "seed \(seed)")
            }
        }
        #expect(dues == dues.sorted())
    }

    @Test(
        "a breaker opens above its rate and not below its runs, tries when it has cooled down, and closes or opens by that"
    )
    func breaker() {
        let settings = CircuitBreaker(
            failureRate: 0.5, minimumRuns: 4, window: .seconds(10), coolDown: .seconds(5), probes: 2)
        var state = BreakerState()
        var now: Int64 = 1_000_000_000_000
        func record(_ failed: Bool, probe: Int? = nil) -> Bool {
            state.record(failed: failed, probe: probe, settings, now: now)
        }
        for _ in 0..<3 { #expect(!record(true)) }
        #expect(state.admit(settings, now: now) == .yes)
        #expect(record(true) && state.phase == .open(until: now + 5_000_000_000))
        #expect(state.admit(settings, now: now + 4_999_999_999) == .no(until: now + 5_000_000_000))
        now += 5_000_000_000
        // Two may try, a third not; one that never ran makes room for another.
        #expect(state.admit(settings, now: now) == .probe(1) && state.admit(settings, now: now) == .probe(1))
        #expect(state.admit(settings, now: now) == .no(until: nil))
        state.abandon(probe: 0)
        #expect(state.admit(settings, now: now) == .no(until: nil))
        state.abandon(probe: 1)
        // A guard of the same name that wants more tries does not change how many this one needs.
        var more = settings
        more.probes = 9
        #expect(state.admit(more, now: now) == .probe(1))
        // One that began before it opened says nothing.
        #expect(!record(true))
        _ = record(false, probe: 1)
        #expect(record(false, probe: 1) && state.phase == .closed)
        // What was before is forgotten.
        for _ in 0..<3 { #expect(!record(true)) }
        #expect(record(true))
        now += 5_000_000_000
        #expect(state.admit(settings, now: now) == .probe(2))
        #expect(!record(true, probe: 1))
        #expect(record(true, probe: 2) && state.phase == .open(until: now + 5_000_000_000))
    }

    @Test("a breaker looks back as far as its window, and at the share")
    func window() {
        let settings = CircuitBreaker(failureRate: 0.5, minimumRuns: 4, window: .seconds(10))
        var state = BreakerState()
        var now: Int64 = 1_000_000_000_000
        for _ in 0..<3 { _ = state.record(failed: true, probe: nil, settings, now: now) }
        now += 11_000_000_000
        _ = state.record(failed: true, probe: nil, settings, now: now)
        #expect(state.phase == .closed)
        for _ in 0..<4 { _ = state.record(failed: false, probe: nil, settings, now: now) }
        for _ in 0..<3 { _ = state.record(failed: true, probe: nil, settings, now: now) }
        // Four of eight are not more than half.
        #expect(state.phase == .closed)
        _ = state.record(failed: true, probe: nil, settings, now: now)
        #expect(state.phase != .closed)
    }
}
