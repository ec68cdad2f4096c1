//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization
internal import TokenCore

/// Runs jobs on a crew's threads: those of async bodies, and those of executors that are lent (Docs/Executors.md).
final class CrewExecutor: TaskExecutor, Sendable {
    let crew: Crew
    // Set before the first job, cleared when the crew is closed. Protected by its lock.
    private let engine = Guarded<Engine?>(nil)

    /// Who runs jobs when the crew's threads are gone.
    private let late: LateThreads

    init(crew: Crew, late: LateThreads) { (self.crew, self.late) = (crew, late) }

    func attach(_ engine: Engine?) { self.engine.withLock { $0 = engine } }

    /// The engine, until the stop is complete.
    var currentEngine: Engine? { engine.withLock { $0 } }

    func enqueue(_ job: consuming ExecutorJob) { take(.piece(UnownedJob(job), of: self), nil) }

    /// Has something run by a thread of the crew.
    ///
    /// - Parameter owner: the number of the token whose body it belongs to; that of none where it belongs to no body.
    func take(_ work: Crew.Job.Work, _ lineage: Lineage?, owner: UInt64 = .max) {
        let taken = crew.state.withLock { state in
            if state.isClosed { return false }
            state.add(work, lineage, owner: owner)
            return true
        }
        // The crew's threads are gone, but a suspended task has come back to life.
        if !taken { return late.run(Crew.Job(work: work, lineage: nil, owner: 0, number: 0)) }
        // From here on the job may be done and gone.
        // Who opens the gate looks for jobs after that.
        if let engine = currentEngine, engine.gate.contains(.started) { engine.wake(crew) }
    }
}

/// The crew's executor as one async body sees it: its jobs tell whose they are, so a blocked ancestor may run them.
private final class BodyExecutor: TaskExecutor, JobCarrier {
    private let crew: CrewExecutor
    private let lineage: Lineage
    private let owner: UInt64

    init(_ crew: CrewExecutor, _ lineage: Lineage, owner: UInt64) {
        (self.crew, self.lineage, self.owner) = (crew, lineage, owner)
    }

    func enqueue(_ job: consuming ExecutorJob) { carry(UnownedJob(job), for: self) }

    func carry(_ job: UnownedJob, for executor: any TaskExecutor) {
        crew.take(.piece(job, of: executor), lineage, owner: owner)
    }
}

extension Engine {
    /// Lets an async body begin: it runs as a task whose executor is this worker's crew, and leaves the worker free
    /// while it is suspended.
    func startAsync(_ object: AnyTaskToken, _ record: OperationRecord, _ crew: Crew, _ worker: Worker) {
        guard let body = object.asyncBody else { fatalError("token \(object.id) is async without an async body") }
        let domain = crew.domain
        let start = worker.counters(record)
        start.now.pointee.started.bump()
        let began = now()
        start.now.pointee.wait.record(began - object.submittedAt)
        if let history { history.begin(object, at: began) }
        events.emit { .token(object, .executing, domain: domain + 1) }
        suspended.withLock { $0[object.sequence] = object }
        let lineage = Lineage(of: object, submitter: self, domain: domain, observer: self)
        let executor = BodyExecutor(
            domains[domain].executors[crew.kind.rawValue], lineage, owner: object.sequence)
        if object.tags.flags.contains(.managed) {
            let hasContext = object.startInContext(on: executor) { [self] in
                // What it submits descends from this body, not from the one that its context was captured in.
                let ambient = Ambient(lineage: lineage, scope: Ambient.current?.scope)
                let ok = await Ambient.$current.withValue(ambient) { await body() }
                lineage.finish()
                endAsync(object, ok, record, began)
            }
            if hasContext { return }
        }
        _ = Task.detached(executorPreference: executor) { [self] in
            let ok = await Ambient.$current.withValue(Ambient(lineage: lineage)) { await body() }
            withExtendedLifetime(executor) { lineage.finish() }
            endAsync(object, ok, record, began)
        }
    }

    private func endAsync(_ token: AnyTaskToken, _ ok: Bool, _ record: OperationRecord, _ began: Int64) {
        suspended.withLock { $0[token.sequence] = nil }
        // The job may have come back to any thread of the crew; it is a worker unless the crew has closed meanwhile.
        let domain = Int(token.domain)
        if let worker = Worker.current, owns(worker) {
            let counters = worker.counters(record)
            counters.now.pointee.run.record(now() - began)
            finish(token, ok, counters, domain: domain, by: worker)
        } else {
            let counters = record.takeShard()
            finish(token, ok, counters, domain: domain, by: nil)
            record.giveBack(counters)
        }
        returnHoldings(token)
    }
}
