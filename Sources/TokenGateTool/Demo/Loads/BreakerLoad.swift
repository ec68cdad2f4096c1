//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TokenGate

/// An operation that works, fails until its breaker opens, is refused, and recovers after the cool-down.
///
/// In every second round it fails its first try. Another operation goes on beside it.
struct BreakerLoad: Load {
    private static let breaker = CircuitBreaker(
        failureRate: 0.5, minimumRuns: 8, window: .seconds(86_400), coolDown: .milliseconds(30), probes: 2)
    private static let refusals = 40
    private static let name = "fragile"

    /// What the coordinator tells of the breaker.
    private enum Phase: Sendable { case opened, halfOpen, closed }

    private struct Fault: Error {}

    /// What was counted.
    private struct Count {
        var results = ResultCheck()
        var failed = 0
        var refused = 0
        var tooSoon = 0
        var wronglyRefused = 0
        var wrongOpenings = 0
        var openings = 0
        var wanted: [Phase] = []
    }

    /// The calls of the operation, one at a time, and how often its body ran.
    private struct Fragile: Sendable {
        let operation: TaskTokenGuard<Bool, UInt64>
        let runs: Runs

        /// How a call ended.
        enum End { case returned, failed, refused }

        func call(_ works: Bool, _ count: inout Count) async -> End {
            switch await operation(works).result {
            case .success(let value):
                count.results.add(.success(value), expected: 1)
                return .returned
            case .failure(let error as TokenError) where error.code == .operationBlocked:
                count.refused += 1
                return .refused
            case .failure(let error):
                if error is Fault { count.failed += 1 } else { count.results.add(.failure(error), expected: 1) }
                return .failed
            }
        }
    }

    func run(in stage: Stage) async throws -> Findings {
        var random = stage.dice()
        let drill = Drill(Workbook(size: .small, using: &random), on: stage)
        let log = EventLog<Phase>(stage.coordinator) { kind in
            switch kind {
            case .breakerOpened(Self.name, _): .opened
            case .breakerHalfOpen(Self.name): .halfOpen
            case .breakerClosed(Self.name): .closed
            default: nil
            }
        }
        let runs = Runs()
        let sightings = stage.sightings
        let fragile = Fragile(
            operation: TaskTokenGuard(
                Self.name, options: OperationOptions(breaker: Self.breaker), on: stage.coordinator
            ) {
                (works: Bool) throws -> UInt64 in
                sightings.note()
                runs.add()
                if !works { throw Fault() }
                return 1
            }, runs: runs)
        var findings = Findings()
        var count = Count()
        var beside = 0
        var rounds = 0
        repeat {
            let tasks = (0..<200).map { _ in drill.submit(Int.random(in: 0..<drill.count, using: &random)) }
            beside += tasks.count
            let healthy = Int.random(in: 0...12, using: &random)
            await round(fragile, healthy: healthy, relapses: !rounds.isMultiple(of: 2), &count)
            count.results.add(await gather(tasks.map(\.token)), expected: tasks.map(\.answer))
            rounds += 1
        } while !stage.isOver
        findings.tokens = beside + runs.count + count.refused
        findings.meantToFail = count.failed + count.refused
        findings.refused = count.refused
        findings.remark =
            "\(Wording.counted(rounds, "round")), opened \(Wording.counted(count.openings, "time")), "
            + "\(Wording.counted(count.refused, "call")) refused; \(Wording.count(beside)) tokens beside"
        findings.promises = await promises(count, log)
        log.end()
        return findings
    }

    /// One time through all phases.
    private func round(_ fragile: Fragile, healthy: Int, relapses: Bool, _ count: inout Count) async {
        var (good, bad) = (0, 0)
        for _ in 0..<healthy {
            if await fragile.call(true, &count) == .returned { good += 1 } else { count.wronglyRefused += 1 }
        }
        // Fails until it is opened, which the numbers say to the very call.
        var opened = ContinuousClock.now
        while !Self.opens(runs: good + bad, failures: bad) {
            opened = .now
            if await fragile.call(false, &count) != .failed {
                count.wrongOpenings += 1
                break
            }
            bad += 1
        }
        count.openings += 1
        count.wanted.append(.opened)
        var tries = await beRefused(fragile, since: opened, &count)
        if relapses {
            await coolDown()
            count.wanted += [.halfOpen, .opened]
            opened = .now
            if await fragile.call(false, &count) != .failed { count.wronglyRefused += 1 }
            count.openings += 1
            tries = await beRefused(fragile, since: opened, &count)
        }
        await coolDown()
        count.wanted += [.halfOpen, .closed]
        for _ in tries..<Self.breaker.probes where await fragile.call(true, &count) != .returned {
            count.wronglyRefused += 1
        }
    }

    /// Calls while it is open.
    ///
    /// - Returns: how many were let in to try: one, where the machine was so slow that it had cooled down.
    private func beRefused(
        _ fragile: Fragile, since opened: ContinuousClock.Instant, _ count: inout Count
    ) async -> Int {
        for _ in 0..<Self.refusals {
            let before = fragile.runs.count
            let end = await fragile.call(true, &count)
            if end == .refused, fragile.runs.count != before { count.tooSoon += 1 }
            if end == .refused { continue }
            if .now - opened < Self.breaker.coolDown { count.tooSoon += 1 }
            return 1
        }
        return 0
    }

    private func coolDown() async { try? await Task.sleep(for: Self.breaker.coolDown + .milliseconds(1)) }

    private static func opens(runs: Int, failures: Int) -> Bool {
        runs >= breaker.minimumRuns && Double(failures) > breaker.failureRate * Double(runs)
    }

    private func promises(_ count: Count, _ log: EventLog<Phase>) async -> [Promise] {
        _ = await log.waitFor(count.wanted.count, atMost: .seconds(5))
        // Each token that tries is told of.
        let told = log.entries.reduce(into: [Phase]()) { if $0.last != $1 { $0.append($1) } }
        let canJudge = log.lost == 0
        return [
            count.results.promise,
            Promise(
                "doc", "a breaker opens with the very run that makes its failures too many", checked: count.openings,
                broken: count.wrongOpenings),
            Promise(
                "doc", "calls of an open operation are refused, and never run, until it has cooled down",
                checked: count.refused, broken: count.tooSoon),
            Promise(
                "doc", "an operation that works, or has cooled down, is let in", checked: count.openings,
                broken: count.wronglyRefused),
            Promise(
                "doc", "its phases follow each other as they must, told by events",
                checked: canJudge ? count.wanted.count : 0, broken: canJudge && told != count.wanted ? 1 : 0,
                note: canJudge ? nil : "\(log.lost) events were lost"),
        ]
    }
}

/// How often a body ran.
private final class Runs: Sendable {
    private let number = Atomic<Int>(0)

    func add() { number.add(1, ordering: .relaxed) }

    var count: Int { number.load(ordering: .relaxed) }
}
