//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization

/// A thread that pins itself, reads its mask back, and only then runs its body.
///
/// Where the system refuses the pin, or only pretends, the body runs unpinned and its ``PinReport`` says so. A thread
/// or process that the body starts inherits the mask: see ``CurrentThread/withOriginalAffinity(system:body:)``.
///
/// ```swift
/// let thread = try PinnedThread.spawn(name: "worker-1", cpus: machine.domains[0]) { report in
///     print(report)   // thread 71: pinned to 0, nice 0
/// }
/// thread.join()
/// ```
///
/// All members may be called from any thread. A value that is dropped without ``join()`` detaches its thread.
public final class PinnedThread: Sendable {
    /// The stack of a thread where nothing else is asked for: 8 MiB, of which only what is touched takes memory.
    public static let defaultStackSize = 8 << 20

    /// joinable → joining → ended, or joinable → detached.
    private enum State { case joinable, joining, ended, detached }

    /// The thread's name as asked for; the kernel shows the first 15 bytes.
    public let name: String

    private let handle: ThreadHandle
    private let system: any AffinitySystem
    private let state = Mutex(State.joinable)
    /// Held for the length of a join, so that a second caller waits for the first.
    ///
    /// Taken before `state`, never after.
    private let joining = Mutex(())

    private init(name: String, handle: ThreadHandle, system: any AffinitySystem) {
        self.name = name
        self.handle = handle
        self.system = system
    }

    deinit {
        if state.withLock({ $0 == .joinable }) { system.detach(handle) }
    }

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: What `top -H` and debuggers show; cut to 15 bytes.
    ///   - cpus: The CPUs to run on, or nil to keep the starting thread's mask. CPUs that do not exist are the kernel's
    ///     to refuse: the report says so.
    ///   - nice: -20 (first) to 19 (last); default 0 leaves the inherited value alone. Raising it needs no privilege; where
    ///     the system refuses, the report's `nice` tells what is in force.
    ///   - timeSlice: How long it runs before another thread of its CPU gets its turn, 100 µs to 100 ms; default nil leaves
    ///     the inherited one alone, zero asks for the system's own. A thread with a shorter slice than the running one's is let
    ///     in when it wakes. Needs no privilege; Linux before 6.12 ignores it.
    ///   - stackSize: Bytes, at least 65,536; default ``defaultStackSize``.
    ///   - system: The system calls; default the real ones.
    ///   - body: Runs once on the new thread, with the report of its pin.
    /// - Returns: The thread, which may already have ended.
    /// - Throws: ``AffinityError`` with code `emptyCPUSet` or `invalidArgument` for wrong values, `threadUnavailable`
    ///   where the system has no thread to give; `body` is then never called.
    public static func spawn(
        name: String,
        cpus: CPUSet?,
        nice: Int = 0,
        timeSlice: Duration? = nil,
        stackSize: Int = PinnedThread.defaultStackSize,
        system: any AffinitySystem = LinuxAffinity(),
        body: @escaping @Sendable (PinReport) -> Void
    ) throws(AffinityError) -> PinnedThread {
        if let cpus, cpus.isEmpty {
            throw AffinityError(.emptyCPUSet, "thread '\(name)' needs at least one CPU, got the empty set")
        }
        guard (-20...19).contains(nice) else {
            throw AffinityError(.invalidArgument, "nice value \(nice) of thread '\(name)' is not in -20...19")
        }
        guard stackSize >= 65_536 else {
            throw AffinityError(.invalidArgument, "stack size \(stackSize) of thread '\(name)' is below 65536 bytes")
        }
        let slice = try timeSlice.map { timeSlice throws(AffinityError) in
            guard timeSlice == .zero || (.microseconds(100)...(.milliseconds(100))).contains(timeSlice) else {
                throw AffinityError(
                    .invalidArgument, "time slice \(timeSlice) of thread '\(name)' is neither 0 nor 100 µs to 100 ms")
            }
            return UInt64(timeSlice / .nanoseconds(1))
        }
        // The mask to go back to must be known before any of our threads narrows its own.
        _ = Machine.originalMask
        do {
            let handle = try system.createThread(stackSize: stackSize) {
                system.setName(name)
                if nice != 0 { try? system.setNice(nice) }
                if let slice { try? system.setTimeSlice(slice) }
                body(PinReport.pinCurrentThread(to: cpus, system: system))
            }
            return PinnedThread(name: name, handle: handle, system: system)
        } catch {
            throw AffinityError(.threadUnavailable, "cannot start thread '\(name)': \(error)", cause: error)
        }
    }

    /// Waits until the thread has ended.
    ///
    /// Any number of threads may wait. Called by the thread itself, or after ``detach()``, it returns at once.
    ///
    /// - Returns: Whether the thread is known to have ended.
    @discardableResult
    public func join() -> Bool {
        switch state.withLock({ $0 }) {
        case .ended: return true
        case .detached: return false
        case .joinable, .joining: if system.isCurrent(handle) { return false }
        }
        return joining.withLock { _ in
            let mine = state.withLock { state in
                guard state == .joinable else { return false }
                state = .joining
                return true
            }
            guard mine else { return state.withLock { $0 == .ended } }
            system.join(handle)
            state.withLock { $0 = .ended }
            return true
        }
    }

    /// Lets the thread end on its own: nobody will wait for it.
    ///
    /// Without effect once someone does or did.
    public func detach() {
        let mine = state.withLock { state in
            guard state == .joinable else { return false }
            state = .detached
            return true
        }
        if mine { system.detach(handle) }
    }
}
