//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import Affinity
internal import CExecution
internal import DequeModule
internal import Routing
internal import Synchronization
public import TokenCore

/// Something that happened in a coordinator.
public struct Event: Sendable {
    /// What happened.
    ///
    /// New cases may be added in any version: switch with a `default`.
    public enum Kind: Sendable {
        /// A token changed its state; `domain` is the core domain's number where it has one.
        case token(id: TokenID, operationType: String, state: TokenState, domain: Int?)
        /// A body returned after its token had been settled; what it returned is dropped.
        case lateResult(id: TokenID, operationType: String)
        /// A lead claimed a core domain.
        case leaseOpened(seed: Seed, lead: TokenID, domain: Int)
        /// The lead and all its descendants are settled.
        case leaseReleased(seed: Seed, lead: TokenID, domain: Int)
        /// A worker thread began its life.
        case workerStarted(domain: Int, crew: String, number: Int, pin: PinReport)
        /// A worker thread ended.
        case workerEnded(domain: Int, crew: String, number: Int)
        /// Another number of a crew's threads may run at once now: its bodies block, or do so no more.
        case workersChanged(domain: Int, crew: String, from: Int, to: Int, reason: String)
        /// A core domain is not used any more, but for what is bound to it: its CPUs have gone, or the quota does not reach that far.
        case domainRetired(domain: Int, reason: String)
        /// It is used again.
        case domainRestored(domain: Int)
        /// The home of an anchor without live tokens has moved, since its domain is retired; `hash` is its `AnchorHash`.
        case anchorRehomed(hash: UInt64, from: Int, to: Int)
        /// So have those of so many more anchors.
        case anchorsRehomed(from: Int, count: Int)
        /// A token was settled (run timeout, kill) while its body ran: the body goes on and keeps its worker, which its crew replaces
        /// within `workersPerCore`.
        case workerOverrun(domain: Int, crew: String, number: Int, id: TokenID, operationType: String)
        /// The system refused to create a thread.
        case threadRefused(domain: Int, crew: String, error: String)
        /// A body threw, and is run again after a delay: `attempt` is the number of the one to come.
        case retrying(id: TokenID, operationType: String, attempt: Int, delay: Duration, error: String)
        /// The breaker of an operation has opened, for so long: it failed too often.
        case breakerOpened(operationType: String, for: Duration)
        /// It lets a few tokens try.
        case breakerHalfOpen(operationType: String)
        /// They returned: it lets everyone in again.
        case breakerClosed(operationType: String)
        /// Tokens wait for each other in a circle, each for the next and the last for the first: none of them goes on by itself.
        ///
        /// Told once for each circle, when it has lasted for two to three times `Configuration.waitCycleTime`.
        case waitCycle([WaitLink])
        /// The coordinator moved on in its lifecycle.
        case lifecycle(LifecyclePhase)
    }

    /// Why a token waits for another.
    ///
    /// New cases may be added in any version: switch with a `default`.
    public enum WaitReason: String, Sendable, Hashable, Codable {
        /// Its body waits for it.
        case body
        /// It is made of it, or comes after it.
        case dependency
        /// The other has its ordered anchor's turn.
        case anchorTurn
        /// The other is inside the limit of its operation.
        case operationLimit
        /// The other is inside the limit of its anchor.
        case anchorLimit
        /// The other is inside its storage tier.
        case storage
        /// The other blocks a thread of its crew, which gets no more.
        case worker
    }

    /// A token in a circle, and why it waits for the next.
    public struct WaitLink: Sendable, Hashable, Codable {
        /// The token.
        public let id: TokenID
        /// Its operation type.
        public let operationType: String
        /// Why it waits for the next one.
        public let reason: WaitReason
    }

    /// 1, 2, 3, … in the order of happening, for all subscribers alike; a gap tells how many a subscriber missed.
    public let sequence: UInt64
    /// Monotonic time, in nanoseconds.
    public let time: Int64
    /// What happened.
    public let kind: Kind
}

extension Engine: GateObserver {
    package func gateDid(_ event: GateEvent) { events.emit { Event.Kind(event) } }
}

extension Event.Kind {
    init(_ event: GateEvent) {
        switch event {
        case .retrying(let token, let attempt, let delay, let error):
            self = .retrying(
                id: token.id, operationType: token.operationType, attempt: attempt, delay: .nanoseconds(delay),
                error: error)
        case .breakerOpened(let operation, let time):
            self = .breakerOpened(operationType: operation.name, for: .nanoseconds(time))
        case .breakerHalfOpen(let operation): self = .breakerHalfOpen(operationType: operation.name)
        case .breakerClosed(let operation): self = .breakerClosed(operationType: operation.name)
        }
    }

    static func token(_ token: AnyTaskToken, _ state: TokenState, domain: Int?) -> Event.Kind {
        .token(id: token.id, operationType: token.operationType, state: state, domain: domain)
    }

    static func lateResult(_ token: AnyTaskToken) -> Event.Kind {
        .lateResult(id: token.id, operationType: token.operationType)
    }
}

/// The events of a coordinator from the moment of subscription on.
///
/// Each subscription has a bounded buffer of its own; when it is full the oldest event is dropped and counted. Nobody
/// else waits for a slow subscriber.
public struct EventSubscription: AsyncSequence, Sendable {
    /// What the sequence yields.
    public typealias Element = Event
    /// It never fails.
    public typealias Failure = Never

    let lifetime: Lifetime

    init(_ subscriber: EventBus.Subscriber, _ bus: EventBus) { lifetime = Lifetime(subscriber, bus) }

    /// Events dropped so far because the buffer was full.
    public var dropped: UInt64 { lifetime.subscriber.dropped }

    /// As the iterator's `next()`, for a reader that is a thread: blocks the calling one.
    package func nextBlocking() -> Event? { lifetime.subscriber.nextBlocking() }

    /// Ends the subscription: its reader gets what is pending, then nil.
    package func finish() { lifetime.end() }

    /// Begins to read.
    ///
    /// One reader at a time.
    public func makeAsyncIterator() -> Iterator { Iterator(lifetime: lifetime) }

    /// Reads a subscription.
    ///
    /// Letting go of the subscription and of its reader ends it.
    public struct Iterator: AsyncIteratorProtocol {
        let lifetime: Lifetime

        /// The next event; nil when the coordinator is gone or the task is cancelled.
        public mutating func next() async -> Event? { await lifetime.subscriber.next() }

        /// As `next()`; the isolation makes no difference.
        public mutating func next(isolation: isolated (any Actor)?) async -> Event? { await lifetime.subscriber.next() }
    }

    final class Lifetime: Sendable {
        let subscriber: EventBus.Subscriber
        private let bus: EventBus
        init(_ subscriber: EventBus.Subscriber, _ bus: EventBus) { (self.subscriber, self.bus) = (subscriber, bus) }
        func end() { bus.remove(subscriber) }
        deinit { end() }
    }
}

/// Spreads events to subscribers.
///
/// While there are none, an event costs one relaxed load and a branch.
///
/// `subscribers` and `sequence` are protected by the lock, so every subscriber sees one order.
final class EventBus: Sendable {
    private struct State {
        var subscribers: [Subscriber] = []
        var sequence: UInt64 = 0
        var isFinished = false
        /// Callbacks of single tokens, by the token's number, each token's in the order they came.
        var watches: [UInt64: IndexedQueue<StateWatch>] = [:]
        var isListened: Bool { !subscribers.isEmpty || !watches.isEmpty }
    }
    private let state = Guarded(State())
    private let isListened = Atomic<Bool>(false)
    private let buffer: Int

    init(buffer: Int) { self.buffer = buffer }

    deinit { finish() }

    /// Whether anybody listens, at about this moment.
    var hasListeners: Bool { isListened.load(ordering: .relaxed) }

    @inline(__always)
    func emit(_ kind: () -> Event.Kind) {
        if isListened.load(ordering: .relaxed) { spread(kind()) }
    }

    private func spread(_ kind: Event.Kind) {
        switch kind {
        case .token(_, Operation.hiddenName, _, _), .lateResult(_, Operation.hiddenName): return
        default: break
        }
        let (wakes, watches) = state.withLock { state in
            state.sequence += 1
            let event = Event(sequence: state.sequence, time: tge_now_ns(), kind: kind)
            var watches: [StateWatch] = []
            if !state.watches.isEmpty, case .token(let id, _, _, _) = kind {
                // A list of its own: the queue's memory changes under the lock alone.
                state.watches[id.sequence]?.forEach { watches.append($0) }
            }
            return (state.subscribers.compactMap { $0.offer(event) }, watches)
        }
        for (reader, event) in wakes { reader(event) }
        for watch in watches { watch.look() }
    }

    /// Has the watch look at each event of its token.
    func add(_ watch: StateWatch) {
        state.withLock { state in
            state.watches[watch.token.sequence, default: IndexedQueue()].append(watch)
            isListened.store(true, ordering: .sequentiallyConsistent)
        }
    }

    func remove(_ watch: StateWatch) {
        state.withLock { state in
            let number = watch.token.sequence
            _ = state.watches[number]?.remove(Self.number(of: watch)) { Self.number(of: $0) }
            if state.watches[number]?.isEmpty == true { state.watches[number] = nil }
            if !state.isListened { isListened.store(false, ordering: .relaxed) }
        }
    }

    private static func number(of watch: StateWatch) -> UInt64 { UInt64(UInt(bitPattern: ObjectIdentifier(watch))) }

    func subscribe() -> EventSubscription {
        let subscriber = Subscriber(capacity: buffer)
        let isFinished = state.withLock { state in
            if !state.isFinished {
                state.subscribers.append(subscriber)
                isListened.store(true, ordering: .sequentiallyConsistent)
            }
            return state.isFinished
        }
        if isFinished { subscriber.finish() }
        return EventSubscription(subscriber, self)
    }

    func remove(_ subscriber: Subscriber) {
        state.withLock { state in
            state.subscribers.removeAll { $0 === subscriber }
            if !state.isListened { isListened.store(false, ordering: .relaxed) }
        }
        subscriber.finish()
    }

    /// No more events will come.
    func finish() {
        let all = state.withLock { state in
            let all = state.subscribers
            state.subscribers = []
            state.isFinished = true
            return all
        }
        for subscriber in all { subscriber.finish() }
    }

    /// One subscriber's buffer, protected by its lock.
    ///
    /// Taken inside the bus's lock, never the other way round (Docs/Concurrency.md).
    final class Subscriber: Sendable {
        private struct State {
            var pending: Deque<Event> = []
            var dropped: UInt64 = 0
            var reader: Reader?
            var isFinished = false
        }
        /// Hands an event, or the end, to who waits for one; called once, without a lock.
        typealias Reader = @Sendable (Event?) -> Void

        private let state = Guarded(State())
        private let capacity: Int

        init(capacity: Int) { self.capacity = capacity }

        var dropped: UInt64 { state.withLock { $0.dropped } }

        /// Keeps an event; answers whom to resume with it if a reader waits.
        func offer(_ event: Event) -> (Reader, Event)? {
            state.withLock { state in
                if let reader = state.reader {
                    state.reader = nil
                    return (reader, event)
                }
                if state.pending.count == capacity {
                    state.pending.removeFirst()
                    state.dropped += 1
                }
                state.pending.append(event)
                return nil
            }
        }

        func next() async -> Event? {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    read(unless: { Task.isCancelled }) { continuation.resume(returning: $0) }
                }
            } onCancel: {
                takeReader()?(nil)
            }
        }

        func nextBlocking() -> Event? {
            let parker = Parker()
            let got = Guarded<Event?>(nil)
            read(unless: { false }) { event in
                got.withLock { $0 = event }
                parker.unpark()
            }
            _ = parker.park()
            return got.withLock { $0 }
        }

        /// Calls `reader` once: now, or when an event comes.
        private func read(unless isCancelled: () -> Bool, _ reader: @escaping Reader) {
            let (ready, event): (Bool, Event?) = state.withLock { state in
                if let event = state.pending.popFirst() { return (true, event) }
                if state.isFinished || state.reader != nil || isCancelled() { return (true, nil) }
                state.reader = reader
                return (false, nil)
            }
            if ready { reader(event) }
        }

        func finish() {
            state.withLock { $0.isFinished = true }
            takeReader()?(nil)
        }

        private func takeReader() -> Reader? {
            state.withLock { state in
                let reader = state.reader
                state.reader = nil
                return reader
            }
        }
    }
}
