//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import TokenCore

/// Runs tasks on the threads of one core domain.
///
/// ```swift
/// let core = try coordinator.executor(domain: 1)
/// let sum = await Task(executorPreference: core) { (1...1_000).reduce(0, +) }.value
/// ```
/// Made by `OperationsCoordinator.executor(domain:)`. Nonisolated code and default actors of a task that prefers it, and of its child tasks,
/// run on the domain's threads for light and medium tokens, also after every suspension; `@MainActor` code and actors with an executor of
/// their own run where they always do.
///
/// Jobs run in the order in which they come, whatever their priority, in turns with the domain's tokens. They are no tokens: a pause does not hold
/// them, a stop does not wait for them. Before `start()` they wait; after a stop each runs on a thread of its own, which is not pinned, so that no
/// task hangs. Where one blocks in `TaskToken.wait()` the domain gets another thread.
///
/// Thread-safe. Tasks keep it as long as they need it; `withTaskExecutorPreference` does not.
public final class DomainExecutor: TaskExecutor, CustomStringConvertible {
    /// Number of the core domain, from 1.
    public let domain: Int
    private let crew: CrewExecutor

    init(crew: CrewExecutor, domain: Int) {
        self.crew = crew
        self.domain = domain
    }

    /// Takes a job; the runtime calls this.
    public func enqueue(_ job: consuming ExecutorJob) { crew.take(.piece(UnownedJob(job), of: self), nil) }

    /// Where it runs, for people.
    public var description: String { "executor of domain \(domain)" }
}
