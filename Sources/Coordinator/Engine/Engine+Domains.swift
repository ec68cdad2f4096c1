//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import Routing
internal import Synchronization
internal import TokenCore

// Domains whose CPUs go, or that a quota leaves no time for, are retired, and used again when that is over
// (Docs/Adaptation.md, "Domains that go").
extension Engine {
    /// Reads again what the process may use, if that was not done a moment ago, and retires or restores domains by it.
    ///
    /// Called by whoever samples.
    func rereadMachine() {
        guard let adapter else { return }
        let now = configuration.time.now
        guard now - adapter.lastReading >= Self.readingPeriod else { return }
        adapter.lastReading = now
        guard let limits = Machine.limits(root: configuration.root) else { return }
        let allowed = configuration.cpus.map { limits.allowed.intersection($0) } ?? limits.allowed
        let uses = DomainUse.of(
            domains.map(\.cpus), allowed: allowed, quotaCPUs: limits.quotaCPUs)
        // First those that come back: anchors of those that go may find a home there.
        for (domain, use) in uses.enumerated() where use.reason == nil && isRetired(domain) { restore(domain) }
        for (domain, use) in uses.enumerated() {
            if let reason = use.reason, !isRetired(domain) { retire(domain, reason) }
        }
        for (domain, use) in uses.enumerated() { repin(domain, to: use.cpus) }
        // Who placed something there just before it was retired may have woken nobody.
        for domain in domains.indices where isRetired(domain) {
            for crew in domains[domain].crews { wakeForWork(crew) }
        }
    }

    private static let readingPeriod: Int64 = 5_000_000_000

    func isRetired(_ domain: Int) -> Bool { crews.retired.contains(domain) }

    // MARK: Going and coming

    private func retire(_ domain: Int, _ reason: String) {
        // Before the ready bits: who finds one of those clear looks here (`deliver`).
        crews.retired.set(domain, true)
        for crew in domains[domain].crews { crew.state.withLock { publishReadiness(of: crew, &$0) } }
        events.emit { .domainRetired(domain: domain + 1, reason: reason) }
        rehomeIdleAnchors(of: domain)
        // What is free there is for the others, who sleep, perhaps.
        for kind in [CrewKind.standard, .heavy] {
            for other in domains where domains[domain][kind].hasFree { wakeForWork(other[kind]) }
        }
    }

    private func restore(_ domain: Int) {
        crews.retired.set(domain, false)
        for crew in domains[domain].crews { crew.state.withLock { publishReadiness(of: crew, &$0) } }
        events.emit { .domainRestored(domain: domain + 1) }
        // Who pushed before the bits were set, and looked at the other one after it was cleared, has woken nobody.
        for crew in domains[domain].crews { wakeForWork(crew) }
    }

    // MARK: Placing

    /// Where a free token or a lead is sent: nowhere that is retired.
    @inline(__always)
    func usablePlace(_ weight: Weight, kind: CrewKind, at now: Int64) -> Place {
        var place = place(weight, kind: kind, at: now)
        if crews.domains > 1, isRetired(place.domain) { place.domain = nextUsable(after: place.domain) }
        return place
    }

    /// A token was put into a mailbox of a crew whose bit is clear: that of a retired domain always is.
    @inline(__always)
    func wakeIfRetired(_ domain: Int, _ kind: CrewKind) {
        if crews.domains > 1, isRetired(domain) { wake(domains[domain][kind]) }
    }

    @inline(never)
    private func nextUsable(after domain: Int) -> Int {
        let count = crews.domains
        for step in 1..<count where !isRetired((domain + step) % count) { return (domain + step) % count }
        return domain
    }

    /// The home of an anchor that has none, or whose home is retired.
    func home(of hash: AnchorHash) -> Int {
        Rendezvous.home(
            of: hash, domains: domains.count, loads: { [self] in domains[$0].homes.load(ordering: .relaxed) }, slack: 4,
            isUsable: { [self] in !isRetired($0) })
    }

    // MARK: Anchors

    /// The homes of anchors without live tokens move at once.
    private func rehomeIdleAnchors(of domain: Int) {
        var moved: [(hash: AnchorHash, to: Int)] = []
        var count = 0
        for shard in anchors {
            let here = shard.table.withLock { $0.rehomeIdle(from: domain) { home(of: $0) } }
            count += here.count
            moved += here.prefix(max(0, Self.mostMovesTold - moved.count))
        }
        for (hash, to) in moved { events.emit { .anchorRehomed(hash: hash.rawValue, from: domain + 1, to: to + 1) } }
        if count > moved.count {
            let rest = count - moved.count
            events.emit { .anchorsRehomed(from: domain + 1, count: rest) }
        }
    }

    /// How many anchors are told of one by one when their domain is retired.
    private static let mostMovesTold = 256

    /// An anchor's last token has departed, perhaps: where its home is retired it gets another.
    ///
    /// Under the shard's lock.
    func rehomeIfIdle(
        _ hash: AnchorHash, _ from: Int, _ table: inout AnchorTable<Unmanaged<AnyTaskToken>>
    ) -> (from: Int, to: Int)? {
        guard isRetired(from) else { return nil }
        let to = home(of: hash)
        return table.rehome(hash, to: to) ? (from, to) : nil
    }

    func tell(rehomed hash: AnchorHash, _ move: (from: Int, to: Int)) {
        events.emit { .anchorRehomed(hash: hash.rawValue, from: move.from + 1, to: move.to + 1) }
    }

    // MARK: Pins

    /// The CPUs that threads of a domain are pinned to now.
    func pins(of domain: Int) -> CPUSet { domains[domain].pins.withLock { $0 } }

    /// Moves those of a domain's threads to other CPUs that are not there yet.
    private func repin(_ domain: Int, to cpus: CPUSet) {
        guard configuration.pinMode != .none, !cpus.isEmpty else { return }
        domains[domain].pins.withLock { $0 = cpus }
        for crew in domains[domain].crews {
            // A thread that has just been made has read the CPUs before: it is moved the next time.
            let threads: [(Worker, PinReport)] = crew.state.withLock { state in
                state.workers.compactMap { worker in
                    guard let report = worker.report, worker.number > 0, report.requested != cpus else { return nil }
                    return (worker, report)
                }
            }
            for (worker, before) in threads {
                let report = before.repinned(to: cpus, system: configuration.affinitySystem)
                crew.state.withLock { _ in worker.report = report }
            }
        }
    }
}
