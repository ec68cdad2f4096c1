//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Synchronization
internal import TokenCore

/// Keeps an actor on the core of an anchor: its jobs run there, one at a time.
///
/// ```swift
/// actor Account {
///     nonisolated let executor: AnchorExecutor
///     nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
///     private var balance = 0
///
///     init(_ name: String, on coordinator: OperationsCoordinator) throws {
///         executor = try coordinator.executor(anchor: name)
///     }
///
///     func deposit(_ amount: Int) -> Int {
///         balance += amount
///         return balance
///     }
/// }
/// ```
/// Made by `OperationsCoordinator.executor(anchor:)`. As long as it exists its anchor is live: tokens with the same key, and other
/// executors, are in the same domain. It is not ordered: it takes no turn of its anchor, and waits for none. Actors that share one
/// executor exclude each other; two executors of one key do not.
///
/// It is a task executor as well: nonisolated code and default actors of a task that prefers it (`Task(executorPreference:)`,
/// `withTaskExecutorPreference`) run there, one piece at a time.
///
/// Jobs run in the order in which they come, whatever their priority; after every 16th, others of the domain's threads come first. Jobs
/// are no tokens: a pause does not hold them, a stop does not wait for them. Before `start()` they wait; after a stop
/// each run of them gets a thread of its own, which is not pinned, so that no task hangs. Code in them should be short: it keeps the domain's worker
/// for light and medium tokens. Where it blocks in `TaskToken.wait()` the domain gets another thread, while the actor stays blocked.
///
/// Thread-safe. The actor has to keep it.
public final class AnchorExecutor: SerialExecutor, TaskExecutor, CustomStringConvertible {
    /// Number of the core domain that its jobs run in, from 1.
    public let domain: Int

    private let crew: CrewExecutor
    /// Its entry among the anchors that the engine holds for executors.
    private let hold: UInt64
    // Protected by its lock; no job runs under it.
    private let line = Guarded(SerialLine<UnownedJob>())

    init(crew: CrewExecutor, domain: Int, hold: UInt64) {
        self.crew = crew
        self.domain = domain
        self.hold = hold
    }

    deinit { crew.currentEngine?.letGo(ofAnchor: hold) }

    /// Takes a job; the runtime calls this.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // After that the job may be done, and the executor freed with its actor; not where a thread is to be asked for, which keeps it.
        if line.withLock({ $0.add(job) }) { comeAgain() }
    }

    /// Asks for a thread that runs the next share.
    func comeAgain() { crew.take(.share(of: self), nil) }

    /// Jobs that run before others of the crew's get a thread.
    private static let share = 16

    /// Runs some jobs on the calling thread.
    ///
    /// - Returns: whether a thread has to come by for what is left.
    func runShare() -> Bool {
        line.withLock { $0.begin() }
        let executor = asUnownedSerialExecutor()
        for _ in 0..<Self.share {
            guard let job = line.withLock({ $0.next() }) else { return false }
            let outer = tge_self().pointee.serial
            tge_self().pointee.serial = Unmanaged.passUnretained(self).toOpaque()
            job.runSynchronously(on: executor)
            tge_self().pointee.serial = outer
        }
        return line.withLock { $0.endShare() }
    }

    /// Whether the calling thread runs one of its jobs now.
    public func isIsolatingCurrentContext() -> Bool? {
        tge_self().pointee.serial == Unmanaged.passUnretained(self).toOpaque()
    }

    /// Stops the process unless the calling thread runs one of its jobs; `assumeIsolated` and `preconditionIsolated` ask.
    public func checkIsolated() {
        guard isIsolatingCurrentContext() == true else { fatalError("the caller does not run on \(self)") }
    }

    /// Where it runs, for people.
    public var description: String { "executor of an anchor in domain \(domain)" }
}
