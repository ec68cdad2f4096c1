//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import DequeModule
internal import Routing
internal import Synchronization
internal import TokenCore

/// What a crew's threads are for.
enum CrewKind: Int, CaseIterable, Sendable {
    /// Light and medium tokens. Its thread exists from the start.
    case standard
    /// Heavy tokens, on threads of a higher nice value, so that the kernel lets the standard crew in at once.
    case heavy
    /// Tokens with a storage permit: a thread each, made on demand.
    case storage

    /// How many kinds there are: `allCases` makes an array.
    static let count = 3
}

/// The threads of one kind in one core domain, and their mailboxes.
///
/// See Docs/Parking.md.
///
/// | field | protected by |
/// |---|---|
/// | `bound`, `free` | their producers' side: atomic; their consumers' side: `state` |
/// | `state` | its lock, held for a few dozen instructions and never together with another |
final class Crew: Sendable {
    let domain: Int
    let kind: CrewKind
    /// Threads at most.
    let cap: Int
    /// How long a token has to wait to catch up with the next more urgent, in nanoseconds.
    private let aging: Int64
    /// Tokens that must run in this domain.
    let bound = Mailbox()
    /// Tokens that another domain may take over.
    let free = Mailbox()

    /// What an executor has to run.
    struct Job: Sendable {
        enum Work: Sendable {
            /// A piece of a task, for the executor that the task prefers.
            case piece(UnownedJob, of: any TaskExecutor)
            /// Some jobs of a serial executor.
            case share(of: AnchorExecutor)
        }
        let work: Work
        /// Whose it is; nil where it is not of an async body.
        let lineage: Lineage?
        /// The number of the token whose body it belongs to; 0 where that is not known.
        let owner: UInt64
        let number: UInt64

        func run() {
            switch work {
            case .piece(let job, let executor): job.runSynchronously(on: executor.asUnownedTaskExecutor())
            case .share(let executor): if executor.runShare() { executor.comeAgain() }
            }
        }
    }

    struct State {
        /// Threads that may be active at once; at least 1, changed by the adapter alone.
        var target: Int
        /// Threads that exist or are being made.
        var threads = 0
        /// Threads that are neither idle, nor blocked in a wait, nor inside a body whose token is settled.
        var active = 0
        /// Threads inside a body whose token is settled.
        var overrun = 0
        var workers: [Worker] = []
        /// Parked or about to park; the latest last, since its caches are warm.
        var idle: [Worker] = []
        /// Jobs of async bodies, and of executors that are lent.
        var jobs: Deque<Job> = []
        /// Tokens that are more or less urgent than others.
        var rankedBound = AgingQueue<Unmanaged<AnyTaskToken>>()
        var rankedFree = AgingQueue<Unmanaged<AnyTaskToken>>()
        /// How many of both.
        var ranked = 0
        var nextJob: UInt64 = 0
        var turn: UInt8 = 0
        var nextNumber = 0
        var isClosed = false
        /// The system refused the last thread that was asked for.
        var isRefused = false
        /// What the crew's bit in the engine's ready set says.
        var isReady = false
        /// Share of the last sample's time for which the running bodies were blocked.
        var blockedShare: Double?

        init(target: Int) { self.target = target }

        /// Appends a job, with the next number.
        mutating func add(_ work: Job.Work, _ lineage: Lineage?, owner: UInt64) {
            nextJob += 1
            jobs.append(Job(work: work, lineage: lineage, owner: owner, number: nextJob))
        }
    }
    // Producers look at the mailboxes, the crew's threads change their state, with each token.
    private let padding = CachePadding()
    let state: Guarded<State>
    private let paddingAfter = CachePadding()
    /// How many ranked tokens there are, bound and free: atomic, changed under the lock, so that a look takes none.
    private let boundCount = Atomic<Int>(0)
    private let freeCount = Atomic<Int>(0)

    init(domain: Int, kind: CrewKind, target: Int, aging: Int64, cap: Int) {
        self.aging = aging
        self.domain = domain
        self.kind = kind
        state = Guarded(State(target: target))
        self.cap = cap
    }

    var hasMail: Bool { hasFree || !bound.isEmpty || boundCount.load(ordering: .sequentiallyConsistent) != 0 }

    /// Whether there is a token that another domain may take over.
    var hasFree: Bool { !free.isEmpty || freeCount.load(ordering: .sequentiallyConsistent) != 0 }

    /// When the oldest of the tokens was submitted that are next in their queues; nil where there are none.
    ///
    /// Under the lock.
    func oldestSubmission(_ state: State) -> Int64? {
        let ranked = [state.rankedBound.first, state.rankedFree.first].compactMap { $0 }
        return
            ([bound.oldestSubmission, free.oldestSubmission].compactMap { $0 }
            + ranked.map { $0._withUnsafeGuaranteedRef { $0.submittedAt } }).min()
    }

    /// Adds a token; takes over the caller's reference.
    func push(_ token: Unmanaged<AnyTaskToken>, isBound: Bool, _ rank: AgingRank?) {
        guard let rank else { return isBound ? bound.push(token) : free.push(token) }
        state.withLock { state in
            state.ranked += 1
            if isBound {
                state.rankedBound.append(token, rank)
                boundCount.add(1, ordering: .sequentiallyConsistent)
            } else {
                state.rankedFree.append(token, rank)
                freeCount.add(1, ordering: .sequentiallyConsistent)
            }
        }
    }

    /// Takes a ranked token, unless one in the mailboxes has waited for so long that it goes first.
    ///
    /// Under the lock.
    private func popRanked(_ state: inout State) -> Unmanaged<AnyTaskToken>? {
        let mail = min(bound.oldestSubmission ?? .max, free.oldestSubmission ?? .max)
        let (boundTime, freeTime) = (state.rankedBound.firstTime ?? .max, state.rankedFree.firstTime ?? .max)
        if min(boundTime, freeTime) > rankOfMail(mail) { return nil }
        return boundTime <= freeTime ? popRankedBound(&state) : popRankedFree(&state)
    }

    /// Where a token in a mailbox would stand among the ranked ones.
    private func rankOfMail(_ submittedAt: Int64) -> Int64 { AgingRank(level: 1, came: submittedAt, aging: aging).time }

    private func popRankedBound(_ state: inout State) -> Unmanaged<AnyTaskToken>? {
        guard let token = state.rankedBound.popFirst() else { return nil }
        state.ranked -= 1
        boundCount.subtract(1, ordering: .sequentiallyConsistent)
        return token
    }

    private func popRankedFree(_ state: inout State) -> Unmanaged<AnyTaskToken>? {
        guard let token = state.rankedFree.popFirst() else { return nil }
        state.ranked -= 1
        freeCount.subtract(1, ordering: .sequentiallyConsistent)
        return token
    }

    /// Takes the free token out that is next, if it was submitted until then.
    ///
    /// Under the lock.
    func popFree(_ state: inout State, submittedUntil limit: Int64) -> Unmanaged<AnyTaskToken>? {
        let mail = free.oldestSubmission
        if let time = state.rankedFree.firstTime, time <= mail.map(rankOfMail) ?? .max {
            return isRankedFree(state, submittedUntil: limit) ? popRankedFree(&state) : nil
        }
        guard let mail, mail <= limit, case .token(let token) = free.pop() else { return nil }
        return token
    }

    /// Whether `popFree` would find one.
    ///
    /// Under the lock.
    func hasFree(_ state: State, submittedUntil limit: Int64) -> Bool {
        let mail = free.oldestSubmission
        if let time = state.rankedFree.firstTime, time <= mail.map(rankOfMail) ?? .max {
            return isRankedFree(state, submittedUntil: limit)
        }
        return (mail ?? .max) <= limit
    }

    private func isRankedFree(_ state: State, submittedUntil limit: Int64) -> Bool {
        state.rankedFree.first.map { $0._withUnsafeGuaranteedRef { $0.submittedAt } <= limit } ?? false
    }

    /// What a thread may find to do.
    enum Work {
        case token(Unmanaged<AnyTaskToken>)
        case job(Job)
        case arriving
        case none
    }

    /// The next thing to do from the crew's own queues, oldest first, bound and free in turns.
    ///
    /// Under the lock.
    func next(_ state: inout State) -> Work {
        state.turn &+= 1
        // Jobs go first two times in three, so that neither they nor the mailboxes can starve the other.
        if state.turn % 3 != 0, let job = state.jobs.popFirst() { return .job(job) }
        if state.ranked > 0, let token = popRanked(&state) { return .token(token) }
        let mail = state.turn & 1 == 0 ? pop(bound, else: free) : pop(free, else: bound)
        switch mail {
        case .token, .job: return mail
        case .arriving, .none: return state.jobs.popFirst().map { .job($0) } ?? mail
        }
    }

    /// The address of the next token from the crew's own mailboxes, where there is nothing else to do.
    ///
    /// 0 where there is none, or `next` has to decide. An address, so that nothing but a word leaves the lock.
    ///
    /// Under the lock.
    func nextToken(_ state: inout State) -> UInt {
        guard state.jobs.isEmpty, state.ranked == 0, !state.isClosed, state.active <= state.target else { return 0 }
        state.turn &+= 1
        // Not by a pair of mailboxes to choose from: that would take references to both.
        if state.turn & 1 == 0 {
            let bits = bound.popBits()
            return bits != 0 ? bits : free.popBits()
        }
        let bits = free.popBits()
        return bits != 0 ? bits : bound.popBits()
    }

    private func pop(_ first: Mailbox, else second: Mailbox) -> Work {
        let popped = first.pop()
        if case .token(let token) = popped { return .token(token) }
        switch second.pop() {
        case .token(let token): return .token(token)
        case .arriving: return .arriving
        case .empty: if case .arriving = popped { return .arriving } else { return .none }
        }
    }

    /// Whether a wake-up would put a thread to work.
    ///
    /// Under the lock.
    func canStart(_ state: State) -> Bool {
        if state.isClosed { return false }
        if !state.idle.isEmpty { return kind == .storage || state.active < state.target }
        return state.threads < cap && (kind == .storage || state.active < state.target)
    }

    /// Counts a worker that runs something as what it is from now on.
    ///
    /// Under the lock; the caller publishes the crew's readiness.
    func count(_ worker: Worker, as standing: Worker.Standing, _ state: inout State) {
        switch worker.standing {
        case .active: state.active -= 1
        case .away: break
        case .overrun: state.overrun -= 1
        }
        worker.standing = standing
        switch standing {
        case .active: state.active += 1
        case .away: break
        case .overrun: state.overrun += 1
        }
    }

    /// Takes out what stands first in a queue and was begun by somebody who waits for it; whoever asks releases it after
    /// unlocking.
    ///
    /// Under the lock.
    func takeLeftBehind(_ state: inout State) -> [Unmanaged<AnyTaskToken>] {
        var taken: [Unmanaged<AnyTaskToken>] = []
        while let token = popLeftBehind(&state) { taken.append(token) }
        return taken
    }

    private func popLeftBehind(_ state: inout State) -> Unmanaged<AnyTaskToken>? {
        if let token = bound.popLeftBehind() ?? free.popLeftBehind() { return token }
        func isLeftBehind(_ token: Unmanaged<AnyTaskToken>?) -> Bool {
            token?._withUnsafeGuaranteedRef { $0.current.hasBegun } ?? false
        }
        if isLeftBehind(state.rankedBound.first) { return popRankedBound(&state) }
        return isLeftBehind(state.rankedFree.first) ? popRankedFree(&state) : nil
    }

    /// The oldest that wait for a thread, as many as asked for.
    ///
    /// Under the lock.
    func waiting(_ state: State, atMost count: Int, where isWanted: (AnyTaskToken) -> Bool) -> [AnyTaskToken] {
        var found: [AnyTaskToken] = []
        forEachWaiting(state) { token in
            if token.state == .admitted, isWanted(token) { found.append(token) }
            return found.count < count
        }
        return found
    }

    /// Calls `body` with each that stands in a queue, as long as it answers true.
    private func forEachWaiting(_ state: State, while body: (AnyTaskToken) -> Bool) {
        _ =
            bound.forEach(while: body) && free.forEach(while: body)
            && !state.rankedBound.contains { !body($0.takeUnretainedValue()) }
            && !state.rankedFree.contains { !body($0.takeUnretainedValue()) }
    }

    /// Everything of the crew that is alive, for control and reports.
    ///
    /// Under the lock.
    func forEachToken(_ state: State, waiting: Bool, executing: Bool, _ body: (AnyTaskToken) -> Void) {
        if waiting {
            forEachWaiting(state) {
                body($0); return true
            }
        }
        if executing { for worker in state.workers { worker.forEachRunning(body) } }
    }
}
