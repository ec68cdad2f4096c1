//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing

@testable import Routing

/// The machine that decides how many threads of a crew run.
@Suite struct ConvergenceTests {
    private static let millisecond: Int64 = 1_000_000

    /// A crew that does what the machine says, and its load.
    private struct Crew {
        var machine = Convergence()
        var target = 1
        let cap: Int
        var now: Int64 = 0
        var changes: [(at: Int64, to: Int)] = []

        /// One sample, of so many tokens that want a thread, each blocked for such a share of its time.
        mutating func step(_ period: Int64, tokens: Int, blocked: Double?) {
            now += period
            let active = min(tokens, target)
            let sample = Convergence.Sample(
                active: active, target: target, cap: cap, queued: tokens - active, oldestAge: 1_000_000_000,
                blockedShare: blocked, now: now)
            apply(machine.decide(sample))
        }

        mutating func apply(_ decision: Convergence.Decision) {
            switch decision {
            case .keep: return
            case .raise(let to, _), .lower(let to, _):
                target = to
                changes.append((now, to))
            }
        }
    }

    @Test("Bodies that block while tokens wait raise the number to the cap; when they stop, it goes back to 1")
    func thereAndBack() {
        var crew = Crew(cap: 4)
        for _ in 0..<100 { crew.step(10 * Self.millisecond, tokens: 50, blocked: 0.98) }
        #expect(crew.changes.map(\.to) == [2, 3, 4])
        for _ in 0..<400 { crew.step(10 * Self.millisecond, tokens: 50, blocked: 0) }
        #expect(crew.changes.map(\.to) == [2, 3, 4, 3, 2, 1])
        for _ in 0..<100 { crew.step(10 * Self.millisecond, tokens: 50, blocked: 0.98) }
        for _ in 0..<400 { crew.step(10 * Self.millisecond, tokens: 0, blocked: nil) }
        #expect(crew.target == 1)
    }

    @Test(
        "Bodies that compute never raise the number, however many tokens wait and however the measure errs by a third")
    func computing() {
        for blocked in [0, 0.05, 0.2, 0.34, 0.49] {
            var crew = Crew(cap: 64)
            for _ in 0..<10_000 { crew.step(10 * Self.millisecond, tokens: 10_000, blocked: blocked) }
            #expect(crew.changes.isEmpty, "\(blocked)")
        }
    }

    @Test("Where the blocked time is not known nothing is raised")
    func blind() {
        var crew = Crew(cap: 4)
        for _ in 0..<1_000 { crew.step(10 * Self.millisecond, tokens: 50, blocked: nil) }
        #expect(crew.changes.isEmpty)
    }

    @Test(
        "Tokens that wait for less than the bound raise nothing, nor does a crew that has not all its threads at work yet"
    )
    func noReason() {
        var machine = Convergence()
        for step in 0..<1_000 {
            let now = Int64(step) * 10 * Self.millisecond
            let young = Convergence.Sample(
                active: 1, target: 1, cap: 4, queued: 9, oldestAge: 4_999_999, blockedShare: 1, now: now)
            #expect(machine.decide(young) == .keep)
        }
        for step in 1_000..<2_000 {
            let now = Int64(step) * 10 * Self.millisecond
            let partial = Convergence.Sample(
                active: 1, target: 2, cap: 4, queued: 9, oldestAge: 1 << 40, blockedShare: 1, now: now)
            #expect(machine.decide(partial) == .keep)
        }
    }

    @Test("One sample, or two, change nothing: votes have to come in a row")
    func inARow() {
        var crew = Crew(cap: 4)
        for step in 0..<3_000 {
            crew.step(10 * Self.millisecond, tokens: 50, blocked: step % 3 == 2 ? 0.2 : 1)
        }
        #expect(crew.changes.isEmpty)
    }

    @Test("From any beginning, a constant load leads to one number and stays there")
    func converges() {
        for cap in [1, 2, 3, 4, 8, 64] {
            for start in [1, 2, 3, cap] where start <= cap {
                for tokens in [0, 1, 2, 3, 5, 100] {
                    for step in 0...20 {
                        var crew = Crew(cap: cap)
                        crew.target = start
                        for _ in 0..<7_000 {
                            crew.step(10 * Self.millisecond, tokens: tokens, blocked: Double(step) / 20)
                        }
                        let settled = crew.changes.count
                        let target = crew.target
                        for _ in 0..<1_000 {
                            crew.step(10 * Self.millisecond, tokens: tokens, blocked: Double(step) / 20)
                        }
                        #expect(crew.changes.count == settled && crew.target == target)
                        // It never turned round on the way.
                        let way = [start] + crew.changes.map(\.to)
                        #expect(way == way.sorted() || way == way.sorted(by: >), "\(way)")
                    }
                }
            }
        }
    }

    @Test(
        "A square wave that is faster than the time to lower does not make it flap", arguments: [1, 2, 3, 5, 9, 20, 40])
    func squareWave(_ half: Int) {
        var crew = Crew(cap: 4)
        for step in 0..<20_000 {
            crew.step(10 * Self.millisecond, tokens: 50, blocked: step / half % 2 == 0 ? 1 : 0)
        }
        let way = crew.changes.map(\.to)
        #expect(way == way.sorted() && way.count <= 3, "\(way)")
    }

    @Test(
        "Random and adversarial samples: always within 1…cap, one step at a time, never two changes within the hold time"
    )
    func random() {
        let settings = Convergence.Settings()
        var seeds = Dice("Convergence")
        for _ in 0..<40 {
            var dice = Dice("Convergence, round", seed: seeds.next())
            var machine = Convergence(settings)
            let cap = 1 + dice.below(6)
            var target = 1 + dice.below(cap)
            var now: Int64 = 0
            var lastChange: Int64?
            var changes = 0
            for _ in 0..<20_000 {
                // Phases of one kind, so that votes come about; with jumps of all sizes.
                let isBlocked = now / (2_500 * Self.millisecond) % 2 == 0
                let isOdd = dice.below(50) == 0
                now +=
                    dice.below(100) == 0
                    ? Int64(dice.below(3_000)) * Self.millisecond : Int64(dice.below(30)) * Self.millisecond
                let shares: [Double?] = [nil, 0, 1, .nan, -4, 7, .infinity]
                let sample = Convergence.Sample(
                    active: isOdd ? dice.below(90) - 10 : target, target: target, cap: cap,
                    queued: isOdd ? dice.below(3) - 1 : 9, oldestAge: isOdd ? .min : .max,
                    blockedShare: isOdd ? shares[dice.below(shares.count)] : isBlocked ? 0.99 : 0.01, now: now)
                let before = target
                switch machine.decide(sample) {
                case .keep: continue
                case .raise(let to, let reason):
                    #expect(to == before + 1 && reason == .blocked)
                    target = to
                case .lower(let to, let reason):
                    #expect(to == before - 1 && reason != .blocked)
                    target = to
                }
                if let lastChange { #expect(now - lastChange >= settings.hold) }
                lastChange = now
                changes += 1
                #expect((1...cap).contains(target))
            }
            #expect(cap == 1 || changes > 10)
        }
    }

    @Test("A cap that was lowered is kept at once; a clock that goes back neither changes nor blocks anything")
    func capAndClock() {
        var machine = Convergence()
        func sample(_ target: Int, _ cap: Int, at now: Int64) -> Convergence.Sample {
            .init(
                active: target, target: target, cap: cap, queued: 9, oldestAge: .max, blockedShare: 1, now: now)
        }
        #expect(machine.decide(sample(5, 2, at: 1_000_000_000)) == .lower(to: 2, .cap))
        #expect(machine.decide(sample(1, 0, at: 2_000_000_000)) == .keep)
        // Back by a year, then on as before.
        var decisions: [Convergence.Decision] = []
        for step in 0..<20 { decisions.append(machine.decide(sample(1, 4, at: -1 << 55 + Int64(step) * 10_000_000))) }
        #expect(decisions.contains(.raise(to: 2, .blocked)))
    }
}
