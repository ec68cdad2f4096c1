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

/// The coordinator's inside: it owns domains, admission, control and the event bus.
///
/// What users hold is
/// `OperationsCoordinator`; when that goes away, the engine is stopped.
///
/// | field | protected by |
/// |---|---|
/// | `gate` | atomic |
/// | `pending` | its lock: tokens submitted before the start; `nil` once started |
/// | `paused`, `hasPausedTurns` | its lock: tokens held back by a pause; atomic |
/// | `tiers`, `anchors` | a lock for each tier, and for each shard of anchors; `needed` and `lines` in them have their own |
/// | `haveLimits` | atomic; set once |
/// | `nests`, `guestCount`, `isLookingAround`, `nextRescueLook` | its lock; atomic |
/// | `standers`, `standingLines` | its lock, inside that of a line; atomic, stored under that lock |
/// | `waits` | its lock: bodies that wait with nothing to run meanwhile, and what the last look for circles found |
/// | `suspended` | its lock: async bodies that have begun and not ended |
/// | `abandoned` | its lock: for the stop's report |
/// | `batches` | its lock: those that are not settled |
/// | `reserved` | its lock: derived tokens whose sources are not settled |
/// | `lent`, `hasLent` | its lock: anchors that executors keep live; atomic |
///
/// Locks are held one at a time, but for the pairs that Docs/Concurrency.md lists. Nothing is resumed or run under one.
package final class Engine: TokenSubmitter {
    package let realm: TokenRealm
    let configuration: Configuration
    let machine: Machine
    /// The nice value of the thread that made the coordinator.
    let baseNice: Int
    let domains: [Domain]
    let operations = OperationTable()
    let events: EventBus
    /// Nil where none is kept.
    let history: History?
    let crews: CrewTable
    let control = Guarded(LifecycleState())

    /// One word that says whether the plain path is open: bit 0 started, bit 1 paused, bit 2 draining, bit 3 stopped,
    /// bit 4 bounded.
    struct Gate: OptionSet {
        let rawValue: UInt32
        static let started = Gate(rawValue: 1)
        static let paused = Gate(rawValue: 2)
        static let draining = Gate(rawValue: 4)
        static let stopped = Gate(rawValue: 8)
        /// There is a limit to live tokens.
        static let bounded = Gate(rawValue: 16)
        /// Started, and nothing else.
        var isPlain: Bool { rawValue == 1 }
    }
    private let gateWord = Atomic<UInt32>(0)
    var gate: Gate { Gate(rawValue: gateWord.load(ordering: .sequentiallyConsistent)) }
    func open(_ bits: Gate) { gateWord.bitwiseOr(bits.rawValue, ordering: .sequentiallyConsistent) }
    func close(_ bits: Gate) { gateWord.bitwiseAnd(~bits.rawValue, ordering: .sequentiallyConsistent) }

    let pending = Guarded<[Unmanaged<AnyTaskToken>]?>([])
    private let paused = Guarded(PausedList())
    /// What the list of paused tokens says: while it is false, nobody has to ask.
    let hasPausedTurns = Atomic<Bool>(false)
    func withPaused<Result>(_ body: (inout PausedList) -> Result) -> Result {
        paused.withLock { list in
            defer { hasPausedTurns.store(list.hasTurns, ordering: .sequentiallyConsistent) }
            return body(&list)
        }
    }
    /// How often all lists were walked for settled tokens; for tests, which count instead of timing.
    let walks = Atomic<Int>(0)
    let tiers: [Line]
    let anchors: [AnchorShard]
    let suspended = Guarded<[UInt64: AnyTaskToken]>([:])
    /// Derived tokens whose sources are not settled yet, by number.
    let reserved = Guarded<[UInt64: AnyTaskToken]>([:])
    /// Those that are not settled.
    let batches = Guarded<[ObjectIdentifier: BatchCore]>([:])
    /// What a stop settles; nil once it is reported.
    let abandoned = Guarded<[StopReport.Abandoned]?>([])
    /// Who runs inside what an ancestor holds.
    let nests = Guarded(Holds())
    /// Who stands in a line with an earlier permit in hand; and of how many lines these are.
    let standers = Guarded(Standers())
    let standingLines = Atomic<Int>(0)
    /// As many as `nests` has or is about to have: while it is 0, nobody has to ask.
    let guestCount = Atomic<Int>(0)
    /// A blocked thread is looking for what keeps its tree.
    let isLookingAround = Atomic<Bool>(false)
    /// No thread looks whether a crew needs a rescue before then.
    let nextRescueLook = Atomic<Int64>(0)
    /// Bodies that wait, for the look for circles.
    let waits = Guarded(WaitRegister())
    /// How long one waits before that, in nanoseconds; `.max` for never.
    let waitCycleTime: Int64
    /// Anchors that executors keep live.
    let lent = Guarded(LentAnchors())
    /// An executor was lent: while it is false, nobody has to look for jobs of theirs.
    let hasLent = Atomic<Bool>(false)
    let leases = LeaseCounters()
    /// Places for live tokens; nil where there is no limit.
    let admission: Admission?
    /// Held while an operation's limits change.
    let limitChanges = Guarded<Void>(())
    /// Operations have, or had, limits of their own: while it is false, nobody has to look.
    let haveLimits = Atomic<Bool>(false)
    /// How long one waits to catch up with the next more urgent, in nanoseconds.
    let aging: Int64
    let spawner = Spawner()
    /// For jobs that come when a crew's threads are gone.
    let late: LateThreads
    /// Nil where nothing adapts.
    let adapter: Adapter?

    /// The anchors whose hash falls into one shard.
    final class AnchorShard: Sendable {
        let table: Guarded<AnchorTable<Unmanaged<AnyTaskToken>>>
        let needed = Guarded(NeededList())
        /// Of those that have a limit, with how many tokens have to do with each.
        let lines = Guarded<[UInt64: (line: Line, users: Int)]>([:])

        init(idleCapacity: Int, idleTime: Int64) {
            table = Guarded(AnchorTable(idleCapacity: idleCapacity, idleTime: idleTime))
        }
    }

    /// One core domain.
    final class Domain: Sendable {
        let cpus: CPUSet
        let crews: [Crew]
        let executors: [CrewExecutor]
        /// Live anchors and leases homed here: the load that tempers an anchor's choice.
        let homes = Atomic<Int>(0)
        /// The CPUs that its threads are pinned to: others than its own while it is retired, fewer where some have gone.
        let pins: Guarded<CPUSet>

        init(cpus: CPUSet, crews: [Crew], late: LateThreads) {
            self.cpus = cpus
            pins = Guarded(cpus)
            self.crews = crews
            executors = crews.map { CrewExecutor(crew: $0, late: late) }
        }

        subscript(kind: CrewKind) -> Crew { crews[kind.rawValue] }
    }

    struct LeaseCounters: ~Copyable {
        let opened = Atomic<UInt64>(0)
        let released = Atomic<UInt64>(0)
        let diverted = Atomic<UInt64>(0)
    }

    init(_ configuration: Configuration) throws(TokenError) {
        try configuration.validate()
        self.configuration = configuration
        baseNice = (try? configuration.affinitySystem.nice()) ?? 0
        do {
            machine = try Machine.current(
                root: configuration.root, subset: configuration.cpus, offset: configuration.domainOffset)
        } catch {
            throw TokenError(.invalidConfiguration, "the machine cannot be read or used as asked", cause: error)
        }
        let cpuSets = machine.domains.prefix(configuration.maximumDomains ?? .max)
        let late = LateThreads(system: configuration.affinitySystem)
        self.late = late
        domains = cpuSets.enumerated().map { index, cpus in
            Domain(
                cpus: cpus,
                crews: CrewKind.allCases.map { kind in
                    Crew(
                        domain: index, kind: kind, target: kind == .storage ? .max : 1,
                        aging: Int64(clampedAdding: configuration.agingTime, to: 0),
                        cap: kind == .storage ? .max : configuration.workersPerCore)
                }, late: late)
        }
        var tiers: [Line] = []
        for tier in StorageSpeed.allCases {
            tiers.append(Line(try Permits(limit: configuration.storageLimit(tier))))
        }
        self.tiers = tiers
        let idleTime = Int64(clampedAdding: configuration.anchorIdleTime, to: 0)
        anchors = (0..<Self.anchorShards).map { _ in
            AnchorShard(idleCapacity: configuration.anchorIdleCapacity / Self.anchorShards, idleTime: idleTime)
        }
        admission = configuration.capacity.map {
            Admission($0, configuration.overload, .place, of: nil, domains: cpuSets.count)
        }
        waitCycleTime = configuration.waitCycleTime.map { Int64(clampedAdding: $0, to: 0) } ?? .max
        aging = Int64(clampedAdding: configuration.agingTime, to: 0)
        adapter = configuration.adaptation == .off ? nil : Adapter(now: configuration.time.now)
        crews = CrewTable(domains, arePinned: configuration.pinMode != .none)
        events = EventBus(buffer: configuration.eventBuffer)
        history = configuration.historyCapacity > 0 ? History(capacity: configuration.historyCapacity) : nil
        let time = configuration.time
        // Whoever arms the first timer may be a worker, on its core.
        let cpus = configuration.pinMode == .none ? nil : cpuSets.reduce(CPUSet()) { $0.union($1) }
        realm = TokenRealm(
            origin: configuration.origin ?? UInt64.random(in: 1...UInt64.max), runsItsTokens: true,
            timers: {
                TimerQueue(time: time) { run in
                    // Its CPUs may have gone since.
                    let thread =
                        (try? PinnedThread.spawn(name: "tg-timer", cpus: cpus) { _ in run() })
                        ?? (try? PinnedThread.spawn(name: "tg-timer", cpus: nil) { _ in run() })
                    thread?.detach()
                    return thread != nil
                }
            })
        if admission != nil { open(.bounded) }
        realm.attach(self)
        for domain in domains { for executor in domain.executors { executor.attach(self) } }
    }

    static let anchorShards = 64

    deinit {
        defer { crews.destroy() }
        // Tombstones may be left in the mailboxes; each still owns its reference.
        for domain in domains {
            for crew in domain.crews {
                crew.state.withLock { state in while case .token(let token) = crew.next(&state) { token.release() } }
            }
        }
    }

    package var isDraining: Bool { !gate.isDisjoint(with: [.draining, .stopped]) }

    /// The calling thread's counter shard.
    static func shardOfThread() -> Int {
        guard let thread = tge_self() else { return 0 }
        if thread.pointee.shard == 0 {
            let ticket = nextShard.add(1, ordering: .relaxed).newValue
            thread.pointee.shard = UInt32(truncatingIfNeeded: ticket) & UInt32(OperationRecord.shardCount - 1) + 1
            thread.pointee.ticket = UInt32(truncatingIfNeeded: ticket) &* 0x9E37_79B9
        }
        return Int(thread.pointee.shard) - 1
    }
    private static let nextShard = Atomic<UInt64>(0)

    /// The calling thread as a submitter: a number that moves with each token it places, and, where they come one upon the
    /// other, on which CPU (-1: not known).
    ///
    /// Looked up for every 16th of a burst: a thread moves rarely.
    @inline(__always)
    static func nextPlacement(at now: Int64) -> (ticket: UInt32, burstingOn: Int?) {
        guard let thread = tge_self() else { return (0, nil) }
        thread.pointee.ticket &+= 1
        let sinceLast = UInt64(bitPattern: now &- thread.pointee.submitted_at)
        thread.pointee.submitted_at = now
        let burst = sinceLast < longestBurstGap ? thread.pointee.burst &+ 1 : 0
        thread.pointee.burst = burst
        if burst < burstBegins { return (thread.pointee.ticket, nil) }
        if burst % burstBegins == 0 { thread.pointee.cpu = Int32(truncatingIfNeeded: CurrentThread.cpu() ?? -1) }
        return (thread.pointee.ticket, Int(thread.pointee.cpu))
    }

    /// Tokens of a burst come within this time of each other, in nanoseconds; from the 16th on it counts as one.
    private static let longestBurstGap: UInt64 = 2_000
    private static let burstBegins: UInt32 = 16
}
