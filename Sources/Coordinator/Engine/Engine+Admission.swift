//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Routing
internal import Synchronization
package import TokenCore

// The way of a token from its caller to a mailbox:
//
//   submit ─▶ charge ─▶ places ─▶ anchor's turn ─▶ pause ─▶ permits ─▶ mailbox
//
// A plain token (free, no storage, no lineage) goes straight to the mailbox while the gate is plainly open. The engine
// owns one reference to a token from its submission to its retirement; whichever list the token waits in holds it.
//
// A sweep (kill, discard, stop) first moves the operation's epoch, then walks the lists. Whoever puts a token into a
// list looks at the epoch after that. So a token in transit is either found by the walk or settled by its carrier.
extension Engine: ClaimReserver {
    package func submit(_ token: AnyTaskToken, claim: PlacementClaim) {
        let record = operations.record(token)
        let isNew = token.sequence == 0
        if !isNew, !token.isDerived || token.realm !== realm { return refuseNumbered(token) }
        // Killed while an executor of one's own had it.
        if isNew, token.isSettled { return }
        if isNew {
            number(token, record)
        } else {
            // Reserved: numbered, and under the sweeps since then.
            reserved.withLock { $0[token.sequence] = nil }
        }
        // After the count: a stop that does not see this token is seen here.
        let gate = gate
        let control = record.controlNow
        if isNew { token.epoch = control.epoch }
        token.submittedAt = tge_now_ns()
        let owned = Unmanaged.passRetained(token)
        if gate.isPlain, control.isOpen, token.lineage == nil, token.tags.isPlain {
            return deliver(owned, record)
        }
        submitSlowly(owned, record, gate, claim)
    }

    package func reserve(_ token: AnyTaskToken) { reserve(token, claim: .free) }

    package func reserve(_ token: AnyTaskToken, claim: PlacementClaim) {
        let record = operations.record(token)
        number(token, record)
        token.epoch = record.controlNow.epoch
        token.submittedAt = tge_now_ns()
        let comesFromOutside = token.lineage == nil
        charge(token, claim)
        reserved.withLock { $0[token.sequence] = token }
        // After the count: a stop that does not see this token is seen here. Of what is reserved while it drains only what
        // is made of others may come from outside.
        let gate = gate
        if gate.contains(.stopped)
            || gate.contains(.draining) && comesFromOutside && token.tags.flags.contains(.managed)
        {
            token.settle(for: .coordinatorStopped, reportingTo: self)
        } else {
            settleIfSwept(token, record)
            if token.tags.flags.contains(.managed), record.controlNow.isBlocked { refuseBlocked(token) }
        }
    }

    private func refuseBlocked(_ token: AnyTaskToken) {
        // A lease counts its members in before it counts them out.
        if token.state == .created, let lease = token.lineage?.lead, !token.isDerived { join(lease, token) }
        token.refuse(TokenError(.operationBlocked, "\"\(token.operationType)\" is blocked"))
    }

    /// A token that has a number already cannot be numbered again.
    ///
    /// One of this coordinator, or of another, is on its way there, and is left alone. One that an executor of one's own took
    /// on is settled, so that nobody waits for it in vain.
    private func refuseNumbered(_ token: AnyTaskToken) {
        guard let other = token.realm, !other.runsItsTokens else { return }
        token.refuse(
            TokenError(
                .invalidArgument,
                "token \(token.id) of \"\(token.operationType)\" was numbered in the realm \(other.origin) before it came to a"
                    + " coordinator, which numbers its tokens itself"))
    }

    func number(_ token: AnyTaskToken, _ record: OperationRecord) {
        token.realm = realm
        token.sequence = record.countSubmissions(shard: Self.shardOfThread())
    }

    private func submitSlowly(
        _ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, _ gate: Gate, _ claim: PlacementClaim
    ) {
        let object = token.takeUnretainedValue()
        let isReserved = object.state != .created
        if gate.contains(.stopped) || gate.contains(.draining) && object.lineage == nil && !isReserved {
            // A lease counts its members in before it counts them out.
            if !isReserved, let lease = object.lineage?.lead { join(lease, object) }
            object.settle(for: .coordinatorStopped, reportingTo: self)
            returnUnused(object)
            return token.release()
        }
        if !isReserved, record.controlNow.isBlocked {
            refuseBlocked(object)
            returnUnused(object)
            return token.release()
        }
        let descends = object.lineage != nil
        if !isReserved { charge(object, claim) }
        if takePlaces(token, record, mustEnter: isReserved || descends) { proceed(token, record, gate) }
    }

    /// A token has its place, where there is a limit: on to the queues.
    func proceed(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, _ gate: Gate) {
        let object = token.takeUnretainedValue()
        if !gate.contains(.started) {
            object.transition { $0.holding() }
            let kept = pending.withLock { list in
                if list == nil { return false }
                list?.append(token)
                return true
            }
            if kept { return noteHeld(object, record) }
        }
        takeTurn(token, record)
    }

    // MARK: Charge

    /// Ties a token to its lead and its anchor before anyone can see it.
    private func charge(_ token: AnyTaskToken, _ claim: PlacementClaim) {
        if let lease = token.lineage?.lead {
            token.domain = UInt16(truncatingIfNeeded: lease.domain)
            join(lease, token)
        } else if case .lead(let calls) = claim {
            let domain = usablePlace(token.tags.weight, kind: kind(of: token), at: token.submittedAt).domain
            let lease = LeadLease(
                lead: token.id, domain: domain, externalCalls: calls, priority: token.tags.priority ?? .normal)
            token.domain = UInt16(truncatingIfNeeded: domain)
            token.lineage = Lineage(lead: lease, token: token, parent: token.lineage, submitter: self)
            join(lease, token)
        }
        if case .anchor(let bytes) = claim { token.anchor = AnchorHash(bytes: bytes).rawValue }
    }

    private func join(_ lease: any LeadClaim, _ token: AnyTaskToken) {
        guard let lease = lease as? LeadLease, lease.join() == .opened else { return }
        leases.opened.add(1, ordering: .relaxed)
        domains[lease.domain].homes.add(1, ordering: .relaxed)
        events.emit { .leaseOpened(seed: lease.seed, lead: lease.lead, domain: lease.domain + 1) }
    }

    /// A member of a lease has become terminal: answers the lease if that released it, for `tell(released:)`.
    func leave(_ token: AnyTaskToken) -> LeadLease? {
        guard let lease = token.lineage?.lead as? LeadLease, lease.leave() == .released else { return nil }
        domains[lease.domain].homes.subtract(1, ordering: .relaxed)
        leases.released.add(1, ordering: .releasing)
        return lease
    }

    func tell(released lease: LeadLease) {
        events.emit { .leaseReleased(seed: lease.seed, lead: lease.lead, domain: lease.domain + 1) }
    }

    // MARK: Turn

    /// Brings a token to its anchor; goes on when it holds the turn or needs none.
    func takeTurn(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord) {
        let object = token.takeUnretainedValue()
        guard object.tags.flags.contains(.anchored) else { return passPause(token, record) }
        let hash = AnchorHash(rawValue: object.anchor)
        let lease = object.lineage?.lead
        let ordered = object.tags.flags.contains(.ordered)
        object.holdings.insert(.anchor)
        if object.tags.anchorLimit != 0 { shard(of: hash).enterLine(of: hash.rawValue, limit: object.tags.anchorLimit) }
        if ordered { object.transition { $0.holding() } }
        let now = object.submittedAt
        let arrival = shard(of: hash).table.withLock { table in
            let before = table.liveAnchors
            // A member of a lead stays with its lead, unless tokens of its anchor are alive elsewhere.
            let arrival = table.arrive(
                hash, ordered: ordered, waiter: token, now: now, forgetsIdle: lease != nil
            ) {
                lease?.domain ?? home(of: hash)
            }
            object.domain = UInt16(truncatingIfNeeded: arrival.domain)
            if arrival.turn == .granted { object.holdings.insert(.turn) }
            if table.liveAnchors > before { domains[arrival.domain].homes.add(1, ordering: .relaxed) }
            return arrival
        }
        if let lease, lease.domain != arrival.domain { leases.diverted.add(1, ordering: .relaxed) }
        switch arrival.turn {
        case .none, .granted: passPause(token, record)
        case .queued:
            // A worker may run and free it as soon as it is in the line.
            let isExempt = descendsFromBody(object)
            noteHeld(object, record)
            if isExempt { yieldPausedTurn(of: hash) }
        }
    }

    func shard(of hash: AnchorHash) -> AnchorShard { anchors[Int(truncatingIfNeeded: hash.rawValue >> 58)] }

    // MARK: Pause

    /// Whether a token has to be held back now.
    ///
    /// Descendants of running bodies are let through: a pause lands between chains, so it can never hang one.
    @inline(__always)
    func isPaused(_ token: AnyTaskToken, _ record: OperationRecord) -> Bool {
        (gate.contains(.paused) || record.controlNow.isPaused) && !descendsFromBody(token)
    }

    /// Whether a body runs of which the token is a descendant.
    private func descendsFromBody(_ token: AnyTaskToken) -> Bool {
        var next = token.lineage
        while let lineage = next {
            if lineage.body != nil { return true }
            next = lineage.parent
        }
        return false
    }

    func passPause(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord) {
        if holdIfPaused(token, record) { return }
        takePermits(token, record)
    }

    /// Puts a token aside if it is paused.
    ///
    /// The flag is read again under the list's lock, which `resume` takes after it has cleared the flag, so no token is
    /// left behind.
    func holdIfPaused(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord) -> Bool {
        let object = token.takeUnretainedValue()
        guard isPaused(object, record) else { return false }
        guard object.transition({ $0.holding() }) || object.state == .waiting else {
            // Settled, or taken out of the mailbox by a waiting ancestor: there is nothing to hold back.
            retireSettled(token)
            return true
        }
        // Waiting and in nobody's list, what it holds is ours alone, also where someone settles it now.
        givePermitsBack(object)
        var turn: AnchorHash?
        let held = withPaused { list in
            guard isPaused(object, record), !gate.contains(.draining) else { return false }
            if object.holdings.contains(.turn) { turn = AnchorHash(rawValue: object.anchor) }
            list.append(token)
            return true
        }
        // A pause that meets a stop will not be lifted any more.
        if !held, gate.contains(.draining), isPaused(object, record) { drop(object) }
        guard held else { return false }
        noteHeld(object, record)
        if let turn { yieldPausedTurn(of: turn) }
        return true
    }

    /// Where a token that a pause holds has an anchor's turn, and a descendant of a running body stands in the line: gives
    /// that one the turn, and puts the other first in the line.
    ///
    /// Called after either has been put where it stands, so one of the two calls finds both.
    private func yieldPausedTurn(of hash: AnchorHash) {
        guard hasPausedTurns.load(ordering: .sequentiallyConsistent) else { return }
        func canUse(_ token: Unmanaged<AnyTaskToken>) -> Bool {
            token._withUnsafeGuaranteedRef { $0.state == .waiting && descendsFromBody($0) }
        }
        let shard = shard(of: hash)
        while shard.table.withLock({ $0.hasWaiter(of: hash, where: canUse) }) {
            // Resumed, killed, or on its way to the list, where there is none.
            guard let holder = withPaused({ $0.takeHolder(ofTurn: hash.rawValue) }) else { return }
            let object = holder.takeUnretainedValue()
            let next = shard.table.withLock { table in
                let next = table.yieldTurn(hash, of: holder, to: canUse)
                guard let next else { return next }
                object.holdings.remove(.turn)
                next.takeUnretainedValue().holdings.insert(.turn)
                return next
            }
            let record = operations.record(object)
            if let next {
                // A sweep may have missed it between the list and the line.
                settleIfSwept(object, record)
                return passPause(next, operations.record(next.takeUnretainedValue()))
            }
            // Nobody is there who can use it any more: back to the list.
            if !holdIfPaused(holder, record) { return takePermits(holder, record) }
        }
    }

    /// Settles a token that a pause holds while the coordinator stops.
    func drop(_ token: AnyTaskToken) {
        token.settle(for: .coordinatorStopped, reportingTo: self)
    }

    // MARK: Mailbox

    /// Puts a token into a mailbox and sees to it that someone looks there.
    ///
    /// One that died on its way stays out: a closed crew has no thread that would find it, and what it holds others may
    /// wait for.
    func deliver(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, looker: Worker? = nil) {
        guard
            let (kind, isBound, place, epoch, rank) = token._withUnsafeGuaranteedRef({
                address($0, looker: looker)
            })
        else { return retireSettled(token) }
        // From the push on, the token may be run and freed by others.
        let domain = place.domain
        crews[domain, kind]._withUnsafeGuaranteedRef { $0.push(token, isBound: isBound, rank) }
        if record.controlNow.epoch != epoch { sweepInTransit(record) }
        if let looker, looker.crew.domain == domain, looker.crew.kind == kind { return }
        let ready = crews.ready(kind)
        if ready.contains(domain), crews[domain, kind]._withUnsafeGuaranteedRef({ wake($0) }) { return }
        if isBound || kind == .storage { return wakeIfRetired(domain, kind) }
        // Its worker takes the token, or, where it has found something else, relays it.
        if kind == .standard, crews.warm.contains(domain) { return }
        var next = ready.first(from: 0)
        while let other = next, crews[domain, kind]._withUnsafeGuaranteedRef({ $0.hasFree }) {
            // It looks for itself in a moment: the caller goes on submitting, in place of taking its own processor away.
            if place.isBurst, crews.dozing.contains(other) { return tge_self().pointee.owes = 1 }
            if crews[other, kind]._withUnsafeGuaranteedRef({ wake($0) }) { return }
            // It was put to work by others, and need not come by here; or the system refuses it a thread.
            next = ready.first(from: other + 1)
        }
    }

    package func callerWaits() {
        let ready = crews.ready(.standard)
        for domain in 0..<crews.domains where ready.contains(domain) {
            let crew = crews[domain, .standard]
            crew._withUnsafeGuaranteedRef { if canSteal($0) { wake($0) } }
        }
    }

    /// Admits a token and decides where it goes; nil where it is settled.
    private func address(
        _ token: AnyTaskToken, looker: Worker?
    ) -> (kind: CrewKind, isBound: Bool, place: Place, epoch: UInt32, rank: AgingRank?)? {
        if token.isSettled { return nil }
        let kind = kind(of: token)
        let isBound = isBound(token)
        let place: Place =
            if isBound {
                Place(domain: Int(token.domain))
            } else if let looker {
                Place(domain: looker.crew.domain)
            } else {
                usablePlace(token.tags.weight, kind: kind, at: token.submittedAt)
            }
        // Once it is admitted a waiting ancestor may have it in hand, and whoever kills a bound one reads it.
        if !isBound { token.domain = UInt16(truncatingIfNeeded: place.domain) }
        if !token.admit(), token.isSettled { return nil }
        if token.isNeeded { leaveLines(token) }
        events.emit { .token(token, .admitted, domain: place.domain + 1) }
        return (kind, isBound, place, token.epoch, mailRank(of: token))
    }

    /// Whether a token has to run in its domain.
    func isBound(_ token: AnyTaskToken) -> Bool {
        (!token.tags.isPlain && token.tags.flags.contains(.anchored)) || token.lineage?.lead != nil
    }

    /// The crew that a token is for.
    func kind(of token: AnyTaskToken) -> CrewKind {
        token.tags.storage != nil ? .storage : token.tags.weight == .heavy ? .heavy : .standard
    }

    /// While no domain is ready, a thread places this many tokens (as a power of two) in one before it goes on to the next:
    /// each change of mailbox costs it a cache line.
    private static let ticketRun: UInt32 = 4

    /// Where a token is sent.
    struct Place {
        var domain: Int
        /// Its submitter sends one upon the other, and is likely to go on.
        var isBurst = false
    }

    /// Where a free token is sent.
    ///
    /// One of a burst goes anywhere but to the caller's own core: the worker there would take the processor away from the
    /// caller, for each token that it gets. It takes over what others do not get to (Docs/Parking.md, "Bursts").
    func place(_ weight: Weight, kind: CrewKind, at now: Int64) -> Place {
        let count = crews.domains
        if count == 1 { return Place(domain: 0) }
        let (number, cpu) = Self.nextPlacement(at: now)
        let ticket = number >> Self.ticketRun
        if kind == .storage { return Place(domain: Int(ticket % UInt32(count))) }
        let ready = crews.ready(kind)
        guard count <= 64 else {
            return Place(
                domain: WeightPolicy.place(
                    weight, ready: ready.snapshot(domains: count), domains: count, ticket: ticket))
        }
        guard kind == .standard else {
            return Place(domain: WeightPolicy.place(weight, ready: ready.word, domains: count, ticket: ticket))
        }
        let warm = crews.warm.word
        if let cpu, let own = crews.domain(ofCPU: cpu) {
            let others = (warm | ready.word) & ~(1 << UInt64(own))
            if others == 0 {
                let other = WeightPolicy.overflow(weight, domains: count - 1, ticket: ticket)
                return Place(domain: other < own ? other : other + 1, isBurst: true)
            }
            return Place(
                domain: WeightPolicy.place(weight, ready: others, domains: count, ticket: ticket), isBurst: true)
        }
        if warm != 0, let domain = awake(weight, warm, ready.word, ticket) { return Place(domain: domain) }
        return Place(
            domain: WeightPolicy.place(weight, ready: besideNoHeavy(ready.word), domains: count, ticket: ticket))
    }

    /// A domain whose worker looks out for work, awake, and has not been given any since.
    ///
    /// Not the caller's own: nobody can look out for anything there while the caller runs. Not one where a heavy body runs: the
    /// worker may have to wait for that one's time slice, since it is not woken.
    private func awake(_ weight: Weight, _ warm: UInt64, _ ready: UInt64, _ ticket: UInt32) -> Int? {
        let own = crews.domainOfCaller.map { 1 << UInt64($0) } ?? UInt64(0)
        let others = warm & crews.ready(.heavy).word & ~own
        if others == 0 { return nil }
        let domain = WeightPolicy.place(weight, ready: others, domains: crews.domains, ticket: ticket)
        let isFree = crews[domain, .standard]._withUnsafeGuaranteedRef { !$0.hasFree }
        return isFree || ready & 1 << UInt64(domain) != 0 ? domain : nil
    }

    /// Of some ready domains, those where no heavy body runs; where there are none, the caller's own, if it is among them.
    ///
    /// Beside a heavy body a woken worker may wait for the rest of that one's time slice, which the kernel does not cut short
    /// for a difference in nice values (2 to 4 ms). On the caller's own CPU it runs as soon as the caller sleeps.
    private func besideNoHeavy(_ ready: UInt64) -> UInt64 {
        let calm = ready & crews.ready(.heavy).word
        if calm != 0 || ready == 0 { return calm }
        guard let own = crews.domainOfCaller, ready & (1 << UInt64(own)) != 0 else { return ready }
        return 1 << UInt64(own)
    }

    // MARK: Sweeps

    /// A token stands in a list by now: tells so, settles it if a sweep missed it on its way there, and lets it in where a
    /// waiting ancestor holds what it stands in line for.
    func noteHeld(_ token: AnyTaskToken, _ record: OperationRecord) {
        events.emit { .token(token, .waiting, domain: nil) }
        // By its own record: a batch's runner is held for another operation's pause.
        settleIfSwept(token, operations.record(token))
        if token.stateInTotalOrder != .waiting {
            withdraw(token)
            // The walk that its kill brought about may have passed.
            if token.isSettled { noteDeadPlace(of: token) }
        } else if token.isNeeded {
            seekHost(for: token)
        }
    }

    /// Settles a token that a sweep may have missed while it was carried from one list to the next.
    func settleIfSwept(_ token: AnyTaskToken, _ record: OperationRecord) {
        let control = record.controlNow
        if token.epoch != control.epoch { token.settle(for: control.reason, reportingTo: self) }
    }
}

extension LeadLease: LeadClaim {}
