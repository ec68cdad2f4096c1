//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TokenGate

/// Bodies that fail a number of times that the seed says, and then give what a direct call gives.
///
/// Some fail for good: they come to their end with their policy's attempts, or with its deadline, whichever the seed says.
struct RetryLoad: Load {
    private static let batch = 400
    private static let attempts = 4
    private static let backOff = Duration.milliseconds(2)
    /// Room for so many waits of `backOff`.
    private static let waitsBeforeDeadline = 3

    /// What becomes of a trial, by the seed.
    private enum Fate: Sendable {
        /// Fails so often, then returns.
        case returns(after: Int)
        /// Fails for good; all attempts are made.
        case exhausted
        /// Fails for good, with more attempts than there is time for.
        case outOfTime
    }

    /// One token's input, and how often its body was run.
    private final class Trial: Sendable {
        let exercise: Int
        let fate: Fate
        private let runs = Atomic<Int>(0)

        init(_ exercise: Int, _ fate: Fate) {
            self.exercise = exercise
            self.fate = fate
        }

        /// Another run begins.
        ///
        /// - Returns: its number, from 1.
        func begin() -> Int { runs.add(1, ordering: .relaxed).newValue }

        var count: Int { runs.load(ordering: .relaxed) }
    }

    /// What a body throws: the number of its run.
    private struct Fault: Error { let run: Int }

    /// What was counted.
    private struct Count {
        var results = ResultCheck()
        var wrongAttempts = 0
        var wrongErrors = 0
        var hopeless = 0
        var outOfTime = 0
        var afterDeadline = 0
        var attempts = 0
    }

    func run(in stage: Stage) async throws -> Findings {
        var random = stage.dice()
        let workbook = Workbook(size: .small, using: &random)
        let waiting = Between()
        let guards = Self.guards(workbook, waiting, stage)
        var findings = Findings()
        var count = Count()
        repeat {
            let trials = (0..<Self.batch).map { _ in
                Trial(Int.random(in: 0..<workbook.exercises.count, using: &random), Self.fate(using: &random))
            }
            let tokens = trials.map { trial in
                if case .outOfTime = trial.fate { return guards.outOfTime(trial) }
                return trial.exercise.isMultiple(of: 2) ? guards.plain(trial) : guards.suspending(trial)
            }
            for ((trial, token), result) in zip(zip(trials, tokens), await gather(tokens)) {
                Self.check(trial, token, result, workbook.answers[trial.exercise], &count)
            }
            findings.tokens += trials.count
        } while !stage.isOver
        findings.meantToFail = count.hopeless + count.outOfTime
        let workers = stage.coordinator.statistics().domains.reduce(0) { $0 + $1.workers.count }
        findings.remark =
            "\(Wording.count(count.attempts)) attempts, \(Wording.count(count.hopeless)) tokens hopeless, "
            + "\(Wording.count(count.outOfTime)) out of time; up to \(waiting.peak) waited between attempts, over "
            + Wording.counted(workers, "worker")
        findings.promises = [
            count.results.promise,
            Promise(
                "C1", "a body is run again as often as it failed, as the same token, and no more",
                checked: findings.tokens, broken: count.wrongAttempts),
            Promise(
                "C1", "a token that fails for good has its last attempt's error", checked: findings.meantToFail,
                broken: count.wrongErrors),
            Promise(
                "doc", "no attempt is begun for which the retry's deadline leaves no time", checked: count.outOfTime,
                broken: count.afterDeadline),
            Promise(
                "C7", "tokens between attempts keep no worker: more of them wait than there are workers",
                checked: waiting.peak > workers ? 1 : 0, broken: 0,
                note: waiting.peak > workers ? nil : "never more than \(waiting.peak) waited at once"),
        ]
        return findings
    }

    private static func fate(using random: inout SplitMix64) -> Fate {
        switch Int.random(in: 0..<16, using: &random) {
        case 0: .exhausted
        case 1: .outOfTime
        default: .returns(after: Int.random(in: 0..<attempts, using: &random))
        }
    }

    /// The same work as a synchronous body, as an async one, and with a deadline.
    private static func guards(
        _ workbook: Workbook, _ waiting: Between, _ stage: Stage
    ) -> (
        plain: TaskTokenGuard<Trial, UInt64>, suspending: TaskTokenGuard<Trial, UInt64>,
        outOfTime: TaskTokenGuard<Trial, UInt64>
    ) {
        let sightings = stage.sightings
        let body: @Sendable (Trial) throws -> UInt64 = { trial in
            let run = trial.begin()
            // A token counts as one body, however often it is run.
            if run == 1 { sightings.note() } else { waiting.leave() }
            switch trial.fate {
            case .returns(let failures) where run > failures: return workbook.exercises[trial.exercise].solve()
            case .exhausted where run == attempts: throw Fault(run: run)
            // Whether it was the last attempt, the body cannot know.
            case .outOfTime: break
            default: waiting.enter()
            }
            throw Fault(run: run)
        }
        let plain = TaskTokenGuard(
            "retried", options: OperationOptions(retry: RetryPolicy(attempts: attempts, backOff: .constant(backOff))),
            on: stage.coordinator, body)
        let suspending = TaskTokenGuard(
            "retried_async",
            options: OperationOptions(
                retry: RetryPolicy(attempts: attempts, backOff: .exponential(from: .microseconds(200)))),
            on: stage.coordinator
        ) { (trial: Trial) async throws in
            await Task.yield()
            return try body(trial)
        }
        let outOfTime = TaskTokenGuard(
            "retried_in_time",
            options: OperationOptions(
                retry: RetryPolicy(
                    attempts: 1_000, backOff: .constant(backOff), jitter: 0,
                    deadline: backOff * waitsBeforeDeadline)),
            on: stage.coordinator
        ) { (trial: Trial) throws -> UInt64 in
            let run = trial.begin()
            if run == 1 { sightings.note() }
            throw Fault(run: run)
        }
        return (plain, suspending, outOfTime)
    }

    private static func check(
        _ trial: Trial, _ token: TaskToken<UInt64>, _ result: Result<UInt64, any Error>, _ answer: UInt64,
        _ count: inout Count
    ) {
        let runs = trial.count
        count.attempts += runs
        if token.attempts != runs { count.wrongAttempts += 1 }
        let wanted: Int
        switch trial.fate {
        case .returns(let failures):
            if runs != failures + 1 { count.wrongAttempts += 1 }
            return count.results.add(result, expected: answer)
        case .exhausted:
            count.hopeless += 1
            wanted = attempts
            if runs != wanted { count.wrongAttempts += 1 }
        case .outOfTime:
            count.outOfTime += 1
            wanted = runs
            // Each wait takes its whole time, so no more of them can begin before the deadline.
            if runs > 1 + waitsBeforeDeadline { count.afterDeadline += 1 }
        }
        if case .failure(let fault as Fault) = result, fault.run == wanted { return }
        count.wrongErrors += 1
    }
}

/// How many tokens wait between two attempts, and the most that did at once.
private final class Between: Sendable {
    private let now = Atomic<Int>(0)
    private let most = Atomic<Int>(0)

    func enter() { most.max(now.add(1, ordering: .relaxed).newValue, ordering: .relaxed) }

    func leave() { now.subtract(1, ordering: .relaxed) }

    var peak: Int { most.load(ordering: .relaxed) }
}
