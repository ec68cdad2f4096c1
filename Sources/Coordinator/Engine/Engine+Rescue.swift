//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import Synchronization
internal import TokenCore

// Threads beyond a crew's cap, where all that it has are blocked in waits (Docs/Waiting.md).
extension Engine {
    /// Makes a thread beyond the cap for each crew that is stuck with work, if a body waits for a stranger in there.
    ///
    /// Or if the awaited token, or a descendant that someone waits for, or the thread itself, for its permit, stands in a line
    /// that has not moved since the last look: what it stands in line for may be held by a stranger in there, whom nobody else
    /// can run.
    func rescue(
        _ lineage: Lineage, _ token: AnyTaskToken?, _ permit: Line?, _ lastHead: inout UInt?
    ) {
        let began = now()
        guard began >= nextRescueLook.load(ordering: .relaxed), !isLookingAround.exchange(true, ordering: .acquiring)
        else { return }
        let ran = LinuxThreadClocks.ownCPUTime
        let look = StuckLook(self)
        let head =
            look.crews.isEmpty
            ? nil
            : permit.map(headOfLine) ?? look.stranger(keeping: lineage, token) ?? headOfLine(keeping: lineage, token)
        // Hundreds may look, one after the other: they leave most of the time to those who work. How long a thread was kept from
        // looking says nothing of what a look takes; and time may stand, where a test has the clock.
        let ended = now()
        let cost = min(ended - began, LinuxThreadClocks.ownCPUTime - ran)
        nextRescueLook.store(ended + min(8 * cost, 500_000_000), ordering: .relaxed)
        isLookingAround.store(false, ordering: .releasing)
        let hasMoved = head != lastHead
        lastHead = head
        if head == nil || hasMoved { return }
        // As many threads as may be are blocked already: what others stand in line for is run all the same.
        for crew in look.crews where !addThread(to: crew, if: { _ in true }) { runObliged(in: crew) }
    }

    /// The crew in whose mailbox an admitted token sits, unless another domain's has taken it by now.
    func crew(of token: AnyTaskToken) -> Crew { domains[min(Int(token.domain), domains.count - 1)][kind(of: token)] }

    /// Whether a stuck crew gets a thread where a rescue asks for one.
    func canRescue(_ crew: Crew) -> Bool {
        crew.state.withLock { !$0.isClosed && !$0.isRefused && $0.threads - Self.rescuers < crew.cap }
    }

    /// Makes a thread beyond the cap for a crew whose threads are all blocked, and that has work.
    ///
    /// - Returns: whether it asked for one.
    @discardableResult
    func addThread(to crew: Crew, if hasWork: (Crew.State) -> Bool) -> Bool {
        let mustSpawn = crew.state.withLock { state in
            guard !state.isClosed, state.active + state.overrun <= 0, state.idle.isEmpty,
                state.threads - Self.rescuers < crew.cap,
                hasWork(state)
            else { return false }
            state.threads += 1
            state.active += 1
            publishReadiness(of: crew, &state)
            return true
        }
        if mustSpawn { spawnOrHandOver(crew) }
        return mustSpawn
    }

    /// How far rescues may go beyond a crew's cap.
    private static let rescuers = 64

    // MARK: What others stand in line for

    private enum Obliged {
        case token(AnyTaskToken)
        case job(Crew.Job)
    }

    /// Runs, on a thread that ends with them, those tokens of a stuck crew that have a turn or a permit, and the jobs of such
    /// bodies: the blocked ones may wait in line for just that.
    ///
    /// It runs nothing else, so that there are no more such threads than turns and permits.
    private func runObliged(in crew: Crew) {
        guard hasObliged(crew) else { return }
        let thread = try? PinnedThread.spawn(
            name: "tg\(crew.domain + 1)-obliged", cpus: configuration.pinMode == .none ? nil : pins(of: crew.domain),
            stackSize: configuration.stackSize, system: configuration.affinitySystem
        ) { [self] report in
            let worker = Worker(crew: crew, number: 0, of: self)
            crew.state.withLock { state in
                worker.report = report
                worker.standing = .away
                state.workers.append(worker)
            }
            worker.inhabit {
                while isStuck(crew), let found = takeObliged(from: crew) { run(found, worker) }
            }
            worker.giveCountersBack()
            crew.state.withLock { $0.workers.removeAll { $0 === worker } }
        }
        thread?.detach()
    }

    private func run(_ found: Obliged, _ worker: Worker) {
        switch found {
        case .token(let token) where token.tags.isAsync:
            startAsync(token, operations.record(token), worker.crew, worker)
        case .token(let token): runClaimed(token, worker, here: worker.domain, isAway: true)
        case .job(let job):
            rejoinCrew(worker)
            job.run()
            leaveCrew(worker)
        }
    }

    /// Whether others may stand in line for what a token has that is admitted, or runs.
    private func isObliged(_ token: AnyTaskToken) -> Bool {
        token.hasPermit || !token.tags.isPlain && (token.tags.anchorLimit != 0 || token.tags.flags.contains(.ordered))
    }

    private func hasObliged(_ crew: Crew) -> Bool {
        let (tokens, jobs) = obliged(in: crew)
        return tokens.contains { $0.state == .admitted } || !jobs.isEmpty
    }

    private func takeObliged(from crew: Crew) -> Obliged? {
        let (tokens, jobs) = obliged(in: crew)
        if let token = tokens.first(where: { $0.state == .admitted && begin($0) }) { return .token(token) }
        for number in jobs {
            let job: Crew.Job? = crew.state.withLock { state in
                state.jobs.firstIndex { $0.number == number }.map { state.jobs.remove(at: $0) }
            }
            if let job { return .job(job) }
        }
        return nil
    }

    /// The tokens that a crew has of that kind, and the numbers of the jobs.
    private func obliged(in crew: Crew) -> (tokens: [AnyTaskToken], jobs: [UInt64]) {
        var tokens: [AnyTaskToken] = []
        // Lineages have locks of their own, which are not taken inside the crew's.
        let owned: [(number: UInt64, lineage: Lineage)] = crew.state.withLock { state in
            if state.isClosed { return [] }
            crew.forEachToken(state, waiting: true, executing: false) { if isObliged($0) { tokens.append($0) } }
            return state.jobs.compactMap { job in job.lineage.map { (job.number, $0) } }
        }
        return (tokens, owned.filter { $0.lineage.body.map(isObliged) ?? false }.map(\.number))
    }
}
