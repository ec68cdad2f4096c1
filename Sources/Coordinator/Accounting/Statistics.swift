//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import Affinity
internal import Routing
internal import Synchronization
public import TokenCore

/// What a coordinator has done and has to do, at one moment.
///
/// Counters are read so that they add up: `submitted` is the sum of all states.
public struct Statistics: Sendable {
    /// Counts of tokens by state.
    public struct Counts: Sendable, Hashable {
        /// Held back: by a pause, a permit, an anchor's turn, or a coordinator that has not started; or in a mailbox.
        public internal(set) var queued: UInt64 = 0
        /// Their bodies run.
        public internal(set) var executing: UInt64 = 0
        /// Their bodies returned.
        public internal(set) var completed: UInt64 = 0
        /// Their bodies threw.
        public internal(set) var failed: UInt64 = 0
        /// Killed, discarded, or left over at the stop.
        public internal(set) var killed: UInt64 = 0
        /// Out of time.
        public internal(set) var timedOut: UInt64 = 0
        /// Bodies that returned after their token had been settled; not part of the sum.
        public internal(set) var late: UInt64 = 0

        /// All of them: every token that was submitted.
        public var submitted: UInt64 { queued + executing + settled }
        /// Those in a terminal state.
        public var settled: UInt64 { completed + failed + killed + timedOut }
        /// Those that are not.
        public var live: UInt64 { queued + executing }

        static func + (left: Counts, right: Counts) -> Counts {
            var sum = left
            sum.queued += right.queued
            sum.executing += right.executing
            sum.completed += right.completed
            sum.failed += right.failed
            sum.killed += right.killed
            sum.timedOut += right.timedOut
            sum.late += right.late
            return sum
        }
    }

    /// One operation.
    public struct Operation: Sendable {
        /// Its operation type.
        public let operationType: String
        /// Whether it is paused.
        public let isPaused: Bool
        /// Whether it is blocked by hand.
        public let isBlocked: Bool
        /// Its limit to bodies at once; nil where it has none now.
        public let concurrency: Limit?
        /// Its places for live tokens; nil where there is no limit to them.
        public let admission: Admission?
        /// Its tokens by state.
        public let counts: Counts
        /// From submission to the start of the body.
        public let wait: Histogram
        /// From the start of the body to its end.
        public let run: Histogram
    }

    /// A limit to how many tokens may have begun and not ended.
    public struct Limit: Sendable, Hashable, Encodable {
        /// At once, at most.
        public let limit: Int
        /// Permits given out now: bodies inside, and tokens on their way in.
        public let inUse: Int
        /// Most permits given out at once so far.
        public let peak: Int
        /// Tokens that wait for a permit.
        public let waiting: Int
    }

    /// One worker thread.
    public struct Worker: Sendable {
        /// `standard`, `heavy` or `storage`.
        public let crew: String
        /// Its number in the crew.
        public let number: Int
        /// Bodies it is inside of: more than one when one waits for another.
        public let depth: Int
        /// Whether the token that it runs is settled (run timeout, kill) while the body goes on.
        ///
        /// Its crew puts another thread in its place, within `workersPerCore`.
        public let isOverrun: Bool
        /// How its pinning went; nil until it has read its mask back.
        public let pin: PinReport?
    }

    /// One core domain.
    public struct Domain: Sendable {
        /// Its number, from 1.
        public let number: Int
        /// Its CPUs.
        public let cpus: CPUSet
        /// Whether it is not used now, but for what is bound to it, since its CPUs have gone or the quota does not reach that far.
        public let isRetired: Bool
        /// Its threads.
        public let workers: [Worker]
        /// Its standard and its heavy crew.
        public let crews: [Crew]
        /// Anchors and leases that are alive there.
        public let homes: Int
    }

    /// One storage tier.
    public struct Tier: Sendable {
        /// Which.
        public let speed: StorageSpeed
        /// Bodies at once, at most.
        public let limit: Int
        /// Permits given out now: bodies inside, and tokens on their way in.
        public let inUse: Int
        /// Most permits given out at once so far.
        public let peak: Int
        /// Tokens that wait for a permit.
        public let waiting: Int
    }

    /// The places for live tokens.
    public struct Admission: Sendable, Hashable, Encodable {
        /// Places.
        public let capacity: Int
        /// Live tokens, and places given to callers that waited for one; more than `capacity` where bodies have submitted.
        public let inUse: Int
        /// Callers that wait for a place.
        public let waiting: Int
        /// Callers that had to wait for one so far.
        public let suspended: UInt64
        /// Tokens that found no place so far.
        public let rejected: UInt64
        /// Tokens that were dropped for newer ones so far.
        public let dropped: UInt64
    }

    /// Where the coordinator is in its life.
    public let phase: LifecyclePhase
    /// All operations together.
    public let counts: Counts
    /// Each operation that was ever submitted, in order of first submission.
    public let operations: [Operation]
    /// Each core domain, from the front.
    public let domains: [Domain]
    /// Each storage tier, slow first.
    public let tiers: [Tier]
    /// Anchors with live tokens.
    public let liveAnchors: Int
    /// Anchors without, whose home is remembered.
    public let idleAnchors: Int
    /// Leases opened so far; one that opens again counts again.
    public let leasesOpened: UInt64
    /// Leases released so far.
    public let leasesReleased: UInt64
    /// Members of a lease that ran elsewhere because their sticky anchor was alive in another domain.
    public let leaseDiversions: UInt64
    /// The places for live tokens; nil where there is no limit.
    public let admission: Admission?
    /// Whether the number of threads follows what bodies do.
    public let adaptation: Adaptation
    /// How often a quota stopped the process's control group since that was made; nil where the system does not count it.
    ///
    /// Time that no setting of a coordinator gets back. Read from the system at each snapshot.
    public let quotaThrottling: CgroupLimits.Throttling?

    /// Leases that are open now.
    public var openLeases: Int { Int(clamping: leasesOpened &- leasesReleased) }
}

extension Engine {
    func statistics() -> Statistics {
        let operations = operations.seen.map(statistics)
        let domains = domains.enumerated().map { index, domain in
            Statistics.Domain(
                number: index + 1, cpus: domain.cpus, isRetired: isRetired(index),
                workers: domain.crews.flatMap { crew in
                    crew.state.withLock { state in
                        state.workers.map {
                            Statistics.Worker(
                                crew: "\(crew.kind)", number: $0.number, depth: $0.runningCount,
                                isOverrun: $0.standing == .overrun || $0.overrunToken != nil, pin: $0.report)
                        }
                    }
                },
                crews: crewStatistics(domain), homes: domain.homes.load(ordering: .relaxed))
        }
        let tiers = StorageSpeed.allCases.map { speed in
            tier(speed).permits.withLock {
                Statistics.Tier(
                    speed: speed, limit: $0.limit, inUse: $0.inUse, peak: $0.peak, waiting: $0.waiting)
            }
        }
        var liveAnchors = 0
        var idleAnchors = 0
        for shard in anchors {
            shard.table.withLock {
                liveAnchors += $0.liveAnchors
                idleAnchors += $0.idleAnchors
            }
        }
        let released = leases.released.load(ordering: .sequentiallyConsistent)
        return Statistics(
            phase: phase, counts: operations.reduce(.init()) { $0 + $1.counts }, operations: operations,
            domains: domains, tiers: tiers, liveAnchors: liveAnchors, idleAnchors: idleAnchors,
            leasesOpened: leases.opened.load(ordering: .sequentiallyConsistent), leasesReleased: released,
            leaseDiversions: leases.diverted.load(ordering: .relaxed),
            admission: admission?.statistics,
            adaptation: Statistics.Adaptation(adapter?.status), quotaThrottling: machine.limits.throttling())
    }

    /// One operation's share.
    ///
    /// Terminal states are read before starts, starts before submissions: no difference is negative, and the parts add
    /// up to the whole.
    func statistics(_ record: OperationRecord) -> Statistics.Operation {
        let shards = record.allShards
        func sum(_ value: (OperationCounters) -> UInt64) -> UInt64 { shards.reduce(0) { $0 + value($1) } }
        var counts = Statistics.Counts()
        counts.late = sum { $0.now.pointee.late.load(ordering: .acquiring) }
        let (completed, failed) = shards.reduce((UInt64(0), UInt64(0))) { sum, counters in
            let settled = counters.settled
            return (sum.0 + settled.completed, sum.1 + settled.failed)
        }
        let completedWaiting = record.elsewhere.pointee.completedWaiting.load(ordering: .acquiring)
        let failedWaiting = record.elsewhere.pointee.failedWaiting.load(ordering: .acquiring)
        let killedExecuting = record.elsewhere.pointee.killedExecuting.load(ordering: .acquiring)
        let killedWaiting = record.elsewhere.pointee.killedWaiting.load(ordering: .acquiring)
        let timedOutExecuting = record.elsewhere.pointee.timedOutExecuting.load(ordering: .acquiring)
        let timedOutWaiting = record.elsewhere.pointee.timedOutWaiting.load(ordering: .acquiring)
        let started = sum { $0.now.pointee.started.load(ordering: .acquiring) }
        let submitted = record.submittedTotal
        counts.completed = completed + completedWaiting
        counts.failed = failed + failedWaiting
        counts.killed = killedExecuting + killedWaiting
        counts.timedOut = timedOutExecuting + timedOutWaiting
        let ended = completed + failed + killedExecuting + timedOutExecuting
        counts.executing = started > ended ? started - ended : 0
        let accounted = counts.executing + counts.settled
        counts.queued = submitted > accounted ? submitted - accounted : 0
        var wait = Histogram()
        var run = Histogram()
        for shard in shards {
            shard.now.pointee.wait.add(to: &wait)
            shard.now.pointee.run.add(to: &run)
        }
        return Statistics.Operation(
            operationType: record.operation.name, isPaused: record.controlNow.isPaused,
            isBlocked: record.controlNow.isBlocked,
            concurrency: record.controlNow.isLimited ? record.line?.statistics : nil,
            admission: record.admission?.statistics, counts: counts, wait: wait, run: run)
    }
}

extension Engine.Line {
    fileprivate var statistics: Statistics.Limit {
        permits.withLock {
            Statistics.Limit(limit: $0.limit, inUse: $0.inUse, peak: $0.peak, waiting: $0.waiting)
        }
    }
}

extension Engine.Admission {
    fileprivate var statistics: Statistics.Admission {
        withLock {
            Statistics.Admission(
                capacity: $0.limit, inUse: $0.inUse, waiting: $0.waiting, suspended: $0.suspended, rejected: $0.refused,
                dropped: $0.dropped)
        }
    }
}
