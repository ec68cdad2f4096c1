//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The context of a submission: a task that is made there, but whose first job is kept until the token's body begins.
///
/// So it has the place's task-locals and priority, and none of the user's code runs before that.
///
/// It is the executor that the task prefers, so all its jobs come here:
///
/// | state | a job comes | the body begins | the token is settled before that |
/// |---|---|---|---|
/// | `fresh` | `waiting`: the first, from the making of the task | | |
/// | `waiting` | | `begun`: the job goes to the carrier | `ended`: the job is run here, which does nothing |
/// | `begun` | to the carrier; after the last, `ended` | | nothing |
/// | `ended` | run here | | nothing |
///
/// `state` and `work` are protected by the lock; no job runs, and nothing is called, under it. The task keeps it, and it the job, until one of the two
/// ways out is taken.
final class CapturedContext: TaskExecutor {
    private enum State {
        case fresh
        case waiting(UnownedJob)
        case begun(any JobCarrier)
        case ended
    }

    private struct Care {
        var state = State.fresh
        /// What the task does when it begins.
        var work: (@Sendable () async -> Void)?
    }
    private let care = Guarded(Care())

    private init() {}

    /// The caller's context.
    static func capture() -> CapturedContext {
        let context = CapturedContext()
        // Not detached: it copies what is bound here, of the task or of the thread.
        _ = Task(executorPreference: context) {
            await context.takeWork()?()
            context.close()
        }
        return context
    }

    /// The task has done its work: a token that is kept does not keep the carrier.
    private func close() {
        let last = care.withLock { care in
            defer { care.state = .ended }
            return care.state
        }
        _ = last  // freed outside the lock
    }

    private func takeWork() -> (@Sendable () async -> Void)? {
        care.withLock { care in
            defer { care.work = nil }
            return care.work
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let state = care.withLock { care in
            let state = care.state
            switch state {
            case .fresh: care.state = .waiting(job)
            case .waiting: fatalError("the task of a context came twice before its body began")
            case .begun, .ended: break
            }
            return state
        }
        switch state {
        case .begun(let carrier): carrier.carry(job, for: self)
        case .ended: job.runSynchronously(on: asUnownedTaskExecutor())
        case .fresh, .waiting: break
        }
    }

    /// Lets the task do `work`, with jobs that the carrier has run.
    func begin(on carrier: any JobCarrier, _ work: @escaping @Sendable () async -> Void) {
        let job = care.withLock { care in
            guard case .waiting(let job) = care.state else {
                fatalError("a body began in a context that is \(care.state)")
            }
            care.state = .begun(carrier)
            care.work = work
            return job
        }
        carrier.carry(job, for: self)
    }

    /// The body will not begin: the task ends, and frees what it has captured.
    func end() {
        let job: UnownedJob? = care.withLock { care in
            guard case .waiting(let job) = care.state else { return nil }
            care.state = .ended
            return job
        }
        job?.runSynchronously(on: asUnownedTaskExecutor())
    }
}

/// Has jobs of a task run where a body belongs.
package protocol JobCarrier: Sendable {
    /// Takes a job of a task that prefers `executor`, and has it run as such.
    func carry(_ job: UnownedJob, for executor: any TaskExecutor)
}

/// Where nothing knows of async bodies: the cooperative pool.
struct PoolCarrier: JobCarrier {
    func carry(_ job: UnownedJob, for executor: any TaskExecutor) { globalConcurrentExecutor.enqueue(job) }
}
