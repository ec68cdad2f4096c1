//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Synchronization

/// A token with options.
///
/// It waits for its time and for others before it is submitted, is tried again, and runs out of time; the
/// engine knows a token that is reserved, submitted, run, and settled (Docs/Options.md).
///
/// | field | protected by |
/// |---|---|
/// | `input` | touched by whoever runs the body |
/// | `gate`, `claim`, `key`, `isHeld`, `heldAt`, `lineage`, `context` | written before the token is published |
/// | `care` | its lock; nothing is called, and nothing settled, under it |
final class ManagedToken<Input: Sendable, Output: Sendable>: OutcomeToken<Output>, SettlementSink, @unchecked Sendable {
    /// Until the last attempt has ended.
    private var input: Input?
    private var call: CallOptions
    private var gate: OperationGate?
    private var claim = StoredClaim.free
    var key: OperationGate.Key?
    /// That of the submission, where it is wanted.
    var context: CapturedContext?
    private var isHeld = false
    private var heldAt: Int64 = 0

    private struct Care {
        /// Timers that are to be cancelled when the token is settled.
        var timers: [UInt64] = []
        /// What ends with the way to a worker: the queue timeout.
        var queueTimer: UInt64?
        /// Who waits for the next attempt.
        var sleeper: UnsafeContinuation<Void, Never>?
        var attempts = 0
        /// When the first of them began.
        var began = Int64.min
        /// The breaker's try that it is.
        var probe: Int?
        /// The breaker has been told of this token.
        var isReported = false
        var isOver = false
        /// When it runs out of time, as far as is known.
        var deadline = Int64.max
        /// When it is due, or its next attempt is, where that is known.
        var dueAt = Int64.min
        var dependencies: [AnyTaskToken] = []
    }
    private let care = Guarded(Care())
    /// What has to come before it is due.
    private let conditions = Atomic<Int>(1)

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    override init(plan: TokenPlan, keeping nothing: Result<Output, any Error>?) {
        fatalError("a token with options is made with its call")
    }

    init(plan: ManagedPlan<Input, Output>, input: Input, call: CallOptions) {
        self.input = input
        self.call = call
        super.init(plan: plan, keeping: nil)
    }

    deinit { context?.end() }

    private var managedPlan: ManagedPlan<Input, Output> { unsafeDowncast(plan, to: ManagedPlan.self) }
    private var options: OperationOptions { managedPlan.options }

    package override var isDerived: Bool { isHeld }
    package override var submittedFirst: Int64 { isHeld ? heldAt : submittedAt }
    package override var sources: [AnyTaskToken] { care.withLock { $0.dependencies } }
    package override var attemptCount: Int? { care.withLock { $0.attempts } }
    package override var cancelsTokenOnCancel: Bool { options.cancelsTokenOnCancel }
    package override var timeLimit: Int64 { care.withLock { $0.deadline } }
    package override var dueTime: Int64 { care.withLock { $0.dueAt } }

    // MARK: Before admission

    /// Hands it to its submitter: at once, or, numbered and counted already, when it is due.
    ///
    /// - Parameter places: among the submitter's live tokens; they were waited for.
    /// - Returns: whether they are used.
    func launch(
        _ submitter: any TokenSubmitter, _ gate: OperationGate?, _ claim: StoredClaim, with places: TokenTags.Holdings
    ) -> Bool {
        self.gate = gate
        self.claim = claim
        let timers = submitter.realm.timers
        let now = timers.now
        _ = addWaiter(.sink(self, tag: 0))
        let delay = call.remaining.map { Int64(clampedAdding: $0, to: now) } ?? now
        let after = call.after
        // Held by `care` alone, until it is due: a chain of any length keeps its end, and nothing before it.
        call.after = []
        isHeld = call.isDeferred || delay > now || !after.isEmpty || options.rate != nil
        // Before a body can ask for it.
        noteTimeout(now)
        if !isHeld {
            if let refusal = admit(submitter.realm, now) {
                refuseBlocked(submitter, refusal)
                return false
            }
            holdings.formUnion(places)
            claim.use { submitter.submit(self, claim: $0) }
            // Not before: who settles it has to find its submitter.
            armTimeout(timers, now)
            armQueueTimeout(timers, now)
            return true
        }
        care.withLock { care in
            care.dueAt = delay
            care.dependencies = after
        }
        heldAt = tge_now_ns()
        claim.use { claim in
            if let reserver = submitter as? any ClaimReserver {
                reserver.reserve(self, claim: claim)
            } else {
                submitter.reserve(self)
            }
        }
        transition { $0.holding() }
        armTimeout(timers, now)
        conditions.add(after.count + (delay > now ? 1 : 0), ordering: .relaxed)
        if delay > now { arm(timers, at: delay) { $0.conditionMet() } }
        // While it is alive its own waiter keeps it.
        for token in after { token.onSettled { [weak self, unowned token] in self?.dependencyDidSettle(token) } }
        conditionMet()
        return false
    }

    /// Asks the breaker, when it is due: one that waits must not be the one that tries.
    ///
    /// - Returns: what it is refused with; nil where it may go on.
    private func admit(_ realm: TokenRealm, _ now: Int64) -> TokenError? {
        guard let breaker = options.breaker, let gate else { return nil }
        switch gate.admit(breaker, now: now) {
        case .yes: return nil
        case .probe(let number):
            let isOver = care.withLock { care in
                if !care.isOver { care.probe = number }
                return care.isOver
            }
            // Settled meanwhile, it will not try: another may.
            if isOver { gate.abandon(probe: number) } else { realm.tell(.breakerHalfOpen(operation)) }
            return nil
        case .no(let until): return blocked(for: until.map { max(0, $0 - now) })
        }
    }

    /// It counts as any other token that fails.
    private func refuseBlocked(_ submitter: any TokenSubmitter, _ refusal: TokenError) {
        isHeld = true
        heldAt = tge_now_ns()
        submitter.reserve(self)
        refuse(refusal)
    }

    private func blocked(for time: Int64?) -> TokenError {
        let how =
            time.map { "for another \(Duration.nanoseconds($0))" }
            ?? "half open, until those that try (probes: \(options.breaker?.probes ?? 1)) have returned"
        return TokenError(.operationBlocked, "\"\(operationType)\" is blocked by its breaker, \(how)")
    }

    /// One that it was to come after has settled: it fails with it at once, or waits for the others.
    private func dependencyDidSettle(_ token: AnyTaskToken) {
        if call.afterFailure == .fail, token.state != .completed {
            if isSettled { return }
            // What a stop leaves behind is one thing, however it hangs together: it is in the stop's report.
            if token.realm === realm, token.current.reason == .coordinatorStopped {
                settle(for: .coordinatorStopped)
            } else {
                fail(after: token)
            }
        } else {
            conditionMet()
        }
    }

    private func fail(after failed: AnyTaskToken) {
        refuse(
            TokenError(
                .dependencyFailed,
                "token \(id) of \"\(operationType)\" was to come after \(failed), which did not complete",
                cause: failed.failure.map(Self.root)))
    }

    /// One of the things that it waited for has come to pass.
    private func conditionMet() {
        guard conditions.subtract(1, ordering: .acquiringAndReleasing).newValue == 0, !isSettled else { return }
        let dependencies = takeDependencies()
        _ = dependencies  // freed outside the lock
        guard let submitter = realm?.submitter else { return settleWithoutSubmitter() }
        let timers = submitter.realm.timers
        let now = timers.now
        let due = options.rate.flatMap { gate?.due($0, now: now) } ?? now
        care.withLock { $0.dueAt = due }
        if due > now { arm(timers, at: due) { $0.comeIn() } } else { comeIn() }
    }

    private func takeDependencies() -> [AnyTaskToken] {
        care.withLock { care in
            defer { care.dependencies = [] }
            return care.dependencies
        }
    }

    /// What began it: in a chain each has the first one's error, not all of those between.
    private static func root(of error: any Error) -> any Error {
        if let error = error as? TokenError, error.code == .dependencyFailed, let cause = error.cause {
            cause
        } else {
            error
        }
    }

    /// Its submitter has gone, and nobody else would settle it.
    private func settleWithoutSubmitter() { settle(for: .coordinatorStopped) }

    /// It is due.
    private func comeIn() {
        if isSettled { return }
        guard let submitter = realm?.submitter else { return settleWithoutSubmitter() }
        let timers = submitter.realm.timers
        let now = timers.now
        if let refusal = admit(submitter.realm, now) { return refuse(refusal) }
        claim.use { submitter.submit(self, claim: $0) }
        armQueueTimeout(timers, now)
    }

    // MARK: Time

    /// Calls `action` at a time, unless the token is settled before.
    @discardableResult
    private func arm(
        _ timers: TimerQueue, at due: Int64, _ action: @escaping @Sendable (ManagedToken) -> Void
    ) -> UInt64? {
        if due == .max || isSettled { return nil }
        guard let number = timers.at(due, { [self] in action(self) }) else { return nil }
        let isOver = care.withLock { care in
            if !care.isOver { care.timers.append(number) }
            return care.isOver
        }
        if isOver { timers.cancel(number) }
        return number
    }

    /// When it runs out of time that may live so long; nil where it may for ever.
    private func timeoutDue(_ now: Int64) -> Int64? {
        [options.timeout, call.timeout].compactMap { $0 }.min().map { Int64(clampedAdding: $0, to: now) }
    }

    private func noteTimeout(_ now: Int64) {
        if let due = timeoutDue(now) { care.withLock { $0.deadline = min($0.deadline, due) } }
    }

    private func armTimeout(_ timers: TimerQueue, _ now: Int64) {
        if let due = timeoutDue(now) { arm(timers, at: due) { $0.expire(.timedOut) } }
    }

    private func armQueueTimeout(_ timers: TimerQueue, _ now: Int64) {
        guard let timeout = options.queueTimeout else { return }
        let number = arm(timers, at: Int64(clampedAdding: timeout, to: now)) { token in
            token.expire(.queueTimedOut) { $0.state != .executing }
        }
        care.withLock { $0.queueTimer = number }
    }

    /// Runs out of time.
    private func expire(_ reason: SettleReason, if holds: (TokenWord) -> Bool = { _ in true }) {
        guard settle(for: reason, if: holds) else { return }
        realm?.submitter?.tokenWasKilled(self)
    }

    /// It is settled, whoever did it: nothing of it is left behind.
    func take(_ token: AnyTaskToken, tag: UInt) {
        let dependencies = takeDependencies()
        _ = dependencies  // freed outside the lock
        let (timers, sleeper, lostProbe) = care.withLock { care in
            defer {
                care.timers = []
                care.sleeper = nil
            }
            care.isOver = true
            let isLost = care.probe != nil && !care.isReported && !ranOutOfTime
            if isLost { care.isReported = true }
            return (care.timers, care.sleeper, isLost ? care.probe : nil)
        }
        if let queue = realm?.timers { for number in timers { queue.cancel(number) } }
        sleeper?.resume()
        // Killed or timed out after it has started, the body is there, or about to begin: its task ends with it.
        let word = current
        if !word.hadStarted || word.state == .completed || word.state == .failed { context?.end() }
        guard let gate else { return }
        if let key { gate.release(key, of: self) }
        if ranOutOfTime {
            report(failed: true)
        } else if let lostProbe {
            gate.abandon(probe: lostProbe)
        }
    }

    /// Its body took too long: one that never began says nothing of the operation.
    private var ranOutOfTime: Bool {
        let word = current
        return word.isTerminal && word.state == .timedOut && word.hadStarted
    }

    // MARK: Running

    /// A body begins.
    private func beginAttempt() {
        let now = realm?.timers.now ?? 0
        let (isFirst, queueTimer) = care.withLock { care in
            care.attempts += 1
            if care.attempts == 1 { care.began = now }
            return (care.attempts == 1, care.queueTimer)
        }
        guard isFirst, let timers = realm?.timers else { return }
        if let queueTimer { timers.cancel(queueTimer) }
        guard let timeout = options.runTimeout else { return }
        let due = Int64(clampedAdding: timeout, to: now)
        care.withLock { $0.deadline = min($0.deadline, due) }
        arm(timers, at: due) { $0.expire(.runTimedOut) }
    }

    /// Tells the breaker how a run ended, once a token.
    private func report(failed: Bool) {
        guard let breaker = options.breaker, let gate, let realm else { return }
        let (isFirst, probe) = care.withLock { care in
            defer { care.isReported = true }
            return (!care.isReported, care.probe)
        }
        guard isFirst else { return }
        let now = realm.timers.now
        switch gate.record(failed: failed, probe: probe, breaker, now: now) {
        case .open(let until): realm.tell(.breakerOpened(operation, for: until - now))
        case .closed: realm.tell(.breakerClosed(operation))
        case .halfOpen, nil: break
        }
    }

    package override func invoke() -> Bool {
        guard let body = managedPlan.body, !tags.isAsync else { return AsyncBodies.block(on: asyncBody, in: context) }
        beginAttempt()
        let result = Result<Output, any Error> { try body(givenInput) }
        return end(result)
    }

    package override var asyncBody: (@Sendable () async -> Bool)? {
        if !tags.isAsync { return nil }
        return { [self] in
            while true {
                beginAttempt()
                let result: Result<Output, any Error>
                do {
                    result = .success(try await runOnce())
                } catch {
                    result = .failure(error)
                    if await waitForNextAttempt(after: error) { continue }
                }
                return end(result)
            }
        }
    }

    package override func startInContext(
        on carrier: any JobCarrier, _ work: @escaping @Sendable () async -> Void
    ) -> Bool {
        context?.begin(on: carrier, work)
        return context != nil
    }

    private func runOnce() async throws -> Output {
        if let asyncBody = managedPlan.asyncBody { return try await asyncBody(givenInput) }
        guard let body = managedPlan.body else { fatalError("token \(id) has no body") }
        return try body(givenInput)
    }

    private var givenInput: Input {
        guard let input else { fatalError("token \(id) was run again in state \(state), after its last attempt") }
        return input
    }

    private func end(_ result: Result<Output, any Error>) -> Bool {
        input = nil
        let isOk = keep(result)
        // A token that was killed meanwhile says nothing of its operation.
        if !isSettled { report(failed: !isOk) }
        return isOk
    }

    /// Waits for the time of the next attempt; false where there is none.
    private func waitForNextAttempt(after error: any Error) async -> Bool {
        guard let retry = options.retry, !isSettled, let timers = realm?.timers else { return false }
        let (attempts, began) = care.withLock { ($0.attempts, $0.began) }
        guard attempts < retry.attempts, retry.isRetryable(error) else { return false }
        let delay = retry.delay(after: attempts, random: .random(in: 0...1))
        let due = timers.now.addingReportingOverflow(delay)
        if let limit = retry.deadline, due.overflow || due.partialValue > Int64(clampedAdding: limit, to: began) {
            return false
        }
        realm?.tell(.retrying(self, attempt: attempts + 1, delay: delay, error: "\(error)"))
        await sleep(timers, until: due.overflow ? .max : due.partialValue)
        // Its worker may have come back to it late.
        if let limit = retry.deadline, timers.now > Int64(clampedAdding: limit, to: began) { return false }
        return !isSettled
    }

    private func sleep(_ timers: TimerQueue, until due: Int64) async {
        await withUnsafeContinuation { continuation in
            let isOver = care.withLock { care in
                if !care.isOver { care.sleeper = continuation }
                care.dueAt = due
                return care.isOver
            }
            if isOver { return continuation.resume() }
            let number = timers.at(due) { [self] in wake() }
            if number == nil { return wake() }
            let isLate = care.withLock { care in
                if let number, !care.isOver { care.timers.append(number) }
                return care.isOver
            }
            if isLate, let number { timers.cancel(number) }
        }
    }

    private func wake() {
        let sleeper = care.withLock { care in
            defer { care.sleeper = nil }
            return care.sleeper
        }
        sleeper?.resume()
    }
}
