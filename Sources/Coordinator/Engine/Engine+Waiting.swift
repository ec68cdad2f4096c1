//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import CExecution
internal import Routing
internal import Synchronization
package import TokenCore

// Waiting inside a body (C9). The body's thread is blocked, so it lends what it has: it runs the token it waits for
// right here if that descends from it and is ready; else its domain gets a spare worker, its permits go to others, and
// every few milliseconds it looks again. It never runs a stranger: that could enter a lock the body holds.
extension Engine {
    package func now() -> Int64 { tge_now_ns() }

    /// Whether a worker is one of ours: a body may wait for another coordinator's token.
    func owns(_ worker: Worker) -> Bool {
        domains.indices.contains(worker.crew.domain) && domains[worker.crew.domain][worker.crew.kind] === worker.crew
    }

    package func blockBody(until token: AnyTaskToken, deadline: Int64?) -> Bool {
        if let deadline, deadline <= now() { return token.isSettled }
        guard let worker = Worker.current, owns(worker), let frame = worker.activeFrames.last,
            let lineage = frame.lineage
        else {
            return parkOutsideFrames(until: token, deadline: deadline)
        }
        // Held by a blocked body, a turn may serve a descendant: it counts as blocked while it runs one here, too.
        lineage.beginBlockedWait()
        defer { lineage.endBlockedWait() }
        let body = frame.token
        let hasPermit = body?.holdings.contains(.permit) ?? false
        var isAway = false
        var settled = runHere(token, worker, frame, lineage, isAway: false)
        if !settled {
            lendPermits(worker)
            leaveCrew(worker)
            isAway = true
            settled = waitInSlices(token, deadline, worker, frame, lineage)
        }
        // Lent here, or by a descendant that ran on this thread. Each body takes back its own alone, when it goes on:
        // one that held a permit while it waits for the next could block others for ever.
        if hasPermit, let body, !body.holdings.contains(.permit) {
            if !isAway { leaveCrew(worker) }
            isAway = true
            takePermitBack(body)
        }
        if isAway { rejoinCrew(worker) }
        return settled
    }

    /// Parks where no synchronous body is: in a function that an async body calls, its worker must not count as active
    /// meanwhile; elsewhere there is nothing to do but park.
    private func parkOutsideFrames(until token: AnyTaskToken, deadline: Int64?) -> Bool {
        guard let worker = Worker.current, owns(worker) else { return token.parkUntilSettled(deadline: deadline) }
        leaveCrew(worker)
        defer { rejoinCrew(worker) }
        guard let lineage = Ambient.current.lineage, lineage.submitter === self else {
            return token.parkUntilSettled(deadline: deadline)
        }
        // It does not count as blocked: its child tasks may go on, so what it holds serves nobody else.
        var slice: Int64 = 1_000_000
        while !token.isSettled {
            if let deadline, now() >= deadline { return false }
            wakeForWork(worker.crew)
            if help(worker, nil, lineage) {
                slice = 1_000_000
            } else if token.parkUntilSettled(deadline: min(deadline ?? .max, now() + slice)) {
                return true
            } else {
                slice = min(slice * 2, 16_000_000)
            }
        }
        return true
    }

    /// Parks until the token settles, in slices: what keeps it may come to depend on this very thread (all threads of
    /// its domain blocked, say), so it looks again every 1 to 16 ms.
    private func waitInSlices(
        _ token: AnyTaskToken, _ deadline: Int64?, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage
    ) -> Bool {
        var slice: Int64 = 1_000_000
        while !token.isSettled {
            if let deadline, now() >= deadline { return false }
            // Where the system refused a spare it may not do so now.
            wakeForWork(worker.crew)
            if token.state == .waiting { rescue() }
            if help(worker, frame, lineage) {
                slice = 1_000_000
            } else if token.parkUntilSettled(deadline: min(deadline ?? .max, now() + slice)) {
                return true
            } else {
                slice = min(slice * 2, 16_000_000)
            }
            if runHere(token, worker, frame, lineage, isAway: true) { return true }
        }
        return true
    }

    /// Makes a thread beyond the cap for each crew that is stuck with mail: what the awaited token stands in line for may
    /// be held by a stranger in there, whom nobody else can run.
    private func rescue() {
        for crew in domains.flatMap(\.crews) where crew.hasMail && isStuck(crew) {
            let mustSpawn = crew.state.withLock { state in
                guard !state.isClosed, state.active <= 0, state.idle.isEmpty, state.threads < crew.cap + Self.rescuers
                else { return false }
                state.threads += 1
                state.active += 1
                publishReadiness(of: crew, &state)
                return true
            }
            if mustSpawn { spawnOrHandOver(crew) }
        }
    }

    /// How far rescues may go beyond a crew's cap.
    private static let rescuers = 64

    // MARK: Helping

    /// Runs a descendant of this body that nobody else can run, because all threads of its crew are blocked: the awaited
    /// token may depend on it.
    private func help(_ worker: Worker, _ frame: BodyFrame?, _ lineage: Lineage) -> Bool {
        guard hasRoomOnStack() else { return false }
        for domain in domains {
            for crew in domain.crews where isStuck(crew) {
                if let job = takeJob(of: lineage, from: crew) {
                    BodyFrame.hidden { job.run() }
                    return true
                }
                if let token = takeToken(of: lineage, from: crew) {
                    if token.tags.isAsync {
                        startAsync(token, operations.record(token.operation), crew, worker)
                    } else {
                        runClaimed(token, worker, frame, isAway: true)
                    }
                    return true
                }
            }
        }
        return false
    }

    private func takeJob(of lineage: Lineage, from crew: Crew) -> Crew.Job? {
        // Lineages have locks of their own, which are not taken inside the crew's.
        let owned = crew.state.withLock {
            $0.jobs.compactMap { job in job.lineage.map { (number: job.number, lineage: $0) } }
        }
        guard let found = owned.first(where: { $0.lineage.descends(from: lineage) }) else { return nil }
        return crew.state.withLock { state in
            guard let place = state.jobs.firstIndex(where: { $0.number == found.number }) else { return nil }
            return state.jobs.remove(at: place)
        }
    }

    /// Claims the oldest descendant in a crew's mailboxes; its entry stays behind.
    private func takeToken(of lineage: Lineage, from crew: Crew) -> AnyTaskToken? {
        var waiting: [AnyTaskToken] = []
        crew.state.withLock { state in
            crew.forEachToken(state, waiting: true, executing: false) { if $0.lineage != nil { waiting.append($0) } }
        }
        return waiting.first { token in
            token.state == .admitted && token.lineage?.descends(from: lineage) == true && begin(token)
        }
    }

    // MARK: Running it here

    /// Runs the awaited token on this thread if it may run here, after those it is made of; true when it is settled
    /// after that.
    private func runHere(
        _ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage, isAway: Bool
    ) -> Bool {
        if token.sources.isEmpty { return runOneHere(token, worker, frame, lineage, isAway: isAway) }
        var needed = [token]
        var seen = Set([ObjectIdentifier(token)])
        var next = 0
        while next < needed.count {
            for source in needed[next].sources where !source.isSettled {
                if seen.insert(ObjectIdentifier(source)).inserted { needed.append(source) }
            }
            next += 1
        }
        for source in needed.reversed() { _ = runOneHere(source, worker, frame, lineage, isAway: isAway) }
        return token.isSettled
    }

    private func runOneHere(
        _ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage, isAway: Bool
    ) -> Bool {
        guard token.realm === realm, !token.tags.isAsync,
            token.lineage?.descends(from: lineage) == true
        else { return token.isSettled }
        switch token.state {
        case .admitted:
            let isVisit = isBound(token) && Int(token.domain) != frame.domain
            if isVisit, !isStuck(domains[Int(token.domain)][kind(of: token)]) { return false }
            guard hasRoomOnStack() else { return runOnFreshStack(token, worker, frame) }
            guard begin(token) else { return token.isSettled }
            runClaimed(token, worker, frame, isAway: isAway)
        case .waiting:
            guard hasRoomOnStack(), beginNested(token) else { return token.isSettled }
            runClaimed(token, worker, frame, isAway: isAway) { leaveNested(token) }
        case .created, .executing, .completed, .failed, .killed, .timedOut:
            return token.isSettled
        }
        return true
    }

    /// Takes a token out of the hands of whoever would find it in its mailbox.
    private func begin(_ token: AnyTaskToken) -> Bool {
        settleIfSwept(token, operations.record(token.operation))
        return token.begin()
    }

    /// Runs a token whose mailbox or queue entry stays behind; whoever finds that entry drops it.
    ///
    /// `isAway` says that the thread does not count as active in its crew now.
    private func runClaimed(
        _ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame?, isAway: Bool, after: () -> Void = {}
    ) {
        let crew = worker.crew
        let here = frame?.domain ?? (isBound(token) ? Int(token.domain) : crew.domain)
        let domain = isBound(token) ? Int(token.domain) : here
        if isAway { rejoinCrew(worker) }
        crew.state.withLock { _ in worker.running.append(.passRetained(token)) }
        let start = worker.lastEnd
        worker.lastEnd = nil
        let record = operations.record(token.operation)
        if domain != here {
            visit(domain) { runBody(token, record, worker, domain: domain) }
        } else {
            runBody(token, record, worker, domain: domain)
        }
        worker.lastEnd = start
        let entry = crew.state.withLock { _ in worker.running.popLast() }
        after()
        // The reference of the entry left behind is released by who finds it; what the token holds is returned here.
        returnHoldings(token)
        entry?.release()
        if isAway { leaveCrew(worker) }
    }

    /// Moves this thread to another domain's CPUs for one body that must run there while all threads there are blocked.
    private func visit(_ domain: Int, _ body: () -> Void) {
        guard configuration.pinMode != .none, let own = try? configuration.affinitySystem.affinity() else {
            return body()
        }
        _ = try? configuration.affinitySystem.setAffinity(domains[domain].cpus)
        body()
        _ = try? configuration.affinitySystem.setAffinity(own)
    }

    /// Whether all threads of a crew are blocked and it gets no more.
    private func isStuck(_ crew: Crew) -> Bool {
        crew.state.withLock { $0.active <= 0 && $0.idle.isEmpty && ($0.threads >= crew.cap || $0.isRefused) }
    }

    // MARK: Depth

    private func hasRoomOnStack() -> Bool { tge_stack_left() > UInt64(min(configuration.stackSize / 4, 512 << 10)) }

    /// Goes on on a thread of its own when nested waits have used this one's stack up.
    private func runOnFreshStack(_ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame) -> Bool {
        let domain = isBound(token) ? Int(token.domain) : frame.domain
        guard begin(token) else { return token.isSettled }
        // Descendants on the new thread cannot lend them.
        lendPermits(worker)
        let thread = try? PinnedThread.spawn(
            name: "tg\(domain + 1)-deep", cpus: configuration.pinMode == .none ? nil : domains[domain].cpus,
            stackSize: configuration.stackSize, system: configuration.affinitySystem
        ) { [self] _ in
            let deeper = Worker(crew: worker.crew, number: 0)
            worker.crew.state.withLock { $0.workers.append(deeper) }
            deeper.inhabit { runClaimed(token, deeper, nil, isAway: false) }
            deeper.giveCountersBack()
            worker.crew.state.withLock { $0.workers.removeAll { $0 === deeper } }
        }
        guard let thread else {
            runClaimed(token, worker, frame, isAway: false)  // what is left of the stack is all there is
            return true
        }
        thread.join()
        return true
    }

    // MARK: Lending

    /// Gives the permits of all bodies on this thread to others while it is blocked; each takes its own back.
    private func lendPermits(_ worker: Worker) {
        for frame in worker.activeFrames { if let token = frame.token { givePermitBack(token) } }
    }

    private func takePermitBack(_ holder: AnyTaskToken) {
        guard let speed = holder.tags.storage else { return }
        let parker = Parker()
        let granted = tier(speed).permits.withLock { $0.acquire(.thread(parker)) }
        if !granted { _ = parker.park() }
        holder.holdings.insert(.permit)
    }

    private func leaveCrew(_ worker: Worker) {
        let crew = worker.crew
        crew.state.withLock { state in
            state.active -= 1
            publishReadiness(of: crew, &state)
        }
        wakeForWork(crew)
    }

    private func wakeForWork(_ crew: Crew) {
        if crew.state.withLock({ crew.hasMail || !$0.jobs.isEmpty || canSteal(crew) }) { wake(crew) }
    }

    private func rejoinCrew(_ worker: Worker) {
        let crew = worker.crew
        worker.lastEnd = nil
        crew.state.withLock { state in
            state.active += 1
            publishReadiness(of: crew, &state)
        }
    }
}
