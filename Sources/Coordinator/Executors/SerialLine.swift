//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import DequeModule

/// The jobs of a serial executor as a machine: they run one at a time, in the order in which they came.
///
/// | phase | means |
/// |---|---|
/// | `idle` | no job is there; nobody will come by |
/// | `scheduled` | jobs are there; a thread has been asked to come by, once |
/// | `running` | a thread is here: it runs a job, or takes the next |
///
/// ```
/// idle ── add ──▶ scheduled ── begin ──▶ running ── next (none left) ──▶ idle
///                     ▲                     │
///                     └──── endShare ───────┘  (some are left: others of the crew come first)
/// ```
struct SerialLine<Job: Sendable>: Sendable {
    enum Phase: Sendable { case idle, scheduled, running }

    private(set) var phase = Phase.idle
    private var jobs: Deque<Job> = []

    var count: Int { jobs.count }

    /// A job comes.
    ///
    /// - Returns: whether a thread has to be asked to come by.
    mutating func add(_ job: Job) -> Bool {
        jobs.append(job)
        guard phase == .idle else { return false }
        phase = .scheduled
        return true
    }

    /// The thread that was asked has come.
    mutating func begin() {
        guard phase == .scheduled else { fatalError("a thread came to a serial executor that is \(phase)") }
        phase = .running
    }

    /// The next job; nil where there is none, and the thread may go.
    mutating func next() -> Job? {
        guard phase == .running else { fatalError("a job was taken of a serial executor that is \(phase)") }
        let job = jobs.popFirst()
        if job == nil { phase = .idle }
        return job
    }

    /// The thread has run its share.
    ///
    /// - Returns: whether a thread has to be asked to come by, for what is left.
    mutating func endShare() -> Bool {
        guard phase == .running else { fatalError("a share ended of a serial executor that is \(phase)") }
        phase = jobs.isEmpty ? .idle : .scheduled
        return phase == .scheduled
    }
}
