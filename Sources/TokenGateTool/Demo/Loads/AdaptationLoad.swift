//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Bodies that compute, then bodies that sleep without having said so, then bodies that compute again: each core runs one, then
/// several at once, then fewer.
///
/// What must not happen is judged. Whether a rise and a fall come in the time that there is depends on the machine: one that is
/// not seen is not judged.
struct AdaptationLoad: Load {
    private static let windowPerDomain = 16
    private static let sleep = 2
    /// Some hundred microseconds of one processor.
    private static let length = 4_000
    private static let mostWorkers = Configuration().workersPerCore

    /// A change of how many bodies a crew runs at once.
    private struct Change: Sendable {
        let crew: String
        let from: Int
        let to: Int
        let reason: String

        var isRise: Bool { to > from }
    }

    /// The bodies, and what came of them.
    private struct Work {
        let computing: TaskTokenGuard<UInt64, UInt64>
        let sleeping: TaskTokenGuard<UInt64, UInt64>
        let window: Int
        let answers: [UInt64]
        let seeds: [UInt64]
        var tokens = 0
        var results = ResultCheck()

        init(_ stage: Stage) {
            var random = stage.dice()
            let sightings = stage.sightings
            computing = TaskTokenGuard("computes", on: stage.coordinator) { (seed: UInt64) in
                sightings.note()
                return Operations.hashChain(seed: seed, length: AdaptationLoad.length)
            }
            sleeping = TaskTokenGuard("sleeps", on: stage.coordinator) { (seed: UInt64) in
                sightings.note()
                pauseThread(milliseconds: AdaptationLoad.sleep)
                return ~seed
            }
            window = AdaptationLoad.windowPerDomain * stage.domains
            seeds = (0..<4).map { _ in random.next() }
            answers = seeds.map { Operations.hashChain(seed: $0, length: AdaptationLoad.length) }
        }

        /// Runs bodies of a kind, always a window's worth of them, until it is enough.
        mutating func run(sleeping isSleeping: Bool, until isEnough: () -> Bool) async {
            repeat {
                let picks = (0..<window).map { $0 % seeds.count }
                let made = picks.map { isSleeping ? sleeping(seeds[$0]) : computing(seeds[$0]) }
                results.add(await gather(made), expected: picks.map { isSleeping ? ~seeds[$0] : answers[$0] })
                tokens += made.count
            } while !isEnough()
        }
    }

    func run(in stage: Stage) async throws -> Findings {
        let log = EventLog<Change>(stage.coordinator) { kind in
            guard case .workersChanged(let domain, let crew, let from, let to, let reason) = kind else { return nil }
            return Change(crew: "\(crew) \(domain)", from: from, to: to, reason: reason)
        }
        var work = Work(stage)
        let quarter = stage.budget / 4
        await work.run(sleeping: false) { stage.elapsed > quarter / 2 || stage.isOver }
        let early = log.entries.count { $0.isRise }
        var (rounds, rises, falls) = (0, 0, 0)
        repeat {
            let begin = (time: stage.elapsed, changes: log.entries.count)
            // Not without end, where nothing changes.
            func hasComeTo(_ wanted: (Change) -> Bool, within time: Duration) -> Bool {
                log.entries.dropFirst(begin.changes).contains(where: wanted) || stage.elapsed - begin.time > time
                    || Interruption.isRequested || stage.coordinator.isDraining
            }
            await work.run(sleeping: true) { hasComeTo(\.isRise, within: max(quarter, .seconds(1))) }
            await work.run(sleeping: false) { hasComeTo({ !$0.isRise }, within: max(quarter * 3, .seconds(2))) }
            let changes = log.entries.dropFirst(begin.changes)
            if changes.contains(where: \.isRise) { rises += 1 }
            if changes.contains(where: { !$0.isRise }) { falls += 1 }
            rounds += 1
        } while !stage.isOver
        log.end()
        let most = log.entries.map(\.to).max() ?? 1
        return Findings(
            tokens: work.tokens,
            remark: "\(Wording.counted(rounds, "round")): more at once in \(rises), fewer again in \(falls); "
                + "at most \(most) of \(Self.mostWorkers) on a core"
                + (log.entries.last.map { "; last: \($0.crew) \($0.from) to \($0.to), \($0.reason)" } ?? ""),
            promises: [work.results.promise] + promises(log, early: early, rises, falls, stage))
    }

    private func promises(
        _ log: EventLog<Change>, early: Int, _ rises: Int, _ falls: Int, _ stage: Stage
    ) -> [Promise] {
        let status = stage.coordinator.statistics().adaptation
        let isMeasured = status == .measuring
        let changes = log.entries
        let wild = changes.count { abs($0.to - $0.from) != 1 || !(1...Self.mostWorkers).contains($0.to) }
        // Each crew goes on from where it was.
        var targets: [String: Int] = [:]
        var gaps = 0
        for change in changes {
            if targets[change.crew, default: 1] != change.from || change.reason.isEmpty { gaps += 1 }
            targets[change.crew] = change.to
        }
        let isWhole = log.lost == 0
        let unseen = isMeasured ? "none was seen in the time there was" : "the coordinator's adaptation is \(status)"
        return [
            Promise(
                "doc", "cores whose bodies compute run one at a time", checked: isMeasured ? stage.domains : 0,
                broken: isMeasured ? early : 0, note: isMeasured ? nil : unseen),
            Promise(
                "doc", "where bodies block and tokens wait, a core runs more of them at once", checked: rises,
                broken: 0,
                note: rises > 0 ? nil : unseen),
            Promise(
                "doc", "where they compute again, it runs fewer", checked: falls, broken: 0,
                note: falls > 0 ? nil : unseen),
            Promise(
                "doc", "it goes by steps of one, and never above the limit", checked: changes.count, broken: wild,
                note: changes.isEmpty ? unseen : nil),
            Promise(
                "doc", "every change is told by an event, with its reason", checked: isWhole ? changes.count : 0,
                broken: isWhole ? gaps : 0,
                note: !isWhole ? "\(log.lost) events were lost" : changes.isEmpty ? unseen : nil),
        ]
    }
}
