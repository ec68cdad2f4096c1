//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import DequeModule
internal import TokenCore

/// A few threads for jobs that come when a crew's threads are gone: those of suspended tasks that come back to life after the
/// stop, so that they can end and free what they hold (Docs/Executors.md).
///
/// At most `most` threads, named `tg-late`; each takes jobs, first come first served, until there are none, and ends. Where as
/// many jobs block for ever, those behind them wait for ever, too.
///
/// | a job comes while | what is done with it |
/// |---|---|
/// | fewer than `most` threads are there | it joins the queue, and a thread is made: those that are there may all be blocked |
/// | all are there | it joins the queue; whoever is done with a job takes it |
///
/// | the making of a thread | |
/// |---|---|
/// | succeeds | it takes jobs until the queue is empty; seeing it empty and no longer counting are one step, so a job that comes later makes another |
/// | is refused, others are there | the job stays: whoever of them is done takes it |
/// | is refused, none is there | the caller takes the jobs itself, as a thread does, since nobody else would; it is one of those counted meanwhile |
///
/// Counted as there is a thread from before it is made. Two whose making is refused at the same moment may each see the other
/// counted: the one that comes later to say so sees that there is none, and takes what there is. So a job is never left in the
/// queue while nobody is counted.
///
/// | field | protected by |
/// |---|---|
/// | `state` | its lock; no job runs and no thread is made under it |
final class LateThreads: Sendable {
    private struct State {
        var jobs: Deque<Crew.Job> = []
        /// Threads that are there or being made, and callers that run jobs in their place.
        var threads = 0
        var peak = 0
    }
    private let state = Guarded(State())
    private let most: Int
    private let system: any AffinitySystem

    /// Nobody there.
    ///
    /// - Parameters:
    ///   - most: threads at once, 1 and more.
    ///   - system: makes them.
    init(most: Int = 16, system: any AffinitySystem) { (self.most, self.system) = (most, system) }

    /// How many are there.
    var count: Int { state.withLock { $0.threads } }
    /// The most that were ever there at once.
    var peak: Int { state.withLock { $0.peak } }

    /// Has a job run soon.
    func run(_ job: Crew.Job) {
        let makesOne = state.withLock { state in
            state.jobs.append(job)
            guard state.threads < most else { return false }
            state.threads += 1
            state.peak = max(state.peak, state.threads)
            return true
        }
        guard makesOne else { return }
        do {
            try PinnedThread.spawn(name: "tg-late", cpus: nil, system: system) { [self] _ in takeJobs() }.detach()
        } catch {
            // The place is given up where others are there; else it is the caller's.
            let isAlone = state.withLock { state in
                if state.threads == 1 { return true }
                state.threads -= 1
                return false
            }
            if isAlone { takeJobs() }
        }
    }

    /// Runs jobs until there are none.
    private func takeJobs() {
        while let job = next() { job.run() }
    }

    /// The next job; nil where there is none, and the calling thread does not count any more.
    private func next() -> Crew.Job? {
        state.withLock { state in
            if let job = state.jobs.popFirst() { return job }
            state.threads -= 1
            return nil
        }
    }
}
