//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import CExecution
internal import Synchronization
package import TokenCore

// Running bodies.
extension Engine {
    /// Runs a token that a worker took out of a mailbox.
    ///
    /// The mailbox's reference is with the worker's `running` now and is released when the worker takes its next.
    func runTaken(_ token: Unmanaged<AnyTaskToken>, _ worker: Worker) {
        token._withUnsafeGuaranteedRef { runTaken($0, worker) }
    }

    private func runTaken(_ object: AnyTaskToken, _ worker: Worker) {
        let record = operations.record(object.operation)
        let control = record.controlNow
        if object.epoch != control.epoch { object.settle(for: control.reason, reportingTo: self) }
        if isPaused(object, record), !object.isSettled {
            // Where the pause ends under our hands the token has been put back to waiting: it goes on from there.
            let token = Unmanaged.passRetained(object)
            if !holdIfPaused(token, record) { takePermit(token, record) }
            return
        }
        guard object.begin() else {
            // Run by a waiting ancestor, who returns what it holds; else settled before it began.
            if !object.current.hasBegun { bury(object) }
            return
        }
        if object.tags.isAsync { return startAsync(object, record, worker.crew, worker) }
        runBody(object, record, worker, domain: worker.crew.domain)
        returnHoldings(object)
    }

    /// Runs the body of a token that is executing by now, on this worker; counts and settles it.
    func runBody(_ token: AnyTaskToken, _ record: OperationRecord, _ worker: Worker, domain: Int) {
        let counters = worker.counters(record)
        let start = worker.lastEnd ?? tge_now_ns()
        counters.now.pointee.started.bump()
        counters.now.pointee.wait.record(start - token.submittedAt)
        events.emit { .token(token, .executing, domain: domain + 1) }
        let frame = worker.pushFrame()
        frame.enter(token, submitter: self, domain: domain)
        let ok: Bool
        if token.lineage?.lead != nil, let lineage = frame.lineage {
            ok = Ambient.withLineage(lineage) { token.runBody() }
        } else {
            ok = token.runBody()
        }
        frame.leave()
        worker.popFrame()
        let end = tge_now_ns()
        worker.lastEnd = end
        counters.now.pointee.run.record(end - start)
        finish(token, ok, counters, domain: domain)
    }

    /// Counts and settles; takes the count back if someone else had settled it.
    func finish(_ token: AnyTaskToken, _ ok: Bool, _ counters: OperationCounters, domain: Int) {
        if ok { counters.now.pointee.completed.bump() } else { counters.now.pointee.failed.bump() }
        let won = token.finish(ok: ok) {
            leave(token)
            counters.now.pointee.finished.bump()
            events.emit { .token(token, ok ? .completed : .failed, domain: domain + 1) }
        }
        if won { return }
        if ok { counters.now.pointee.completed.bump(-1) } else { counters.now.pointee.failed.bump(-1) }
        counters.now.pointee.late.bump()
        events.emit { .lateResult(token) }
    }

    package func tokenDidSettle(_ token: AnyTaskToken, hadStarted: Bool) {
        let record = operations.record(token.operation)
        if token.isDerived { reserved.withLock { $0[token.sequence] = nil } }
        leave(token)
        let state = token.state
        events.emit { .token(token, state, domain: nil) }
        switch (state, hadStarted) {
        case (.timedOut, false): record.elsewhere.pointee.timedOutWaiting.add(1, ordering: .sequentiallyConsistent)
        case (.timedOut, true): record.elsewhere.pointee.timedOutExecuting.add(1, ordering: .sequentiallyConsistent)
        case (.failed, _): record.elsewhere.pointee.failedWaiting.add(1, ordering: .sequentiallyConsistent)
        case (.completed, _): record.elsewhere.pointee.completedWaiting.add(1, ordering: .sequentiallyConsistent)
        case (_, false): record.elsewhere.pointee.killedWaiting.add(1, ordering: .sequentiallyConsistent)
        case (_, true): record.elsewhere.pointee.killedExecuting.add(1, ordering: .sequentiallyConsistent)
        }
    }
}
