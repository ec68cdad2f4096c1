//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// What one load came to: the figures of the table, and the promises.
struct LoadReport: Sendable {
    struct DomainShare: Sendable {
        let number: Int
        let cpus: CPUSet
        let tokens: Int
        /// 0…1, of all bodies that ran.
        let share: Double
    }

    let load: LoadName
    let tokens: UInt64
    let ok: UInt64
    let failed: UInt64
    /// Wall-clock time from the first submission to the last settlement.
    let time: Duration
    /// From submission to the start of the body; nil where nothing was submitted.
    let wait: Histogram?
    /// From the start of the body to its end.
    let run: Histogram?
    let domains: [DomainShare]
    let workers: Int
    let pinnedWorkers: Int
    let remark: String
    let promises: [Promise]

    /// Tokens by wall-clock time.
    var tokensPerSecond: Double { time > .zero ? Double(tokens) / time.inSeconds : 0 }

    init(
        _ load: LoadName, time: Duration, statistics: Statistics, sightings: Sightings, watched: Watched,
        findings: Findings, stop: StopReport
    ) {
        let pins = watched.pins
        let counts = statistics.counts
        self.load = load
        self.time = time
        tokens = counts.submitted
        ok = counts.completed
        failed = counts.failed + counts.killed + counts.timedOut
        wait = statistics.operations.map(\.wait).sum()
        run = statistics.operations.map(\.run).sum()
        let bodies = sightings.bodiesByDomain
        let all = max(1, bodies.reduce(0, +))
        domains = zip(statistics.domains, bodies).map { domain, bodies in
            DomainShare(
                number: domain.number, cpus: domain.cpus, tokens: bodies, share: Double(bodies) / Double(all))
        }
        workers = pins.workers
        pinnedWorkers = pins.verified
        remark = findings.remark
        promises =
            findings.promises
            + Self.common(counts: counts, sightings: sightings, watched: watched, findings: findings, stop: stop)
    }

    /// What holds for every load.
    private static func common(
        counts: Statistics.Counts, sightings: Sightings, watched: Watched, findings: Findings, stop: StopReport
    ) -> [Promise] {
        let pins = watched.pins
        let made = findings.tokens
        let settled = Int(clamping: counts.settled)
        let ended = Int(clamping: counts.completed + counts.failed) - findings.refused
        let unplanned =
            Int(clamping: counts.killed + counts.timedOut) + abs(Int(clamping: counts.failed) - findings.meantToFail)
        let isStopped = stop.isClean && stop.duration <= DemoRun.stopTimeout
        return [
            Promise(
                "C1", "every token settles once, and its body runs once", checked: made,
                broken: abs(made - settled) + abs(sightings.bodies - ended) + Int(clamping: counts.late),
                note: made == settled && sightings.bodies == ended
                    ? nil : "\(made) made, \(settled) settled, \(sightings.bodies) bodies seen"),
            Promise(
                "C1", "no token fails that was not meant to", checked: settled, broken: unplanned,
                note: unplanned == 0 && findings.meantToFail == 0
                    ? nil : "\(counts.failed) failed, \(findings.meantToFail) of them meant to"),
            Promise(
                "C2", "no token is lost", checked: made, broken: watched.lost,
                note: watched.lost == 0 ? nil : "nothing settled for \(Wording.time(DemoRun.patience))"),
            Promise(
                "C4", "bodies run on their domain's processors, and nowhere else",
                checked: pins.isComplete ? sightings.bodies : 0, broken: pins.isComplete ? sightings.strays : 0,
                note: pins.isComplete ? nil : "only \(pins.verified) of \(pins.workers) workers are verifiably pinned"),
            Promise(
                "C11", "the stop returns in time and abandons no token", checked: 1, broken: isStopped ? 0 : 1,
                note: isStopped ? nil : "\(stop.abandoned.count) abandoned after \(Wording.time(stop.duration))"),
        ]
    }
}

/// What was seen while a load ran.
struct Watched: Sendable {
    var pins = PinCount()
    /// Tokens that were under way when nothing had settled for long.
    var lost = 0
}

/// How many of the worker threads that were seen are verifiably pinned.
struct PinCount: Sendable {
    private var verifiedByThread: [Int32: Bool] = [:]

    var workers: Int { verifiedByThread.count }
    var verified: Int { verifiedByThread.values.count { $0 } }
    var isComplete: Bool { workers > 0 && verified == workers }

    /// Adds the workers that are alive now; workers come and go, so this is called now and then.
    mutating func add(_ statistics: Statistics) {
        for domain in statistics.domains {
            for worker in domain.workers {
                if let pin = worker.pin { verifiedByThread[pin.tid] = pin.verified }
            }
        }
    }
}

extension Sequence<Histogram> {
    /// The values of all; nil where there is none.
    fileprivate func sum() -> Histogram? {
        reduce(nil) { sum, next in sum.map { $0 + next } ?? next }
    }
}
