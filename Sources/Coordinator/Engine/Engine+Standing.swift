//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization
internal import TokenCore

// What a worker counts as in its crew while it runs something (Docs/Adaptation.md, "Overrun workers"):
//
//            a wait begins                       its token is settled from outside
//   away  ◀───────────────────▶  active  ◀──────────────────────────────────────────▶  overrun
//            it is over                          the body returns, or runs another inline
//
// Only active ones keep others of the crew from running. All changes are made under the crew's lock.
extension Engine {
    // MARK: Waiting

    /// A worker's thread is about to block in a wait: another one may run meanwhile.
    func leaveCrew(_ worker: Worker, covering: Int = 0) {
        let crew = worker.crew
        crew.state.withLock { state in
            worker.cover += covering
            worker.absences += 1
            crew.count(worker, as: .away, &state)
            publishReadiness(of: crew, &state)
        }
        wakeForWork(crew)
    }

    func wakeForWork(_ crew: Crew) {
        if crew.state.withLock({ crew.hasMail || !$0.jobs.isEmpty || canSteal(crew) }) { wake(crew) }
    }

    /// A worker's thread goes on after a wait, or runs something on top of its waiting bodies (`covering`).
    func rejoinCrew(_ worker: Worker, covering: Int = 0) {
        let crew = worker.crew
        worker.lastEnd = nil
        crew.state.withLock { state in
            worker.cover += covering
            crew.count(worker, as: worker.overrunToken == nil ? .active : .overrun, &state)
            publishReadiness(of: crew, &state)
        }
    }

    /// What ran on top of a worker's bodies has ended, and they go on.
    func uncover(_ worker: Worker) {
        worker.crew.state.withLock { state in
            worker.cover -= 1
            reconsider(worker, &state)
        }
        wakeForWork(worker.crew)
    }

    // MARK: Running inline

    /// A waiting body's worker runs a token on top of it.
    func beginInline(_ token: AnyTaskToken, _ worker: Worker) {
        let crew = worker.crew
        let isOverrun = crew.state.withLock { state in
            worker.inline.append(.passRetained(token))
            // It may have been settled since it was claimed, when it was in no worker's hands.
            let isOverrun = worker.overrunToken != nil
            crew.count(worker, as: isOverrun ? .overrun : .active, &state)
            publishReadiness(of: crew, &state)
            return isOverrun
        }
        if isOverrun { tellOverrun(token, worker) }
    }

    /// Takes the innermost token off; its reference is the caller's.
    func endInline(_ worker: Worker, isAway: Bool) -> Unmanaged<AnyTaskToken>? {
        let crew = worker.crew
        let (entry, mayWake) = crew.state.withLock { state in
            let entry = worker.inline.popLast()
            if isAway {
                worker.absences += 1
                crew.count(worker, as: .away, &state)
                publishReadiness(of: crew, &state)
            } else {
                reconsider(worker, &state)
            }
            return (entry, worker.standing != .active)
        }
        if mayWake { wakeForWork(crew) }
        return entry
    }

    // MARK: Overrun

    /// Counts a worker that is not in a wait as what its innermost body makes it.
    ///
    /// Under the crew's lock.
    private func reconsider(_ worker: Worker, _ state: inout Crew.State) {
        let standing: Worker.Standing = worker.overrunToken == nil ? .active : .overrun
        guard worker.standing != .away, standing != worker.standing else { return }
        worker.crew.count(worker, as: standing, &state)
        publishReadiness(of: worker.crew, &state)
    }

    /// A token was settled from outside while its body ran: finds the worker that runs it on, and lets its crew put another
    /// thread in its place, if it has one under its cap.
    ///
    /// Not while a stop settles what is left: nothing is to be begun any more.
    func noteOverrun(_ token: AnyTaskToken) {
        if gate.contains(.stopped) { return }
        // What is suspended occupies no worker, and its jobs run in its own crew.
        let crew = crew(of: token)
        if token.tags.isAsync { return _ = noteOverrun(token, in: crew) }
        if noteOverrun(token, in: crew) { return }
        for domain in domains {
            for other in domain.crews where other !== crew && noteOverrun(token, in: other) { return }
        }
    }

    /// Whether a worker of the crew has the token in hand.
    private func noteOverrun(_ token: AnyTaskToken, in crew: Crew) -> Bool {
        let found: Worker? = crew.state.withLock { state in
            guard let worker = state.workers.first(where: { $0.isBusy(with: token) }) else { return nil }
            let runsJob = token.tags.isAsync && worker.cover == 0 && worker.inline.isEmpty
            if worker.standing == .active, runsJob || worker.overrunToken === token {
                crew.count(worker, as: .overrun, &state)
                publishReadiness(of: crew, &state)
            }
            return worker
        }
        guard let found else { return false }
        tellOverrun(token, found)
        wakeForWork(crew)
        return true
    }

    private func tellOverrun(_ token: AnyTaskToken, _ worker: Worker) {
        events.emit {
            .workerOverrun(
                domain: worker.domain + 1, crew: "\(worker.crew.kind)", number: worker.number, id: token.id,
                operationType: token.operationType)
        }
    }

    /// A worker is done with a token that was settled from outside: its body has returned late, or another worker has run it.
    func endOverrun(_ token: AnyTaskToken, _ worker: Worker) {
        let crew = worker.crew
        crew.state.withLock { state in
            worker.lastLate = token.sequence
            guard worker.standing == .overrun else { return }
            crew.count(worker, as: .active, &state)
            publishReadiness(of: crew, &state)
        }
    }

    /// A worker's job has returned, and it looks for the next thing to do.
    ///
    /// Under the crew's lock.
    func endJob(_ worker: Worker, _ state: inout Crew.State) {
        worker.jobOwner = 0
        guard worker.standing == .overrun else { return }
        worker.crew.count(worker, as: .active, &state)
        publishReadiness(of: worker.crew, &state)
    }
}

extension Worker {
    /// Whether it has a token in hand whose body runs on although that is settled.
    ///
    /// Under the crew's lock.
    fileprivate func isBusy(with token: AnyTaskToken) -> Bool {
        if token.tags.isAsync { return jobOwner == token.sequence }
        var isFound = false
        forEachRunning { if $0 === token, isOverrun(token) { isFound = true } }
        return isFound
    }
}
