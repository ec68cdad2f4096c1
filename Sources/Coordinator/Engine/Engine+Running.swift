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

// Running bodies.
extension Engine {
    /// Runs a token that a worker took out of a mailbox.
    ///
    /// The mailbox's reference is with the worker's `taken` now and is released when the worker takes its next.
    ///
    /// - Parameter mayBeStolen: it may come from another domain's mailbox.
    @inline(__always)
    func runTaken(_ token: Unmanaged<AnyTaskToken>, _ worker: Worker, mayBeStolen: Bool = false) {
        token._withUnsafeGuaranteedRef { runTaken($0, worker, mayBeStolen) }
    }

    @inline(__always)
    private func runTaken(_ object: AnyTaskToken, _ worker: Worker, _ mayBeStolen: Bool) {
        let record = operations.record(object)
        let control = record.controlNow
        if object.epoch != control.epoch { object.settle(for: control.reason, reportingTo: self) }
        // Paused, or held to a limit that was set while it stood in the mailbox. Not by its holdings: an ancestor may be
        // running it, and this be the entry that it left behind; then it is not put back to waiting.
        if isPaused(object, record) || control.isLimited && !object.hasPermit, object.transition({ $0.holding() }) {
            // In nobody's list, what it holds is ours alone. It takes all permits again, in their order.
            givePermitsBack(object)
            return passPause(Unmanaged.passRetained(object), record)
        }
        guard object.begin() else {
            // Run by a waiting ancestor, who returns what it holds; else settled before it began.
            if !object.current.hasBegun { bury(object) } else { endOverrun(object, worker) }
            return
        }
        // Not before: the entry may be one that an ancestor left behind, who has the token in hand.
        if mayBeStolen, !isBound(object) { object.domain = UInt16(truncatingIfNeeded: worker.domain) }
        if object.tags.isAsync { return startAsync(object, record, worker.crew, worker) }
        runBody(object, record, worker, domain: worker.domain)
        returnHoldings(object, looker: worker)
    }

    /// Runs the body of a token that is executing by now, on this worker; counts and settles it.
    func runBody(_ token: AnyTaskToken, _ record: OperationRecord, _ worker: Worker, domain: Int) {
        let counters = worker.counters(record)
        let start = worker.lastEnd ?? tge_now_ns()
        counters.now.pointee.started.bump()
        counters.now.pointee.wait.record(start - token.submittedAt)
        if let history { history.begin(token, at: start) }
        events.emit { .token(token, .executing, domain: domain + 1) }
        let frame = worker.pushFrame()
        frame._withUnsafeGuaranteedRef { $0.enter(token, submitter: self, domain: domain) }
        let ok = token.lineage == nil ? token.runBody() : runDescendant(token, frame)
        frame._withUnsafeGuaranteedRef { $0.leave() }
        worker.popFrame()
        let end = tge_now_ns()
        worker.lastEnd = end
        counters.now.pointee.run.record(end - start)
        finish(token, ok, counters, domain: domain, by: worker)
    }

    /// Runs the body of a token that descends from another; a lease's member shows its lineage to tasks that it starts.
    private func runDescendant(_ token: AnyTaskToken, _ frame: Unmanaged<BodyFrame>) -> Bool {
        guard token.lineage?.lead != nil, let lineage = frame.takeUnretainedValue().lineage else {
            return token.runBody()
        }
        return Ambient.withLineage(lineage) { token.runBody() }
    }

    /// Settles and counts, and lets the lease go; then whoever waits is told.
    func finish(_ token: AnyTaskToken, _ ok: Bool, _ counters: OperationCounters, domain: Int, by worker: Worker?) {
        // Whoever sees it settled finds its place among the live tokens free.
        if !token.holdings.isDisjoint(with: .places) { leavePlaces(of: token) }
        if token.isSettled { return countLate(token, counters) }
        var released: LeadLease?
        let before = counters.settling {
            guard let before = token.finish(ok: ok) else { return nil as TokenWord? }
            if token.lineage != nil { released = leave(token) }
            if ok {
                counters.now.pointee.completed.bump()
            } else {
                counters.now.pointee.failed.bump()
                if let error = token.failure { operations.record(token).noteFailure(error) }
            }
            return before
        }
        guard let before else { return countLate(token, counters) }
        if let released { tell(released: released) }
        if let history { note(token, in: history, domain: domain, by: worker) }
        events.emit { .token(token, ok ? .completed : .failed, domain: domain + 1) }
        token.tellWaiters(before)
    }

    private func countLate(_ token: AnyTaskToken, _ counters: OperationCounters) {
        if let history { _ = history.end(token) }
        counters.now.pointee.late.bump()
        events.emit { .lateResult(token) }
        if let worker = Worker.current, owns(worker) { endOverrun(token, worker) }
    }

    package func tokenDidSettle(_ token: AnyTaskToken, from before: TokenState) {
        let record = operations.record(token)
        if token.isDerived { reserved.withLock { $0[token.sequence] = nil } }
        if let released = leave(token) { tell(released: released) }
        let word = token.current
        let state = word.state
        if word.reason == .coordinatorStopped {
            if let runner = token as? BatchRunner {
                // A pause that meets a stop, or its end: nobody will run the rest of the batch.
                runner.batch.settleAll(for: .coordinatorStopped, executing: gate.contains(.stopped))
            } else if before != .created {
                // Before it is counted: a stop that finds nothing alive finds all that it settled here.
                abandoned.withLock { list in
                    list?.append(.init(id: token.id, operationType: token.operationType, state: before))
                }
            }
        }
        if let history { note(token, settledFrom: before, in: history) }
        events.emit { .token(token, state, domain: nil) }
        switch (state, before == .executing) {
        case (.timedOut, false): record.elsewhere.pointee.timedOutWaiting.add(1, ordering: .sequentiallyConsistent)
        case (.timedOut, true): record.elsewhere.pointee.timedOutExecuting.add(1, ordering: .sequentiallyConsistent)
        case (.failed, _): record.elsewhere.pointee.failedWaiting.add(1, ordering: .sequentiallyConsistent)
        case (.completed, _): record.elsewhere.pointee.completedWaiting.add(1, ordering: .sequentiallyConsistent)
        case (_, false): record.elsewhere.pointee.killedWaiting.add(1, ordering: .sequentiallyConsistent)
        case (_, true): record.elsewhere.pointee.killedExecuting.add(1, ordering: .sequentiallyConsistent)
        }
        if before == .executing, state == .killed || state == .timedOut { noteOverrun(token) }
    }
}
