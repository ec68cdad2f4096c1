//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import TokenCore

/// Where a coordinator is in its life.
///
/// It only moves forward.
public enum LifecyclePhase: String, Sendable, Hashable, CaseIterable, Codable {
    /// Made, not started: tokens wait.
    case idle
    /// Tokens run.
    case running
    /// Stopping: nothing new from outside, what is there is finished.
    case draining
    /// Everything is settled.
    case stopped
}

/// What a `stop` found and had to leave.
public struct StopReport: Sendable, Codable {
    /// A token that was settled by the stop instead of by its body.
    public struct Abandoned: Sendable, Codable {
        /// The token.
        public let id: TokenID
        /// Its operation type.
        public let operationType: String
        /// Its state when its time was up: executing (its body may run on; nobody waits for it), waiting or admitted.
        public let state: TokenState
    }

    /// Whether the stop is complete: false only for a `stop` from inside a body, which cannot wait for itself.
    public let isComplete: Bool
    /// Every token that was settled by the stop, those still executing first.
    public let abandoned: [Abandoned]
    /// How long it took.
    public let duration: Duration
    /// Threads that were still inside a body, and end when it returns.
    public let busyThreads: Int

    /// Whether every token came to its own end.
    public var isClean: Bool { isComplete && abandoned.isEmpty && busyThreads == 0 }
}

/// The lifecycle as a machine: each input says what is to be done, after unlocking.
struct LifecycleState {
    private(set) var phase = LifecyclePhase.idle
    /// Whether it was ever started, or is being started.
    private(set) var hasStarted = false
    /// When the stop began, and when it gives up, in monotonic nanoseconds.
    private(set) var began = Int64.min
    private(set) var deadline = Int64.max
    private(set) var report: StopReport?
    private var waiters: [Waiter] = []

    /// Tells one who waits for the stop; called once, without a lock.
    typealias Waiter = @Sendable (StopReport) -> Void

    enum StartAction { case start, nothing, refuse }

    mutating func start() -> StartAction {
        switch phase {
        case .idle:
            phase = .running
            hasStarted = true
            return .start
        case .running: return .nothing
        case .draining, .stopped: return .refuse
        }
    }

    enum StopAction {
        /// This call began the stop.
        case begin
        /// Another did; its deadline may have moved closer.
        case join
        case done(StopReport)
    }

    mutating func stop(deadline newDeadline: Int64, now: Int64 = .min) -> StopAction {
        switch phase {
        case .idle, .running:
            phase = .draining
            began = now
            deadline = newDeadline
            return .begin
        case .draining:
            deadline = min(deadline, newDeadline)
            return .join
        case .stopped:
            guard let report else { fatalError("stopped without report") }
            return .done(report)
        }
    }

    /// Registers a caller to be told; the report if it is there already.
    mutating func await(_ waiter: @escaping Waiter) -> StopReport? {
        if let report { return report }
        waiters.append(waiter)
        return nil
    }

    /// The stop is complete; answers whom to tell.
    mutating func complete(_ report: StopReport) -> [Waiter] {
        guard phase == .draining else { fatalError("a stop completed in phase \(phase)") }
        phase = .stopped
        self.report = report
        defer { waiters = [] }
        return waiters
    }
}
