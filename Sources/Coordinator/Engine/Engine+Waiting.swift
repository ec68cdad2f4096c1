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
        // A job that runs on top of blocked bodies hides their frames: it is not part of them.
        guard let worker = Worker.current, owns(worker), let frame = BodyFrame.current, frame.submitter === self,
            let lineage = frame.lineage
        else {
            return parkOutsideFrames(until: token, deadline: deadline)
        }
        // What it holds may serve a descendant: it counts as blocked while it runs one here, too.
        beginBlocking(lineage, for: [token])
        let body = frame.token
        body?.willBlock()
        let permits = body?.holdings.intersection(.permits) ?? []
        var isAway = false
        var settled = runHere(token, worker, frame, lineage, isAway: false)
        if !settled {
            lendPermits(worker)
            leaveCrew(worker)
            isAway = true
            let number = registerWait(lineage, for: .tokens([token]), crew: worker.crew)
            settled = waitInSlices(deadline, worker, frame, lineage, for: token) { until in
                token.parkUntilSettled(deadline: until) || runHere(token, worker, frame, lineage, isAway: true)
            }
            endWait(number)
        }
        lineage.endBlockedWait()
        // A wait that gives up goes on beside its guests.
        var (mayWait, isFirst) = (settled, true)
        while let body {
            if mayWait {
                mayWait = waitForGuests(
                    of: body, isFirst ? deadline : nil, worker, frame, lineage, &isAway, lendsAtOnce: isFirst)
            }
            // Lent here, or by a descendant that ran on this thread. Each body takes back its own alone, when it goes on:
            // one that held a permit while it waits for the next could block others for ever.
            if permits.isSubset(of: body.holdings) { break }
            if !isAway { leaveCrew(worker) }
            isAway = true
            // Descendants may be let in from here on: for those it waits, unless it goes on beside others anyhow.
            (mayWait, isFirst) = (mayWait || !hasGuests(body), false)
            takePermitsBack(body, permits, worker, frame, lineage)
            if !mayWait || !hasGuests(body) { break }
        }
        if isAway { rejoinCrew(worker) }
        return settled
    }

    /// Parks where no synchronous body is: in a function that an async body calls, on a worker (which must not count as
    /// active meanwhile) or on any other thread that a task of it runs on; elsewhere there is nothing to do but park.
    private func parkOutsideFrames(until token: AnyTaskToken, deadline: Int64?) -> Bool {
        guard let lineage = Ambient.current?.lineage, lineage.submitter === self else {
            return parkJob(until: token, deadline: deadline)
        }
        // Another coordinator's where an actor lives there; it does not count as active there, either.
        let current = Worker.current
        if let current { current.engine.leaveCrew(current) }
        defer { if let current { current.engine.rejoinCrew(current) } }
        let worker = current.flatMap { owns($0) ? $0 : nil }
        beginBlocking(lineage, for: [token])
        let number = registerWait(lineage, for: .tokens([token]), crew: current?.crew)
        let settled = waitInSlices(deadline, worker, nil, lineage, for: token) {
            token.parkUntilSettled(deadline: $0)
        }
        lineage.endBlockedWait()
        endWait(number)
        if settled, let body = lineage.body {
            var isAway = true
            _ = waitForGuests(of: body, deadline, worker, nil, lineage, &isAway, lendsAtOnce: true)
        }
        return settled
    }

    /// Parks until `park` says that it is over, in slices: what keeps it may come to depend on this very thread (all threads
    /// of its domain blocked, say), so it looks again every 1 to 128 ms.
    ///
    /// - Returns: false when the deadline passed first.
    private func waitInSlices(
        _ deadline: Int64?, _ worker: Worker?, _ frame: BodyFrame?, _ lineage: Lineage, for token: AnyTaskToken? = nil,
        permit: PermitPlace? = nil, _ park: (Int64) -> Bool
    ) -> Bool {
        var slice: Int64 = 1_000_000
        var head: UInt?
        while true {
            if let deadline, now() >= deadline { return false }
            // Where the system refused a spare it may not do so now.
            if let worker { wakeForWork(worker.crew) }
            relieveExecutors()
            if slice >= Self.rescueSlice {
                rescue(lineage, token, permit?.line, &head)
                // Nobody else may be able to run the descendant that has the permit.
                if let permit, let worker, stepAside(permit, { help(worker, frame, lineage) }) { return true }
            }
            if permit == nil, let worker, help(worker, frame, lineage) {
                slice = 1_000_000
                if park(now()) { return true }
            } else if park(min(deadline ?? .max, now() + slice)) {
                return true
            } else {
                slice = min(slice * 2, Self.longestSlice)
            }
        }
    }

    /// Waits until no guest is inside what a body holds that wants to go on, or the deadline passes: a wait with a timeout
    /// goes on beside the guest then.
    ///
    /// - Parameters:
    ///   - isAway: whether the thread is away from its crew.
    ///   - lendsAtOnce: whether it lends its permits at once, or after a slice: it may just have got them, and those who wait for
    ///     it to leave the line would go ahead of it for ever.
    /// - Returns: false where the deadline passed first.
    private func waitForGuests(
        of body: AnyTaskToken, _ deadline: Int64?, _ worker: Worker?, _ frame: BodyFrame?, _ lineage: Lineage,
        _ isAway: inout Bool, lendsAtOnce: Bool
    ) -> Bool {
        var isFree = false
        while !isFree {
            isFree = true
            for kind in Holds.Kind.allCases {
                let parker = Parker()
                if comesBack(lineage, body, kind, .thread(parker)) { continue }
                isFree = false
                if !isAway, let worker { leaveCrew(worker) }
                isAway = true
                let number = registerWait(lineage, for: .guest(kind), crew: worker?.crew)
                var isOver = false
                if !lendsAtOnce { isOver = parker.park(timeout: Self.rescueSlice) }
                if !isOver {
                    // Where what it waited for ran on this thread it has lent nothing yet: the guest may wait for just that.
                    if let worker, frame != nil { lendPermits(worker) }
                    isOver = waitInSlices(deadline, worker, frame, lineage) {
                        parker.park(timeout: max(0, $0 - now()))
                    }
                }
                endWait(number)
                if !isOver {
                    nests.withLock { nests in
                        nests.giveUp(body.sequence, kind) {
                            if case .thread(let other) = $0 { other === parker } else { false }
                        }
                    }
                    return false
                }
            }
        }
        return true
    }

    /// After as long as this without news a blocked thread looks further than to its own tree.
    private static let rescueSlice: Int64 = 16_000_000
    /// Hundreds of threads may be blocked: looking around, they must not keep the others from working.
    private static let longestSlice: Int64 = 128_000_000

    // MARK: Helping

    /// Runs a descendant of this body that nobody else can run, because all threads of its crew are blocked: the awaited
    /// token may depend on it.
    private func help(_ worker: Worker, _ frame: BodyFrame?, _ lineage: Lineage) -> Bool {
        // One at a time looks around: hundreds of threads may be blocked, and would only be in each other's way.
        guard hasRoomOnStack(), !isLookingAround.exchange(true, ordering: .acquiring) else { return false }
        let found = findHelp(lineage)
        isLookingAround.store(false, ordering: .releasing)
        guard let found else { return false }
        // Until that returns this body waits for it, also where it was about to go on: what it holds serves it.
        beginBlocking(lineage, for: [])
        let number = registerWait(lineage, for: .help(found.body.map { [$0] } ?? []))
        switch found {
        case .job(let job, let crew):
            rejoinCrew(worker, covering: 1)
            hidingJob {
                if crew.domain == worker.domain { job.run() } else { visit(crew.domain) { job.run() } }
            }
            leaveCrew(worker, covering: -1)
        case .token(let token, let crew) where token.tags.isAsync:
            startAsync(token, operations.record(token), crew, worker)
        case .token(let token, _): runClaimed(token, worker, here: frame?.domain ?? worker.domain, isAway: true)
        }
        lineage.endBlockedWait()
        endWait(number)
        return true
    }

    private enum Help {
        case job(Crew.Job, Crew)
        case token(AnyTaskToken, Crew)

        /// The token whose body, or a task of it, is run.
        var body: AnyTaskToken? {
            switch self {
            case .job(let job, _): job.lineage?.body
            case .token(let token, _): token
            }
        }
    }

    private func findHelp(_ lineage: Lineage) -> Help? {
        for domain in domains {
            for crew in domain.crews where isStuck(crew) {
                if let job = takeJob(of: lineage, from: crew) { return .job(job, crew) }
                if let token = takeToken(of: lineage, from: crew) { return .token(token, crew) }
            }
        }
        return nil
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
    ///
    /// The entries of those that were claimed before are taken off the front, and only few are looked at where that is enough:
    /// a body may wait for thousands, one after the other.
    private func takeToken(of lineage: Lineage, from crew: Crew) -> AnyTaskToken? {
        var few = Self.firstLook
        while true {
            let (leftBehind, waiting) = crew.state.withLock { state in
                (crew.takeLeftBehind(&state), crew.waiting(state, atMost: few) { $0.lineage != nil })
            }
            // After unlocking: the last reference may run a deinit of the user's.
            for token in leftBehind { token.release() }
            // Lineages have locks of their own, which are not taken inside the crew's.
            if let token = waiting.first(where: { $0.lineage?.descends(from: lineage) == true && begin($0) }) {
                return token
            }
            if waiting.count < few { return nil }
            few = .max
        }
    }

    private static let firstLook = 8

    // MARK: Running it here

    /// Runs the awaited token on this thread if it may run here, after those it is made of; true when it is settled
    /// after that.
    private func runHere(
        _ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage, isAway: Bool
    ) -> Bool {
        for part in parts(of: token).reversed() { runOneHere(part, worker, frame, lineage, isAway: isAway) }
        return token.isSettled
    }

    private func runOneHere(
        _ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage, isAway: Bool
    ) {
        guard token.realm === realm, !token.tags.isAsync, token.state == .admitted,
            token.lineage?.descends(from: lineage) == true
        else { return }
        let isVisit = isBound(token) && Int(token.domain) != frame.domain
        if isVisit, !isStuck(crew(of: token)) { return }
        guard hasRoomOnStack() else { return runOnFreshStack(token, worker, frame, isAway: isAway) }
        if begin(token) { runClaimed(token, worker, here: frame.domain, isAway: isAway) }
    }

    /// Takes a token out of the hands of whoever would find it in its mailbox.
    func begin(_ token: AnyTaskToken) -> Bool {
        settleIfSwept(token, operations.record(token))
        return token.begin()
    }

    /// Runs a token whose entry in the mailbox stays behind; whoever finds it there drops it.
    ///
    /// - Parameters:
    ///   - here: the domain on whose CPUs the thread is.
    ///   - isAway: whether the thread does not count as active in its crew now.
    func runClaimed(_ token: AnyTaskToken, _ worker: Worker, here: Int, isAway: Bool) {
        let isBound = isBound(token)
        let domain = isBound ? Int(token.domain) : here
        if !isBound { token.domain = UInt16(truncatingIfNeeded: here) }
        beginInline(token, worker)
        let start = worker.lastEnd
        worker.lastEnd = nil
        let record = operations.record(token)
        if domain != here {
            visit(domain) { runBody(token, record, worker, domain: domain) }
        } else {
            runBody(token, record, worker, domain: domain)
        }
        worker.lastEnd = start
        let entry = endInline(worker, isAway: isAway)
        // The reference of the entry left behind is released by who finds it; what the token holds is returned here.
        returnHoldings(token)
        entry?.release()
    }

    /// Moves this thread to another domain's CPUs for one body that must run there while all threads there are blocked.
    private func visit(_ domain: Int, _ body: () -> Void) {
        guard configuration.pinMode != .none, let own = try? configuration.affinitySystem.affinity() else {
            return body()
        }
        _ = try? configuration.affinitySystem.setAffinity(pins(of: domain))
        body()
        _ = try? configuration.affinitySystem.setAffinity(own)
    }

    /// Whether all threads of a crew are blocked and it gets no more.
    func isStuck(_ crew: Crew) -> Bool {
        crew.state.withLock {
            $0.active <= 0 && $0.idle.isEmpty && ($0.threads >= crew.cap || $0.isRefused || $0.isClosed)
        }
    }

    // MARK: Depth

    private func hasRoomOnStack() -> Bool { tge_stack_left() > UInt64(min(configuration.stackSize / 4, 512 << 10)) }

    /// Goes on on a thread of its own when nested waits have used this one's stack up.
    ///
    /// That thread counts as active in the crew in this one's place.
    private func runOnFreshStack(_ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame, isAway: Bool) {
        let domain = isBound(token) ? Int(token.domain) : frame.domain
        guard begin(token) else { return }
        // Descendants on the new thread cannot lend them.
        lendPermits(worker)
        rejoinCrew(worker, covering: 1)
        defer { if isAway { leaveCrew(worker, covering: -1) } else { uncover(worker) } }
        let thread = try? PinnedThread.spawn(
            name: "tg\(domain + 1)-deep", cpus: configuration.pinMode == .none ? nil : pins(of: domain),
            stackSize: configuration.stackSize, system: configuration.affinitySystem
        ) { [self] report in
            let deeper = Worker(crew: worker.crew, number: 0, of: self)
            worker.crew.state.withLock { state in
                deeper.report = report
                state.workers.append(deeper)
            }
            deeper.inhabit { runClaimed(token, deeper, here: domain, isAway: false) }
            deeper.giveCountersBack()
            worker.crew.state.withLock { $0.workers.removeAll { $0 === deeper } }
        }
        guard let thread else {
            // What is left of the stack is all there is.
            return runClaimed(token, worker, here: frame.domain, isAway: false)
        }
        thread.join()
    }

    // MARK: Lending

    /// Gives the permits of all bodies on this thread to others while it is blocked; each takes its own back.
    private func lendPermits(_ worker: Worker) {
        for frame in worker.activeFrames {
            guard let token = frame.token, !token.holdings.isDisjoint(with: .permits) else { continue }
            // What a guest uses is its host's, who waits for it: only its own descendants are let in.
            for kind in PermitKind.allCases.reversed() where !isGuest(token, kind.hold) { givePermitBack(token, kind) }
        }
    }

    /// Takes a body's own permits back, in the one order in which all take them: while it waits for one it keeps none that comes
    /// after that.
    private func takePermitsBack(
        _ holder: AnyTaskToken, _ permits: TokenTags.Holdings, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage
    ) {
        while let missing = PermitKind.allCases.first(where: {
            permits.contains($0.holding) && !holder.holdings.contains($0.holding)
        }) {
            for later in PermitKind.allCases.reversed()
            where later.rawValue > missing.rawValue && !isGuest(holder, later.hold) {
                givePermitBack(holder, later)
            }
            let others = permits.subtracting(holder.holdings).subtracting(missing.holding)
            takePermitBack(holder, missing, others: others, worker, frame, lineage)
        }
        forgetStander(holder)
    }

    /// Takes one back, ahead of tokens that have not begun.
    ///
    /// In slices, as any wait: those who have the permits may need this thread's crew, which may get another thread then. It
    /// helps only when that has not come to pass, and outside of the line (`stepAside`).
    private func takePermitBack(
        _ holder: AnyTaskToken, _ kind: PermitKind, others: TokenTags.Holdings, _ worker: Worker, _ frame: BodyFrame,
        _ lineage: Lineage
    ) {
        guard let line = standingLine(kind, of: holder) else {
            fatalError("token \(holder.id) lent a permit of the kind \(kind), of which there is no line")
        }
        let place = PermitPlace(line, kind, holder, others: others)
        let holdings = holder.holdings.intersection(.permits)
        if !enter(place) {
            // Who has the permit may wait for a descendant that needs what this body holds: it serves them here, too.
            beginBlocking(lineage, for: [])
            let number = registerWait(
                lineage, for: .permit(kind, has: holdings), crew: worker.crew)
            _ = waitInSlices(nil, worker, frame, lineage, permit: place) {
                place.parker.park(timeout: max(0, $0 - now()))
            }
            lineage.endBlockedWait()
            endWait(number)
        }
        // Sent back it has less than before, and begins again.
        if !place.wasSentBack { hold(kind, holder) }
    }

    /// Takes the permit, or joins the line; whether it has the permit.
    private func enter(_ place: PermitPlace) -> Bool {
        let earlier = lines(of: place.earlier, place.holder)
        let isGranted = place.line.permits.withLock { permits in
            if permits.reacquire(.thread(place)) { return true }
            noteStander(place.holder, having: earlier, in: Standers.Place(line: place.line, kind: place.kind))
            return false
        }
        if isGranted { return true }
        // Told like one that gets a permit, where it comes to that.
        letBack(place)
        giveWay(at: place)
        seekTakers(of: earlier)
        return false
    }

    /// Does `work` outside of the line: a permit that came meanwhile would be kept from what that runs.
    ///
    /// - Returns: whether it has the permit now; not where that came before it could leave the line: then it is being told.
    private func stepAside(_ place: PermitPlace, _ work: () -> Bool) -> Bool {
        let hasLeft = place.line.permits.withLock { permits in
            permits.removeFirst { if case .thread(let other) = $0 { other === place } else { false } } != nil
        }
        guard hasLeft else { return false }
        _ = work()
        return enter(place)
    }
}
