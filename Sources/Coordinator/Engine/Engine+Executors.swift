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
internal import TokenCore

// Executors that are lent to tasks and actors (Docs/Executors.md), and threads for their jobs where bodies block all there are.
extension Engine {
    // MARK: Lending

    func executor(domain number: Int) throws(TokenError) -> DomainExecutor {
        guard (1...domains.count).contains(number) else {
            throw TokenError(.invalidArgument, "domain \(number) is outside 1...\(domains.count)")
        }
        if isDraining { throw refusal }
        hasLent.store(true, ordering: .releasing)
        return DomainExecutor(crew: domains[number - 1].executors[CrewKind.standard.rawValue], domain: number)
    }

    func executor(anchor bytes: UnsafeRawBufferPointer) throws(TokenError) -> AnchorExecutor {
        if bytes.isEmpty { throw TokenError(.invalidArgument, "the anchor key \"\" of an executor is empty") }
        if isDraining { throw refusal }
        let hash = AnchorHash(bytes: bytes)
        let (domain, number) = hold(hash)
        guard let number else { throw refusal }
        hasLent.store(true, ordering: .releasing)
        return AnchorExecutor(
            crew: domains[domain].executors[CrewKind.standard.rawValue], domain: domain + 1, hold: number)
    }

    private var refusal: TokenError {
        TokenError(.coordinatorStopped, "an executor was asked of a coordinator that is \(phase)")
    }

    // MARK: Anchors of executors

    /// Keeps an anchor live, as a token of it does.
    ///
    /// - Returns: its domain, and the number to let go of it by: nil where the coordinator has stopped.
    private func hold(_ hash: AnchorHash) -> (domain: Int, number: UInt64?) {
        let now = now()
        let domain = shard(of: hash).table.withLock { table in
            let before = table.liveAnchors
            let domain = table.hold(hash, now: now) { home(of: hash) }
            if table.liveAnchors > before { domains[domain].homes.add(1, ordering: .relaxed) }
            return domain
        }
        let number = lent.withLock { $0.add(LentAnchor(hash: hash, domain: domain)) }
        if number == nil { depart(hash, domain) }
        return (domain, number)
    }

    func letGo(ofAnchor number: UInt64) {
        if let anchor = lent.withLock({ $0.remove(number) }) { depart(anchor.hash, anchor.domain) }
    }

    /// The coordinator has stopped: no domain is anybody's home any more.
    func letGoOfLentAnchors() { for anchor in lent.withLock({ $0.close() }) { depart(anchor.hash, anchor.domain) } }

    // MARK: Threads for their jobs

    /// Makes a thread beyond the cap for each crew all of whose threads are blocked in waits while a job of an executor is there,
    /// which belongs to no body that could run it: what the bodies wait for may wait for the job.
    func relieveExecutors() {
        guard hasLent.load(ordering: .acquiring), !isLookingAround.exchange(true, ordering: .acquiring) else { return }
        defer { isLookingAround.store(false, ordering: .releasing) }
        for domain in domains { addThread(to: domain[.standard]) { $0.jobs.contains { $0.lineage == nil } } }
    }

    /// Blocks a thread that runs no body until a token settles: a worker's runs a job of an executor, and does not count as active
    /// meanwhile.
    ///
    /// Nobody knows whether that descends from what blocks the threads it needs, so it looks every 1 to 128 ms, and crews that are stuck
    /// with work get a thread beyond their cap.
    func parkJob(until token: AnyTaskToken, deadline: Int64?) -> Bool {
        guard let worker = Worker.current else { return token.parkUntilSettled(deadline: deadline) }
        if !owns(worker) { return worker.engine.parkJob(until: token, deadline: deadline) }
        leaveCrew(worker)
        defer { rejoinCrew(worker) }
        var slice: Int64 = 1_000_000
        while true {
            let until = min(deadline ?? .max, now() + slice)
            if token.parkUntilSettled(deadline: until) { return true }
            if let deadline, now() >= deadline { return false }
            for crew in domains.flatMap(\.crews) { addThread(to: crew) { crew.hasMail || !$0.jobs.isEmpty } }
            slice = min(slice * 2, 128_000_000)
        }
    }

    /// Hides the bodies of the calling thread, and the executor whose job it runs, from a job that it runs on top of them.
    func hidingJob(_ work: () -> Void) {
        let serial = tge_self().pointee.serial
        tge_self().pointee.serial = nil
        BodyFrame.hidden(work)
        tge_self().pointee.serial = serial
    }
}

/// An anchor that an executor keeps live.
struct LentAnchor: Sendable {
    let hash: AnchorHash
    let domain: Int
}

/// What executors hold, until the coordinator has stopped.
struct LentAnchors: Sendable {
    private var anchors: [UInt64: LentAnchor] = [:]
    private var last: UInt64 = 0
    private var isClosed = false

    /// - Returns: nil where nothing is lent any more.
    mutating func add(_ anchor: LentAnchor) -> UInt64? {
        if isClosed { return nil }
        last += 1
        anchors[last] = anchor
        return last
    }

    mutating func remove(_ number: UInt64) -> LentAnchor? { anchors.removeValue(forKey: number) }

    mutating func close() -> [LentAnchor] {
        isClosed = true
        defer { anchors = [:] }
        return Array(anchors.values)
    }
}
