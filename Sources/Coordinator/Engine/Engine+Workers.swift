//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import CExecution
internal import Synchronization
internal import TokenCore

// What a worker's life looks like: taking, looking around, sleeping, ending. The protocol is in Docs/Parking.md.
extension Engine {
    // MARK: A worker's life

    private enum Next {
        case token(Unmanaged<AnyTaskToken>)
        case job(Crew.Job)
        case again
        case park
        case end
    }

    /// Runs what is in a worker's mailboxes; answers how many tokens that were.
    func step(_ worker: Worker) -> Int {
        var count = 0
        worker.inhabit {
            while let token = takeToken(worker) {
                runTaken(token, worker)
                count += 1
            }
        }
        worker.lastEnd = nil
        let done = worker.crew.state.withLock { _ in
            defer { worker.taken = nil }
            return worker.taken
        }
        done?.release()
        return count
    }

    func live(_ worker: Worker) {
        // It was made for something that may not be what it finds first.
        worker.wasOnWatch = mayWatch(worker.crew)
        var hasRunJob = false
        while true {
            // After a job `next` has to note that it has ended.
            if !hasRunJob, let token = takeToken(worker) {
                if worker.wasOnWatch { endWatch(worker) }
                runTaken(token, worker)
                continue
            }
            hasRunJob = false
            switch next(for: worker) {
            case .token(let token):
                if worker.wasOnWatch { endWatch(worker) }
                runTaken(token, worker, mayBeStolen: true)
            case .job(let job):
                if worker.wasOnWatch { endWatch(worker) }
                worker.lastEnd = nil
                job.run()
                hasRunJob = true
            case .again: tge_spin_hint()
            case .park:
                worker.lastEnd = nil
                if !waitForWork(worker) { return }
            case .end: return
            }
        }
    }

    /// A worker that looked out for work, or was woken, has found some: what else was left to it, another gets.
    ///
    /// Producers rely on a worker that is warm or dozes, and wake one domain for many tokens.
    private func endWatch(_ worker: Worker) {
        worker.wasOnWatch = false
        let crew = worker.crew
        guard crew.hasFree || canSteal(crew) else { return }
        var sleeper = crews.asleep(crew.kind, from: 0)
        while let domain = sleeper, !crews[domain, crew.kind]._withUnsafeGuaranteedRef({ wake($0) }) {
            sleeper = crews.asleep(crew.kind, from: domain + 1)
        }
    }

    /// What `next` does where there is a token in the crew's own mailboxes and nothing else to look at.
    @inline(__always)
    private func takeToken(_ worker: Worker) -> Unmanaged<AnyTaskToken>? {
        let crew = worker.crew
        var done: Unmanaged<AnyTaskToken>?
        let bits = crew.state.withLock { state in
            let bits = crew.nextToken(&state)
            if bits != 0 {
                done = worker.taken
                worker.taken = Unmanaged(bits: bits)
            }
            return bits
        }
        guard bits != 0 else { return nil }
        // After unlocking: the last reference may run a deinit of the user's.
        done?.release()
        worker.batch &+= 1
        return Unmanaged(bits: bits)
    }

    /// Takes the next thing to do, from the crew's own queues, else from another domain's; else registers as idle.
    private func next(for worker: Worker) -> Next {
        let crew = worker.crew
        var done: Unmanaged<AnyTaskToken>?
        let own: Next? = crew.state.withLock { state in
            done = worker.taken
            worker.taken = nil
            if worker.jobOwner != 0 { endJob(worker, &state) }
            // The last thread of a closed crew leaves nothing behind: async bodies wait for their jobs.
            let isLast = state.isClosed && state.threads == 1
            if crew.kind != .storage, state.active > state.target, !isLast { return goIdle(worker, &state) }
            switch crew.next(&state) {
            case .token(let token):
                worker.taken = token
                return .token(token)
            case .job(let job):
                worker.jobOwner = job.owner
                return .job(job)
            case .arriving: return .again
            case .none: return nil
            }
        }
        // After unlocking: the last reference may run a deinit of the user's.
        done?.release()
        if let own {
            worker.batch &+= 1
            return own
        }
        if letSomeGather(worker) { return .again }
        if let stolen = steal(for: crew) {
            crew.state.withLock { _ in worker.taken = stolen }
            worker.wasOnWatch = true
            return .token(stolen)
        }
        // Asked once: a domain may be retired between two questions.
        let looksOut = mayDoze(crew)
        if looksOut { crews.warm.set(crew.domain, true) }
        let hasMail = expectMail(crew)
        if looksOut {
            crews.warm.set(crew.domain, false)
            worker.wasOnWatch = true
        }
        if hasMail { return .again }
        return crew.state.withLock { goIdle(worker, &$0) }
    }

    /// Leaves a mailbox alone for a moment that gets tokens one upon the other, so that they gather.
    ///
    /// A worker that runs them as fast as they come would take the submitter's cache lines, and perhaps its processor, away
    /// for each: three times slower. Where the last batch was of one token, as when a caller waits for each, it does not
    /// wait.
    ///
    /// - Returns: whether there is mail now.
    private func letSomeGather(_ worker: Worker) -> Bool {
        let crew = worker.crew
        guard machine.allowed.count > 1, crew.kind != .storage else { return false }
        switch worker.batch {
        case 0: return false
        case 1: worker.patience /= 2
        default: worker.patience = min(max(1, worker.patience * 2), Self.mostPatience)
        }
        worker.batch = 0
        for _ in 0..<worker.patience {
            tge_yield()
            for _ in 0..<8 { tge_spin_hint() }
        }
        return worker.patience > 0 && crew.hasMail
    }

    private static let mostPatience = 8

    /// Stays active for a microsecond or two without work, in case more comes at once: as long as the crew is not
    /// announced as ready, a push to it is an exchange and nothing else.
    private func expectMail(_ crew: Crew) -> Bool {
        guard machine.allowed.count > 1, crew.kind != .storage else { return false }
        for _ in 0..<Self.expectingLooks {
            if crew.hasMail { return true }
            for _ in 0..<8 { tge_spin_hint() }
        }
        return false
    }

    private static let expectingLooks = 24

    /// Registers a worker as idle, unless there is something to do after all.
    ///
    /// Under the lock.
    private func goIdle(_ worker: Worker, _ state: inout Crew.State) -> Next {
        let crew = worker.crew
        if state.isClosed, state.threads == 1, crew.hasMail || !state.jobs.isEmpty { return .again }
        state.active -= 1
        worker.absences += 1
        if state.isClosed {
            state.threads -= 1
            state.workers.removeAll { $0 === worker }
            return .end
        }
        state.idle.append(worker)
        publishReadiness(of: crew, &state)
        // The bit is set: a push that does not see it is seen here.
        let mayRun = crew.kind == .storage || state.active < state.target
        if mayRun, crew.hasMail || !state.jobs.isEmpty || !mayDoze(crew) && canSteal(crew) {
            state.idle.removeLast()
            state.active += 1
            publishReadiness(of: crew, &state)
            return .again
        }
        return .park
    }

    /// Spins briefly, then parks.
    ///
    /// False: the thread was idle for long enough to end.
    private func waitForWork(_ worker: Worker) -> Bool {
        let crew = worker.crew
        // Whoever wakes it may leave more to it than what it is woken for.
        worker.wasOnWatch = mayWatch(crew)
        if doze(worker) { return true }
        worker.wasOnWatch = mayWatch(crew)
        let idleTime = Int64(clampedAdding: configuration.idleThreadTime, to: 0)
        while true {
            if worker.parker.park(timeout: idleTime) { return true }
            let ends = crew.state.withLock { state in
                guard let place = state.idle.firstIndex(where: { $0 === worker }) else { return false }
                // The first thread of a started crew stays, so the crew answers at once.
                guard state.threads > 1 || crew.kind == .storage else { return false }
                state.idle.remove(at: place)
                state.threads -= 1
                state.workers.removeAll { $0 === worker }
                publishReadiness(of: crew, &state)
                return true
            }
            if ends { return false }
        }
    }

    /// Whether a crew's workers run what others leave to them.
    private func mayWatch(_ crew: Crew) -> Bool { crew.kind != .storage && domains.count > 1 }

    /// Whether a crew's workers look around by themselves for a while before they sleep.
    private func mayDoze(_ crew: Crew) -> Bool {
        crew.kind == .standard && domains.count > 1 && !isRetired(crew.domain)
    }

    /// Looks out for a wake-up, then, between short sleeps, for tokens of other domains that nobody gets to.
    ///
    /// Who submits a burst does not wake it meanwhile. Before it stops looking it says so, and looks once more: who does not
    /// see that it stopped has pushed before that look (Docs/Parking.md, "Bursts").
    ///
    /// - Returns: whether it is active again.
    private func doze(_ worker: Worker) -> Bool {
        let crew = worker.crew
        guard mayDoze(crew) else {
            spin(worker)
            // A body has come back from a wait, perhaps, before this worker took what it was woken for.
            if mayWatch(crew), !worker.parker.isNotified { endWatch(worker) }
            return false
        }
        crews.dozing.set(crew.domain, true)
        defer { crews.dozing.set(crew.domain, false) }
        spin(worker)
        var sleeps: Int64 = 0
        // Where another thread of the crew is at work it takes over nothing.
        while crews.ready(crew.kind).contains(crew.domain) {
            let hasMail = canSteal(crew)
            if hasMail, hasStale(crew), takeBack(worker) { return true }
            if !hasMail, sleeps >= Self.mostDozes {
                crews.dozing.set(crew.domain, false)
                if !canSteal(crew) { return false }
                crews.dozing.set(crew.domain, true)
            }
            if worker.parker.park(timeout: Self.shortestDoze << min(sleeps, Self.mostDozes - 1)) { return true }
            sleeps += 1
        }
        crews.dozing.set(crew.domain, false)
        if !worker.parker.isNotified { endWatch(worker) }
        return false
    }

    /// A dozing worker has found something: takes it off the idle ones, unless it is being woken, or another one is at work.
    private func takeBack(_ worker: Worker) -> Bool {
        let crew = worker.crew
        return crew.state.withLock { state in
            guard !state.isClosed, state.active < state.target,
                let place = state.idle.firstIndex(where: { $0 === worker })
            else { return false }
            state.idle.remove(at: place)
            state.active += 1
            publishReadiness(of: crew, &state)
            return true
        }
    }

    /// Looks out for a wake-up for some 20 µs before the thread parks, since a futex call costs both sides several.
    ///
    /// It yields between looks: the submitter may need this very processor. With one processor there is nobody to wait
    /// for.
    private func spin(_ worker: Worker) {
        guard machine.allowed.count > 1, worker.crew.kind != .storage else { return }
        for _ in 0..<Self.spinYields {
            for _ in 0..<16 {
                if worker.parker.isNotified { return }
                tge_spin_hint()
            }
            tge_yield()
        }
    }

    /// In nanoseconds; each of the next, up to as many without anything to take over, is twice as long.
    private static let shortestDoze: Int64 = 100_000
    private static let mostDozes: Int64 = 3

    private static let spinYields = 40

    // MARK: Taking over

    func canSteal(_ crew: Crew) -> Bool {
        guard crew.kind != .storage, domains.count > 1, !isRetired(crew.domain) else { return false }
        return domains.contains { $0[crew.kind] !== crew && $0[crew.kind].hasFree }
    }

    /// Takes the oldest free token of the next domain that has one; of a standard crew only where it has waited for a while:
    /// those that their own domain gets to at once are not worth the cache lines, nor its lock.
    private func steal(for crew: Crew) -> Unmanaged<AnyTaskToken>? {
        guard crew.kind != .storage, domains.count > 1, !isRetired(crew.domain) else { return nil }
        let stale = staleBefore(crew.kind)
        for step in 1..<domains.count {
            let victim = domains[(crew.domain + step) % domains.count][crew.kind]
            guard victim.hasFree else { continue }
            if let token = victim.state.withLock({ victim.popFree(&$0, submittedUntil: stale) }) { return token }
        }
        return nil
    }

    /// Whether another domain has a free token that has waited for a while.
    private func hasStale(_ crew: Crew) -> Bool {
        let stale = staleBefore(crew.kind)
        return domains.contains { domain in
            let victim = domain[crew.kind]
            guard victim !== crew, victim.hasFree else { return false }
            return victim.state.withLock { victim.hasFree($0, submittedUntil: stale) }
        }
    }

    /// Submitted until then, a token of another domain may be taken over: at any time but for standard crews.
    private func staleBefore(_ kind: CrewKind) -> Int64 { kind == .standard ? now() - Self.shortestStay : .max }

    /// How long a token stays with its domain at least, in nanoseconds.
    private static let shortestStay: Int64 = 20_000
}
