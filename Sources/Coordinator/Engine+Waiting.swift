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
        guard let worker = Worker.current, owns(worker), let frame = worker.activeFrames.last, let lineage = frame.lineage else {
            return token.parkUntilSettled(deadline: deadline)
        }
        if runHere(token, worker, frame, lineage) { return true }
        lineage.beginBlockedWait()
        defer { lineage.endBlockedWait() }
        // Held by a blocked body, a turn may serve a descendant: look once more now that it counts as blocked.
        if runHere(token, worker, frame, lineage) { return true }
        let lent = lendPermits(worker)
        leaveCrew(worker)
        let settled = parkInSlices(token, deadline, worker, frame, lineage)
        rejoinCrew(worker)
        takePermitsBack(lent)
        return settled
    }

    /// Parks until the token settles. While it has not begun, the state that keeps it may change so that nobody else can
    /// run it (its domain's threads all blocked, say); so the wait is cut into slices of 1 to 64 ms until it begins.
    private func parkInSlices(
        _ token: AnyTaskToken, _ deadline: Int64?, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage
    ) -> Bool {
        var slice: Int64 = 1_000_000
        while !token.isSettled {
            if let deadline, now() >= deadline { return false }
            if token.state == .executing { return token.parkUntilSettled(deadline: deadline) }
            if token.parkUntilSettled(deadline: min(deadline ?? .max, now() + slice)) { return true }
            if runHere(token, worker, frame, lineage) { return true }
            slice = min(slice * 2, 64_000_000)
        }
        return true
    }

    // MARK: Running it here

    /// Runs the awaited token on this thread if it may run here; true when it is settled after that.
    private func runHere(_ token: AnyTaskToken, _ worker: Worker, _ frame: BodyFrame, _ lineage: Lineage) -> Bool {
        guard token.realm === realm, !token.tags.isAsync,
            token.lineage?.descends(from: lineage) == true
        else { return token.isSettled }
        switch token.state {
        case .admitted:
            // A bound token's domain is fixed by now; a free one's may change under our eyes, and does not matter.
            let isVisit = isBound(token) && Int(token.domain) != frame.domain
            if isVisit, !isStuck(domains[Int(token.domain)][kind(of: token)]) { return false }
            guard hasRoomOnStack() else { return runOnFreshStack(token, worker) }
            guard begin(token, worker, from: \.admitted) else { return token.isSettled }
        case .waiting:
            guard hasRoomOnStack(), beginNested(token, worker) else { return token.isSettled }
        case .created, .executing, .completed, .failed, .killed, .timedOut:
            return token.isSettled
        }
        runClaimed(token, worker, domain: isBound(token) ? Int(token.domain) : frame.domain)
        return true
    }

    /// The ways in which a token can be taken by the body that waits for it.
    private struct Claim {
        let admitted = { (word: TokenWord) in word.starting() }
        let nested = { (word: TokenWord) in word.startingNested() }
    }

    private func begin(
        _ token: AnyTaskToken, _ worker: Worker, from claim: KeyPath<Claim, (TokenWord) -> TokenWord?>
    ) -> Bool {
        let record = operations.record(token.operation)
        settleIfSwept(token, record)
        return token.transition(Claim()[keyPath: claim])
    }

    /// Starts a token that waits for the turn of an ordered anchor which a body holds that is itself blocked: the turn
    /// serves the descendant, like a lock that is entered twice. Decided under the anchor's lock, so the turn cannot be
    /// handed to the token at the same time.
    private func beginNested(_ token: AnyTaskToken, _ worker: Worker) -> Bool {
        guard token.tags.flags.contains(.ordered), isInsideTurn(token) else { return false }
        let hash = AnchorHash(rawValue: token.anchor)
        var permit = false
        if let speed = token.tags.storage {
            guard tier(speed).permits.withLock({ $0.tryAcquire() }) else { return false }
            permit = true
        }
        let begun = shard(of: hash).table.withLock { _ in
            guard !token.holdings.contains(.turn) else { return false }
            return begin(token, worker, from: \.nested)
        }
        if begun, permit { token.holdings.insert(.permit) }
        if !begun, permit, let speed = token.tags.storage { pass(tier(speed).permits.withLock { $0.release() }) }
        return begun
    }

    /// Whether an ancestor that is blocked in a wait runs in the token's anchor.
    private func isInsideTurn(_ token: AnyTaskToken) -> Bool {
        var ancestor = token.lineage
        while let lineage = ancestor {
            if let body = lineage.body, body.anchor == token.anchor, body.tags.flags.contains(.ordered), lineage.isBlocked {
                return true
            }
            ancestor = lineage.parent
        }
        return false
    }

    /// Runs a token whose mailbox or queue entry stays behind; whoever finds that entry drops it.
    private func runClaimed(_ token: AnyTaskToken, _ worker: Worker, domain: Int) {
        let crew = worker.crew
        crew.state.withLock { _ in worker.running.append(.passRetained(token)) }
        let start = worker.lastEnd
        worker.lastEnd = nil
        let record = operations.record(token.operation)
        if domain != crew.domain {
            visit(domain) { runBody(token, record, worker, domain: domain) }
        } else {
            runBody(token, record, worker, domain: domain)
        }
        worker.lastEnd = start
        let entry = crew.state.withLock { _ in worker.running.popLast() }
        // The reference of the entry left behind is released by who finds it; what the token holds is returned here.
        returnHoldings(token)
        entry?.release()
    }

    /// Moves this thread to another domain's CPUs for one body that must run there while all threads there are blocked.
    private func visit(_ domain: Int, _ body: () -> Void) {
        guard configuration.pinMode != .none, let own = try? CurrentThread.affinity() else { return body() }
        _ = try? CurrentThread.setAffinity(domains[domain].cpus)
        body()
        _ = try? CurrentThread.setAffinity(own)
    }

    /// Whether all threads of a crew are blocked and it may make no more.
    private func isStuck(_ crew: Crew) -> Bool {
        crew.state.withLock { $0.active == 0 && $0.idle.isEmpty && $0.threads >= crew.cap }
    }

    // MARK: Depth

    private func hasRoomOnStack() -> Bool { tge_stack_left() > UInt64(min(configuration.stackSize / 4, 512 << 10)) }

    /// Goes on on a thread of its own when nested waits have used this one's stack up.
    private func runOnFreshStack(_ token: AnyTaskToken, _ worker: Worker) -> Bool {
        let domain = isBound(token) ? Int(token.domain) : worker.crew.domain
        guard begin(token, worker, from: \.admitted) else { return token.isSettled }
        let thread = try? PinnedThread.spawn(
            name: "tg\(domain + 1)-deep", cpus: configuration.pinMode == .none ? nil : domains[domain].cpus,
            stackSize: configuration.stackSize, system: configuration.affinitySystem
        ) { [self] _ in
            let deeper = Worker(crew: worker.crew, number: 0)
            worker.crew.state.withLock { $0.workers.append(deeper) }
            deeper.inhabit { runClaimed(token, deeper, domain: worker.crew.domain) }
            worker.crew.state.withLock { $0.workers.removeAll { $0 === deeper } }
        }
        guard let thread else {
            runClaimed(token, worker, domain: domain)  // what is left of the stack is all there is
            return true
        }
        thread.join()
        return true
    }

    // MARK: Lending

    /// Gives the permits of all bodies on this thread to others while it is blocked.
    private func lendPermits(_ worker: Worker) -> [AnyTaskToken] {
        let holders = worker.activeFrames.compactMap(\.token).filter { $0.holdings.contains(.permit) }
        for holder in holders { givePermitBack(holder) }
        return holders
    }

    private func takePermitsBack(_ holders: [AnyTaskToken]) {
        for holder in holders {
            guard let speed = holder.tags.storage else { continue }
            let parker = Parker()
            let granted = tier(speed).permits.withLock { $0.acquire(.thread(parker)) }
            if !granted { _ = parker.park() }
            holder.holdings.insert(.permit)
        }
    }

    private func leaveCrew(_ worker: Worker) {
        let crew = worker.crew
        let mustWake = crew.state.withLock { state in
            state.active -= 1
            publishReadiness(of: crew, &state)
            return crew.hasMail || !state.jobs.isEmpty
        }
        if mustWake { wake(crew) }
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
