//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
public import Synchronization

/// A token, whatever its result: identity, state and control.
///
/// Users hold a `TaskToken<Success>`.
///
/// Thread-safe: everything public may be used from any thread, from async code and from bodies.
///
/// Who may touch what:
///
/// | field | written by | read by |
/// |---|---|---|
/// | `word` | anyone, by named transitions only | anyone |
/// | `marks`, needed | any body that waits for the token; set once | whoever puts the token into a line, after that |
/// | `marks`, permit | whoever gives the token a permit of its operation, or takes it | anyone |
/// | `marks`, buried | whoever comes upon the token when it is settled; set once | the same |
/// | `marks`, kept | whoever gives it an outcome without a body; set once | the same |
/// | `link` | whoever puts the token into a queue; the queue | that queue's consumer |
/// | `sequence`, `tags`, `anchor`, `epoch`, `lineage`, `submittedAt` | the submitting thread, before the token is published | anyone after |
/// | `holdings` | the one engine thread that has the token in hand; it passes it on under a lock or through a mailbox | the same |
/// | `domain` | the same, or who made the token executing | anyone, to tell of it |
/// | outcome (subclass) | the thread that made the token executing, before it finishes | anyone who saw completed or failed |
public class AnyTaskToken: @unchecked Sendable {
    @usableFromInline package final let word: Atomic<UInt>
    /// Link of the one queue this token stands in: an address, or 0.
    @usableFromInline package final let link: Atomic<UInt>
    @usableFromInline package final let plan: TokenPlan

    // In this order they leave no gaps: two cache lines are enough for a token with a word of input and one of result.
    // Not checked for exclusive access, since the table above says who may touch them. They are reached by the inlinable
    // properties below: the attribute does not cross modules by itself, and 20 checks a token cost 1,500 instructions.
    // The realm is never freed; nil until submitted.
    @usableFromInline @exclusivity(unchecked) final unowned(unsafe) var realmStorage: TokenRealm?
    @usableFromInline @exclusivity(unchecked) final var sequenceStorage: UInt64 = 0
    @usableFromInline @exclusivity(unchecked) final var submittedAtStorage: Int64 = 0
    @usableFromInline @exclusivity(unchecked) final var lineageStorage: Lineage?
    @usableFromInline @exclusivity(unchecked) final var anchorStorage: UInt64 = 0
    @usableFromInline @exclusivity(unchecked) final var epochStorage: UInt32 = 0
    @usableFromInline final let domainStorage: Atomic<UInt16>
    @usableFromInline @exclusivity(unchecked) final var holdingsStorage: TokenTags.Holdings = []
    @usableFromInline final let marks: Atomic<UInt8>

    /// A token in the state `created`.
    @inlinable
    package init(plan: TokenPlan) {
        self.plan = plan
        word = Atomic(0)
        link = Atomic(0)
        domainStorage = Atomic(0)
        marks = Atomic(0)
    }

    // MARK: What users see

    /// Identity: the coordinator's origin and the token's number there.
    public final var id: TokenID { TokenID(origin: realm?.origin ?? 0, sequence: sequence) }

    /// The operation type this token is a call of.
    public final var operationType: String { operation.name }

    /// The state at this moment; it may have moved on by the time it is looked at, unless it is terminal.
    public final var state: TokenState { current.state }

    /// Whether the token has reached its terminal state.
    public final var isSettled: Bool { current.isTerminal }

    /// The seed of the lead this token belongs to, or is; nil outside of leads.
    public final var seed: Seed? { lineage?.lead?.seed }

    /// Settles the token as killed unless it is settled already.
    ///
    /// A token that waits never runs. A running body is not torn down: its token settles at once, the body sees
    /// `TokenContext.isCancelled`, and what it returns later is counted and dropped.
    ///
    /// - Returns: whether this call settled it.
    @discardableResult
    public final func kill() -> Bool {
        guard settle(for: .killed) else { return false }
        realm?.submitter?.tokenWasKilled(self)
        return true
    }

    /// Waits, without blocking a thread, until the token is settled; never throws.
    ///
    /// The cancellation of the calling task does not end the wait, since the return says that the token is settled: await
    /// `TaskToken.value` where it should.
    public final func settled() async {
        endBurst()
        if isSettled { return }
        guard let wait = ObservedWait(for: [self]) else {
            return await withUnsafeContinuation { continuation in
                if !addWaiter(.continuation(continuation)) { continuation.resume() }
            }
        }
        await withUnsafeContinuation { continuation in
            let isOver: @Sendable () -> Void = {
                wait.isOver()
                continuation.resume()
            }
            if !addWaiter(.callback(isOver)) { isOver() }
        }
        await wait.comeBack()
    }

    /// Calls `callback` once, as soon as the token is settled: on the settling thread (a worker, or whoever killed it),
    /// or at once on this thread when it is settled already.
    ///
    /// It must be short and must not block.
    public final func onSettled(_ callback: @escaping @Sendable () -> Void) {
        if !addWaiter(.callback(callback)) { callback() }
    }

    // MARK: For executors

    /// Runs the body on this thread and settles the token: what an executor of one's own calls, once, for each token
    /// that it was given.
    ///
    /// Does nothing when the token was settled before it could start, and for a coordinator's tokens, which it runs itself.
    public final func run() {
        if let realm, realm.runsItsTokens { return }
        _ = transition { $0.admitting() }
        guard begin() else { return }
        BodyFrame.running(self) { if let before = finish(ok: runBody()) { tellWaiters(before) } }
    }

    // MARK: For the engine

    package final var operation: Operation { plan.operation }
    @inlinable package final var tags: TokenTags { plan.tags }

    /// Whether a body waits for the token: where it stands in the line of what an ancestor holds, it may be let in.
    package final var isNeeded: Bool { marks.load(ordering: .sequentiallyConsistent) & 1 != 0 }

    package final func markNeeded() { marks.bitwiseOr(1, ordering: .sequentiallyConsistent) }

    /// True once: whoever gets it returns what the token holds that settled before it began.
    package final func markBuried() -> Bool { marks.bitwiseOr(2, ordering: .acquiringAndReleasing).oldValue & 2 == 0 }

    package final var isBuried: Bool { marks.load(ordering: .acquiring) & 2 != 0 }

    /// Whether the token has a permit of its operation's limit, for who has not the token in hand.
    package final var hasPermit: Bool { marks.load(ordering: .sequentiallyConsistent) & 4 != 0 }

    package final func markPermit(_ has: Bool) {
        if has {
            marks.bitwiseOr(4, ordering: .sequentiallyConsistent)
        } else {
            marks.bitwiseAnd(~4, ordering: .sequentiallyConsistent)
        }
    }

    package final var current: TokenWord { TokenWord(raw: word.load(ordering: .acquiring)) }

    /// The state, read in the one order of all sequentially consistent accesses: after a store, whoever stored first is seen.
    package final var stateInTotalOrder: TokenState {
        TokenWord(raw: word.load(ordering: .sequentiallyConsistent)).state
    }

    /// Applies a named transition; false when it is not allowed from the state the token is in by then.
    @inline(__always)
    @discardableResult
    package final func transition(_ move: (TokenWord) -> TokenWord?) -> Bool {
        var seen = TokenWord(raw: word.load(ordering: .acquiring))
        while let next = move(seen) {
            let (done, found) = word.weakCompareExchange(
                expected: seen.raw, desired: next.raw, successOrdering: .sequentiallyConsistent,
                failureOrdering: .acquiring)
            if done { return true }
            seen = TokenWord(raw: found)
        }
        return false
    }

    /// created or waiting → admitted.
    package final func admit() -> Bool { transition { $0.admitting() } }

    /// admitted → executing: the winner owns the body.
    package final func begin() -> Bool { transition { $0.starting() } }

    /// executing → completed or failed; answers the word before, whose waiters the caller tells; nil when someone settled it
    /// first.
    package final func finish(ok: Bool) -> TokenWord? { settleWord { $0.finishing(ok: ok) } }

    /// Tells those who waited when the token was settled.
    package final func tellWaiters(_ before: TokenWord) {
        if before.waiters != 0 { WaiterList.resume(before.waiters, of: self) }
    }

    /// As `finish`, for a token that no worker runs: the coordinator has to be told.
    ///
    /// - Parameter keep: keeps its outcome, and answers whether that is a result; called once, and not where it is settled
    ///   already. Where it is killed meanwhile nobody looks at what was kept.
    package final func finishElsewhere(_ keep: () -> Bool) {
        guard !isSettled, marks.bitwiseOr(8, ordering: .acquiringAndReleasing).oldValue & 8 == 0 else { return }
        let ok = keep()
        guard let before = settleWord({ $0.finishingUnbegun(ok: ok) }) else { return }
        realm?.submitter?.tokenDidSettle(self, from: before.state)
        tellWaiters(before)
    }

    /// Any live state → killed or timedOut; false when already settled.
    ///
    /// The coordinator counts it first, then the waiters are told, so whoever was waiting finds it in the statistics.
    @discardableResult
    package final func settle(
        for reason: SettleReason, reportingTo submitter: (any TokenSubmitter)? = nil,
        if holds: (TokenWord) -> Bool = { _ in true }
    ) -> Bool {
        guard let before = settleWord({ holds($0) ? $0.settling(for: reason) : nil }) else { return false }
        let submitter = submitter ?? realm?.submitter
        submitter?.tokenDidSettle(self, from: before.state)
        if before.state == .admitted { submitter?.tokenDiedInMailbox(self) }
        tellWaiters(before)
        return true
    }

    /// Makes the word terminal; answers what it was before, nil when it was terminal already.
    @inline(__always)
    private func settleWord(_ move: (TokenWord) -> TokenWord?) -> TokenWord? {
        var before = TokenWord(raw: 0)
        let won = transition { word in
            before = word
            return move(word)
        }
        return won ? before : nil
    }

    package final func addWaiter(_ action: Waiter.Action) -> Bool { WaiterList.add(Waiter(action), to: self) }

    /// Settles a token that did not begin, with an error of our own.
    package func refuse(_ error: TokenError) { fatalError("a token without result type cannot be refused") }

    /// Runs the body and keeps its outcome; true when it returned, false when it threw.
    package final func runBody() -> Bool { plan.runner(self) }

    /// What `runBody` does where the plan has no runner of its own.
    @usableFromInline
    package func invoke() -> Bool { fatalError("a token without body was started in state \(state)") }

    /// Its body is about to block its thread in a wait.
    package func willBlock() {}

    /// What bodies see of the token that they are: another one's where it runs those of a batch.
    package var idInside: TokenID { id }
    package var operationInside: Operation { operation }
    package var indexInside: Int { 0 }
    package func isSettledInside(_ index: Int) -> Bool { isSettled }
    /// Why; `body` where that is not known.
    package func reasonInside(_ index: Int) -> SettleReason { current.reason }

    /// Its body has submitted something, or is about to.
    package func lineageWasMade() {}

    /// The body of an async operation; nil for a synchronous one.
    @usableFromInline
    package var asyncBody: (@Sendable () async -> Bool)? { nil }

    /// Begins its async body by way of `work`, in the context that it has brought along: a task whose jobs the carrier has run.
    ///
    /// - Returns: false where it has none.
    package func startInContext(on carrier: any JobCarrier, _ work: @escaping @Sendable () async -> Void) -> Bool {
        false
    }

    /// Whether the token is made of others, and counted before it is submitted.
    package var isDerived: Bool { false }

    /// The tokens that this one is made of: it cannot begin before they are settled.
    package var sources: [AnyTaskToken] { [] }

    /// How often its body has begun.
    ///
    /// 1 at most without a retry policy (`OperationOptions.retry`); 0 before.
    public final var attempts: Int { attemptCount ?? (current.hasBegun ? 1 : 0) }

    /// What `attempts` is where the token counts them.
    package var attemptCount: Int? { nil }
    /// Whether the cancellation of a task that awaits its value kills it.
    package var cancelsTokenOnCancel: Bool { false }
    /// When it runs out of time, in the time of its realm.
    package var timeLimit: Int64 { .max }
    /// When it was submitted first: a token that waits for its time is submitted again when it is due.
    package var submittedFirst: Int64 { submittedAt }
    /// When it is due, where it waits for that.
    package var dueTime: Int64 { .min }
    /// What it failed with, once it has.
    package var failure: (any Error)? { nil }

    /// Whether there was no place for it: it has not begun, and will not.
    final var isRefusedForWantOfPlace: Bool {
        current.state == .failed && !current.hasBegun && (failure as? TokenError)?.code == .overloaded
    }

    /// The calling thread waits for this token, so it does not go on submitting: what it put off meanwhile is due.
    @inline(__always)
    package final func endBurst() {
        let thread = thisThread
        thread.pointee.burst = 0
        guard thread.pointee.owes != 0 else { return }
        thread.pointee.owes = 0
        realm?.submitter?.callerWaits()
    }

    /// Parks the thread until the token is settled or `deadline` (monotonic nanoseconds; nil: without limit) passes.
    package final func parkUntilSettled(deadline: Int64?) -> Bool {
        if isSettled { return true }
        let parker = Parker()
        let waiter = Waiter(.parker(parker))
        guard WaiterList.add(waiter, to: self) else { return true }
        guard let deadline else { return parker.park() }
        if parker.park(timeout: max(0, deadline - tge_now_ns())) { return true }
        return !WaiterList.remove(waiter, from: self)
    }
}

extension AnyTaskToken {
    @inlinable package final var realm: TokenRealm? {
        get { realmStorage }
        set { realmStorage = newValue }
    }
    @inlinable package final var sequence: UInt64 {
        get { sequenceStorage }
        set { sequenceStorage = newValue }
    }
    @inlinable package final var epoch: UInt32 {
        get { epochStorage }
        set { epochStorage = newValue }
    }
    @inlinable package final var domain: UInt16 {
        get { domainStorage.load(ordering: .relaxed) }
        set { domainStorage.store(newValue, ordering: .relaxed) }
    }
    @inlinable package final var holdings: TokenTags.Holdings {
        get { holdingsStorage }
        set { holdingsStorage = newValue }
    }
    @inlinable package final var anchor: UInt64 {
        get { anchorStorage }
        set { anchorStorage = newValue }
    }
    @inlinable package final var submittedAt: Int64 {
        get { submittedAtStorage }
        set { submittedAtStorage = newValue }
    }
    @inlinable package final var lineage: Lineage? {
        get { lineageStorage }
        set { lineageStorage = newValue }
    }
}

extension AnyTaskToken: CustomStringConvertible {
    /// Its operation type, state and id, for people.
    public final var description: String { "token \(id) of \"\(operationType)\", \(state)" }
}
