//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// Statistics add up, at any time; histograms tell durations within their promise.
@Suite struct StatisticsTests {
    @Test("A token that is refused and killed at the same moment is counted once, and never as one that ran")
    func refusedAndKilled() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard("stat.phantom", on: coordinator) { (n: Int) in
                if n < 0 { gate.pass() }
            }
            let source = TaskTokenGuard("stat.phantomSource", on: coordinator) { (n: Int) in n }
            let running = operation(-1)
            await gate.waitForArrivals()
            try coordinator.pause("stat.phantomSource")
            for _ in 0..<Sizes.part(of: 2_000) {
                let first = source(1)
                let others = (0..<4).map { operation.with(after: [first])($0) }
                let mapped = (0..<4).map { _ in first.map { $0 } }
                await concurrently(2) { thread in
                    if thread == 0 {
                        first.kill()
                    } else {
                        for token in others + mapped as [AnyTaskToken] { token.kill() }
                    }
                }
                #expect(await settle(others + mapped))
            }
            let own = coordinator.statistics().operations.first { $0.operationType == "stat.phantom" }
            #expect(own?.counts.executing == 1 && own?.counts.queued == 0)
            #expect(coordinator.statistics().counts.executing == 1 && coordinator.statistics().counts.queued == 0)
            gate.open()
            #expect(await settles(running))
        }
    }

    @Test("Statistics add up at any time under load: no count is lost, invented or taken back")
    func addUp() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator async throws in
            let body: @Sendable (Int) throws -> Int = { n in
                if n % 7 == 0 { throw TokenError(.invalidArgument, "seven") }
                return n
            }
            let kinds: [TaskTokenGuard<Int, Int>] = [
                TaskTokenGuard("stat.plain", on: coordinator, body),
                TaskTokenGuard("stat.heavy", weight: .heavy, on: coordinator, body),
                TaskTokenGuard("stat.storage", storage: .fast, on: coordinator, body),
                TaskTokenGuard("stat.ordered", locality: .sticky("k", ordered: true), on: coordinator, body),
                TaskTokenGuard("stat.lead", locality: .lead(externalCalls: ["x"]), on: coordinator, body),
            ]
            let begun = Tally()
            let done = Tally()
            let wrong = Journal<String>()
            let tokens = Journal<TaskToken<Int>>()
            await concurrently(4) { thread in
                if thread < 3 {
                    for index in 0..<600 {
                        begun.add()
                        let token = kinds[index % 5](index)
                        tokens.note(token)
                        if index % 11 == 0 { token.kill() }
                    }
                    done.add()
                    return
                }
                var last = Statistics.Counts()
                repeat {
                    let certain = UInt64(tokens.count)
                    let statistics = coordinator.statistics()
                    let counts = statistics.counts
                    let possible = UInt64(begun.value)
                    let sum = statistics.operations.reduce(Statistics.Counts()) { $0 + $1.counts }
                    if sum != counts { wrong.note("operations do not add up: \(sum) \(counts)") }
                    if counts.submitted < certain || counts.submitted > possible {
                        wrong.note("\(counts) where \(certain) to \(possible) were submitted")
                    }
                    if counts.submitted != counts.live + counts.settled { wrong.note("\(counts)") }
                    if counts.killed < last.killed || counts.late < last.late { wrong.note("\(counts) after \(last)") }
                    last = counts
                } while done.value < 3
            }
            _ = await gather(tokens.all)
            #expect(wrong.all == [])
            #expect(await eventually { coordinator.statistics().counts.live == 0 })
            let counts = coordinator.statistics().counts
            let ends = tokens.all.map(\.state)
            #expect(counts.completed == UInt64(ends.count { $0 == .completed }))
            #expect(counts.failed == UInt64(ends.count { $0 == .failed }))
            #expect(counts.killed == UInt64(ends.count { $0 == .killed }))
            #expect(coordinator.statistics().openLeases == 0)
        }
    }

    @Test("Statistics tell queued from executing, per operation, tier and worker")
    func states() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits[.slow] = 2
        } _: { coordinator async throws in
            let gate = Gate()
            let cpu = TaskTokenGuard("stat.cpu", on: coordinator) { (_: Int) in gate.pass() }
            let disk = TaskTokenGuard("stat.disk", storage: .slow, on: coordinator) { (_: Int) in gate.pass() }
            let tokens = (0..<5).map { cpu($0) } + (0..<7).map { disk($0) }
            await gate.waitForArrivals(3)
            let statistics = coordinator.statistics()
            #expect(statistics.phase == .running)
            #expect(statistics.counts.executing == 3 && statistics.counts.queued == 9)
            #expect(statistics.operations.map(\.operationType) == ["stat.cpu", "stat.disk"])
            #expect(statistics.operations.map(\.counts.executing) == [1, 2])
            #expect(statistics.operations.map(\.counts.queued) == [4, 5])
            let tier = statistics.tiers[0]
            #expect(tier.speed == .slow && tier.limit == 2 && tier.inUse == 2 && tier.waiting == 5 && tier.peak == 2)
            #expect(statistics.domains.flatMap(\.workers).reduce(0) { $0 + $1.depth } == 3)
            gate.open()
            _ = await gather(tokens)
            let after = coordinator.statistics()
            #expect(after.counts.completed == 12 && after.counts.live == 0)
            #expect(after.operations.map(\.wait.count) == [5, 7])
            #expect(after.operations.map(\.run.count) == [5, 7])
        }
    }

    @Test("A histogram's value is at least what was recorded and at most 12.5 % above it")
    func histogramBound() {
        var numbers = SeededNumbers(for: "histogram bound")
        var values: [Int64] = Array(0..<4_096)
        for exponent in 3..<43 {
            let power = Int64(1) << exponent
            values += [power - 1, power, power + 1]
            for _ in 0..<50 { values.append(Int64.random(in: power..<power * 2, using: &numbers)) }
        }
        var last = -1
        for value in values.sorted() {
            let bucket = HistogramRecorder.bucket(of: value)
            #expect(bucket >= last, "buckets rise with the value \(value)")
            last = bucket
            guard value < Int64(1) << 43 else { continue }
            let bound = HistogramRecorder.upperBound(ofBucket: bucket)
            #expect(bound >= value && Double(bound) <= Double(value) * 1.125, "\(value) reads as \(bound)")
        }
        for odd in [Int64.min, -1, Int64.max] {
            #expect((0..<HistogramRecorder.bucketCount).contains(HistogramRecorder.bucket(of: odd)))
        }
    }

    @Test(
        "Statistics tell how often the quota stopped the process's group by now; nil where the system does not count it"
    )
    func throttling() async throws {
        let machine = try FakeMachine().cgroup2("/a").online("0-1")
        for cpu in 0..<2 { try machine.cpu(cpu, "topology/core_id", "\(cpu)") }
        let stat = "sys/fs/cgroup/a/cpu.stat"
        try machine.file("sys/fs/cgroup/a/cpu.max", "200000 100000\n").file(stat, "nr_periods 9\nnr_throttled 2\n")
        let coordinator = try makeCoordinator {
            $0.root = machine.root
            $0.pinMode = .none
        }
        #expect(coordinator.statistics().quotaThrottling?.throttledPeriods == 2)
        try machine.file(stat, "nr_periods 10\nnr_throttled 3\nthrottled_usec 4\n")
        #expect(coordinator.statistics().quotaThrottling?.throttledPeriods == 3)
        #expect(coordinator.statistics().quotaThrottling?.throttledNanoseconds == 4_000)
        try machine.file(stat, "")
        #expect(coordinator.statistics().quotaThrottling == nil)
        await coordinator.stop()
    }

    @Test("Percentiles come from the values, in order; an empty histogram answers zero")
    func percentiles() {
        var empty = Histogram()
        #expect(empty.count == 0 && empty.percentile(0.5) == .zero && empty.maximum == .zero)
        let recorder = HistogramRecorder()
        for value in 1...1_000 { recorder.record(Int64(value) * 1_000) }
        var histogram = Histogram()
        recorder.add(to: &histogram)
        #expect(histogram.count == 1_000)
        var last = Duration.zero
        for share in stride(from: 0.0, through: 1.0, by: 0.01) {
            let exact = Duration.nanoseconds(max(1, Int64((share * 1_000).rounded(.up))) * 1_000)
            let told = histogram.percentile(share)
            #expect(told >= exact && told <= exact * 9 / 8, "\(share): \(told) for \(exact)")
            #expect(told >= last)
            last = told
        }
        #expect(histogram.percentile(-1) == histogram.percentile(0))
        #expect(histogram.percentile(7) == histogram.maximum)
        empty = histogram + histogram
        #expect(empty.count == 2_000 && empty.maximum == histogram.maximum)
    }
}
