//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import DequeModule
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
    /// Threads that may run bodies at once, as far as they are not blocked in a wait.
    let target: Int
    /// Threads at most.
    let cap: Int
    /// Tokens that must run in this domain.
    let bound = Mailbox()
    /// Tokens that another domain may take over.
    let free = Mailbox()

    /// A piece of an async body, and whose.
    struct Job: Sendable {
        let job: UnownedJob
        let executor: any TaskExecutor
        let lineage: Lineage?
        let number: UInt64

        func run() { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
    }

    struct State {
        /// Threads that exist or are being made.
        var threads = 0
        /// Threads that are neither idle nor blocked in a wait.
        var active = 0
        var workers: [Worker] = []
        /// Parked or about to park; the latest last, since its caches are warm.
        var idle: [Worker] = []
        /// Jobs of async bodies.
        var jobs: Deque<Job> = []
        var nextJob: UInt64 = 0
        var turn: UInt8 = 0
        var nextNumber = 0
        var isClosed = false
        /// The system refused the last thread that was asked for.
        var isRefused = false
        /// What the crew's bit in the engine's ready set says.
        var isReady = false

        /// Appends a job, with the next number.
        mutating func add(_ job: UnownedJob, _ executor: any TaskExecutor, _ lineage: Lineage?) {
            nextJob += 1
            jobs.append(Job(job: job, executor: executor, lineage: lineage, number: nextJob))
        }
    }
    // Producers look at the mailboxes, the crew's threads change their state, with each token.
    private let padding = CachePadding()
    let state = Guarded(State())
    private let paddingAfter = CachePadding()

    init(domain: Int, kind: CrewKind, target: Int, cap: Int) {
        self.domain = domain
        self.kind = kind
        self.target = target
        self.cap = cap
    }

    var hasMail: Bool { !bound.isEmpty || !free.isEmpty }

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
        guard state.jobs.isEmpty, !state.isClosed, state.active <= target else { return 0 }
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
        if !state.idle.isEmpty { return kind == .storage || state.active < target }
        return state.threads < cap && (kind == .storage || state.active < target)
    }

    /// Everything of the crew that is alive, for control and reports.
    ///
    /// Under the lock.
    func forEachToken(_ state: State, waiting: Bool, executing: Bool, _ body: (AnyTaskToken) -> Void) {
        if waiting {
            bound.forEach(body)
            free.forEach(body)
        }
        if executing { for worker in state.workers { worker.forEachRunning(body) } }
    }
}
