//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import CExecution
internal import Synchronization
internal import TokenCore

// Start, drain, stop.
extension Engine {
    // MARK: Start

    func start() async throws(TokenError) {
        guard try beginStart() else { return }
        do throws(TokenError) {
            try startCrews()
            while try isPinUnknown() { try? await Task.sleep(for: .milliseconds(1)) }
        } catch {
            _ = await stop(timeout: .zero)
            throw error
        }
        openForTokens()
    }

    /// As `start()`, for callers that are threads.
    func startBlocking() throws(TokenError) {
        guard try beginStart() else { return }
        do throws(TokenError) {
            try startCrews()
            let parker = Parker()
            while try isPinUnknown() { _ = parker.park(timeout: 1_000_000) }
        } catch {
            _ = stopBlocking(timeout: .zero)
            throw error
        }
        openForTokens()
    }

    /// Whether this call is the one that starts it.
    private func beginStart() throws(TokenError) -> Bool {
        switch control.withLock({ $0.start() }) {
        case .start: return true
        case .nothing: return false
        case .refuse:
            throw TokenError(.coordinatorStopped, "a coordinator cannot be started again; its phase is \(phase)")
        }
    }

    private func startCrews() throws(TokenError) {
        spawner.start { [self] in spawnOrHandOver($0) }
        for domain in domains { try startStandardCrew(domain) }
        if !configuration.adaptsByHand { adapter?.start { [self] in sampleCrews() } }
    }

    private func openForTokens() {
        if phase == .running { events.emit { .lifecycle(.running) } }
        for domain in domains {
            for crew in domain.crews { crew.state.withLock { publishReadiness(of: crew, &$0) } }
        }
        releasePending()
        // Whoever does not see the gate open has put its job there before.
        for domain in domains {
            for crew in domain.crews where crew.state.withLock({ !$0.jobs.isEmpty }) { wake(crew) }
        }
    }

    /// Starts without threads; the one worker there is runs when it is stepped.
    func startStepped() throws(TokenError) -> Worker {
        guard domains.count == 1 else {
            throw TokenError(
                .invalidConfiguration, "only a coordinator of one domain can be stepped, not of \(domains.count)")
        }
        guard case .start = control.withLock({ $0.start() }) else {
            throw TokenError(
                .coordinatorStopped, "only a coordinator that is idle can be stepped; its phase is \(phase)")
        }
        let crew = domains[0][.standard]
        let worker = Worker(crew: crew, number: 0, of: self)
        // Whoever steps it is the only one to run what is there.
        worker.cover = 1
        spawner.start { [self] in spawnOrHandOver($0) }
        crew.state.withLock { state in
            state.threads += 1
            state.active += 1
            state.workers.append(worker)
        }
        for crew in domains[0].crews { crew.state.withLock { publishReadiness(of: crew, &$0) } }
        releasePending()
        return worker
    }

    func endStepped(_ worker: Worker) {
        worker.giveCountersBack()
        worker.crew.state.withLock { state in
            state.threads -= 1
            state.active -= 1
            state.workers.removeAll { $0 === worker }
            publishReadiness(of: worker.crew, &state)
        }
        // What it has left gets a thread; after a stop there is none to come.
        if worker.crew.state.withLock({ $0.isClosed }) { return retireLeftovers([worker.crew]) }
        if worker.crew.hasMail || worker.crew.state.withLock({ !$0.jobs.isEmpty }) { wake(worker.crew) }
    }

    var phase: LifecyclePhase { control.withLock { $0.phase } }

    private func startStandardCrew(_ domain: Domain) throws(TokenError) {
        let crew = domain[.standard]
        crew.state.withLock { state in
            state.threads += 1
            state.active += 1
        }
        try spawn(crew)
    }

    /// Whether a worker has not read its mask back yet, where the pin mode is `hard`; throws where one could not be pinned.
    private func isPinUnknown() throws(TokenError) -> Bool {
        guard configuration.pinMode == .hard else { return false }
        let reports = domains.flatMap { domain in
            domain[.standard].state.withLock { $0.workers.map(\.report) }
        }
        if let failed = reports.compactMap({ $0 }).first(where: { !$0.verified }) {
            throw TokenError(.invalidConfiguration, "pinMode hard, but a worker could not be pinned: \(failed)")
        }
        return reports.contains { $0 == nil }
    }

    /// Lets the tokens go that came before the start.
    ///
    /// Until the list is empty later ones still queue up behind them, so the order of submission holds; then submitters
    /// find the gate open.
    private func releasePending() {
        while true {
            let waiting: [Unmanaged<AnyTaskToken>] = pending.withLock { list in
                let waiting = list ?? []
                list = waiting.isEmpty ? nil : []
                if waiting.isEmpty { open(.started) }
                return waiting
            }
            if waiting.isEmpty { return }
            for token in waiting { takeTurn(token, operations.record(token.takeUnretainedValue())) }
        }
    }

    // MARK: Stop

    /// Finishes what is there, then stops; at the deadline settles the rest.
    func stop(timeout: Duration) async -> StopReport {
        if let done = beginStop(timeout: timeout) ?? reportInsideBody { return done }
        return await withCheckedContinuation { continuation in
            let tell: LifecycleState.Waiter = { continuation.resume(returning: $0) }
            if let report = control.withLock({ $0.await(tell) }) { tell(report) }
        }
    }

    /// As `stop(timeout:)`, for callers that are threads.
    func stopBlocking(timeout: Duration) -> StopReport {
        if let done = beginStop(timeout: timeout) ?? reportInsideBody { return done }
        let parker = Parker()
        let told = Guarded<StopReport?>(nil)
        let tell: LifecycleState.Waiter = { report in
            told.withLock { $0 = report }
            parker.unpark()
        }
        if let report = control.withLock({ $0.await(tell) }) { return report }
        _ = parker.park()
        guard let report = told.withLock({ $0 }) else { fatalError("a stop's waiter was woken without a report") }
        return report
    }

    /// What a stop from inside a body answers: it cannot wait for itself.
    private var reportInsideBody: StopReport? {
        isInsideBody ? StopReport(isComplete: false, abandoned: [], duration: .zero, busyThreads: 0) : nil
    }

    /// Begins a stop, or hastens the one that is under way; the report if it is over.
    @discardableResult
    func beginStop(timeout: Duration) -> StopReport? {
        let began = now()
        // A deadline in the past is now: the extreme ones would not bear the subtractions below.
        let deadline = max(began, Int64(clampedAdding: timeout, to: began))
        // Phase and gate change together: who has seen a stop begin never gets a token in after it.
        let action = control.withLock { state in
            let action = state.stop(deadline: deadline, now: began)
            if case .begin = action { open(.draining) }
            return action
        }
        switch action {
        case .done(let report): return report
        case .join: return nil
        case .begin:
            events.emit { .lifecycle(.draining) }
            // Threads of its own: the cooperative pool may be busy with what is being stopped.
            let stopper = try? PinnedThread.spawn(name: "tg-stop", cpus: nil) { [self] _ in
                drainThenStop(since: began)
            }
            if let stopper { stopper.detach() } else { drainThenStop(since: began) }
            return nil
        }
    }

    /// Whether the caller is one of the bodies.
    var isInsideBody: Bool {
        if let frame = BodyFrame.current { return frame.submitter === self }
        guard let lineage = Ambient.current?.lineage else { return false }
        return lineage.submitter === self && lineage.body != nil
    }

    private func drainThenStop(since began: Int64) {
        // Or is about to: a start that is under way goes on, and what came before it is run.
        let started = control.withLock { $0.hasStarted }
        turnWaitersAway()
        var told = telling { dropWhatCannotCome() }
        // The sweep at the end takes time too: begin it a little before the deadline.
        let parker = Parker()
        var pause: Int64 = 50_000
        while started, liveCount > 0 {
            if now() >= sweepBegins { break }
            _ = parker.park(timeout: pause)
            pause = min(pause * 2, 2_000_000)
            told += telling { dropWhatCannotCome() }
        }
        open(.stopped)
        told += telling { abandonAll() }
        let busy = closeCrews()
        letGoOfLentAnchors()
        awaitCallbacks(told)
        let abandoned = takeAbandoned()
        let report = StopReport(
            isComplete: true, abandoned: abandoned, duration: .nanoseconds(now() - began), busyThreads: busy)
        events.emit { .lifecycle(.stopped) }
        let waiters = control.withLock { $0.complete(report) }
        events.finish()
        spawner.close()
        adapter?.close()
        forgetNeeded()
        let forgotten = waits.withLock { waits in
            defer { waits = WaitRegister() }
            return waits
        }
        _ = forgotten  // freed outside the lock
        realm.closeTimers()
        // Nothing of ours is alive: the engine may go when its owner and its last thread let it go.
        for domain in domains { for executor in domain.executors { executor.attach(nil) } }
        realm.detach()
        for tell in waiters { tell(report) }
    }

    /// When a stop that has begun settles what is left: so long before its deadline as that takes.
    private var sweepBegins: Int64 {
        let (began, deadline) = control.withLock { ($0.began, $0.deadline) }
        let time = max(0, deadline - began)
        let margin = max(
            min(Self.closingTime, time / 10), min(Int64(clamping: liveCount) * Self.settlingTime, time / 2))
        return deadline - margin
    }

    package var stopDeadline: Int64? { isDraining ? sweepBegins : nil }

    /// What it takes to settle a few tokens and to end idle threads, in nanoseconds.
    private static let closingTime: Int64 = 10_000_000

    /// Settles tokens; callbacks, which may be slow, are called on a thread of their own.
    ///
    /// - Returns: what is unparked when they have been called.
    private func telling(_ settle: () -> Void) -> [Parker] {
        guard let callbacks = LeftCallbacks.of(settle) else { return [] }
        let told = Parker()
        let thread = try? PinnedThread.spawn(name: "tg-tell", cpus: nil) { _ in
            callbacks.call()
            told.unpark()
        }
        if let thread { thread.detach() } else { callbacks.call() }
        return thread == nil ? [] : [told]
    }

    /// Waits for callbacks as long as the stop's time lasts, and for a moment at least, but not longer.
    private func awaitCallbacks(_ told: [Parker]) {
        let least = now() + Self.tellingTime
        for parker in told {
            // In slices: another stop may bring the deadline nearer.
            while true {
                let left = max(control.withLock { $0.deadline }, least) - now()
                if parker.park(timeout: max(0, min(left, 10_000_000))) || left <= 0 { break }
            }
        }
    }

    /// How long a stop waits for callbacks at least, in nanoseconds.
    private static let tellingTime: Int64 = 100_000_000

    /// What it takes to settle a token that waits, in nanoseconds.
    private static let settlingTime: Int64 = 400

    /// Tokens that have not reached a terminal state.
    ///
    /// Settlements are read first: the answer is never too low.
    var liveCount: UInt64 {
        let records = operations.all
        let settled = records.reduce(0) { $0 &+ $1.settledTotal }
        let submitted = operations.all.reduce(0) { $0 &+ $1.submittedTotal }
        return submitted &- settled
    }

    /// Settles what will not run before the stop ends: what a pause holds, and what is due, or tried again, later than that.
    private func dropWhatCannotCome() {
        dropPaused()
        let waiting = reserved.withLock { Array($0.values) } + suspended.withLock { Array($0.values) }
        let later = waiting.filter { $0.dueTime != .min }
        if later.isEmpty { return }
        // Times of tokens are those of the realm, which tests move; the deadline is the system's.
        let last = Int64(clampedAdding: .nanoseconds(max(0, sweepBegins - now())), to: realm.timers.now)
        for token in later where token.dueTime > last { drop(token) }
    }

    /// Settles what a pause holds: nobody will resume it now.
    private func dropPaused() {
        for token in withPaused({ $0.takeAll() }) {
            drop(token.takeUnretainedValue())
            retire(token)
        }
    }

    /// Settles everything that is left.
    ///
    /// A token may be in a submitter's hand, on its way into a list: look again until none is alive. Whoever settles one,
    /// this thread or a carrier that sees the sweep, has it reported (`tokenDidSettle`).
    private func abandonAll() {
        let parker = Parker()
        // A token is in transit for microseconds. The bound is for the case that our own counting is wrong: better a
        // stop that returns than one that waits for a token that does not exist.
        var giveUp = now() + 1_000_000_000
        while liveCount > 0, now() < giveUp {
            for record in operations.all { record.sweep(.coordinatorStopped) }
            if settleBatches(of: nil, for: .coordinatorStopped, executing: true) > 0 { giveUp = now() + 1_000_000_000 }
            for token in live(of: nil, waiting: true, executing: true, runners: true) {
                if token.settle(for: .coordinatorStopped, reportingTo: self) { giveUp = now() + 1_000_000_000 }
            }
            if liveCount > 0 { _ = parker.park(timeout: 100_000) }
        }
        dropPending()
        purge()
    }

    /// What the stop settled, those that were executing first; from now on nothing is noted any more.
    private func takeAbandoned() -> [StopReport.Abandoned] {
        let all = abandoned.withLock { list in
            defer { list = nil }
            return list ?? []
        }
        return all.filter { $0.state == .executing } + all.filter { $0.state != .executing }
    }

    private func dropPending() {
        let waiting = pending.withLock { list in
            let waiting = list ?? []
            list = nil
            return waiting
        }
        for token in waiting { retire(token) }
    }

    /// Ends the threads; answers how many were still inside a body.
    private func closeCrews() -> Int {
        let crews = domains.flatMap(\.crews)
        for crew in crews {
            let idle = crew.state.withLock { state in
                state.isClosed = true
                let idle = state.idle
                state.idle = []
                state.active += idle.count
                publishReadiness(of: crew, &state)
                return idle
            }
            for worker in idle { worker.parker.unpark() }
        }
        let parker = Parker()
        let began = now()
        while true {
            let threads = crews.reduce(0) { sum, crew in crew.state.withLock { sum + $0.threads } }
            retireLeftovers(crews)
            if threads == 0 { return 0 }
            // The deadline leaves them time; where it has passed already they get what their way out takes.
            if now() >= max(control.withLock { $0.deadline }, began + 10_000_000) { return threads }
            _ = parker.park(timeout: 200_000)
        }
    }

    /// Gives back what dead tokens hold that stand in the mailboxes of crews without threads, and lets async bodies end.
    func retireLeftovers(_ crews: [Crew]) {
        for crew in crews {
            while true {
                let work = crew.state.withLock { $0.threads == 0 ? crew.next(&$0) : .none }
                switch work {
                case .token(let token):
                    retireSettled(token)
                    continue
                case .job(let job):
                    late.run(job)
                    continue
                case .arriving, .none: break
                }
                break
            }
        }
    }
}
