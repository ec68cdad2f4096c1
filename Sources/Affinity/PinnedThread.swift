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
/// All members may be called from any thread. A value that is dropped without ``join()`` detaches its thread, as
/// ``detach()`` does.
public final class PinnedThread: Sendable {
    /// The stack of a thread where nothing else is asked for: 8 MiB, of which only what is touched takes memory.
    public static let defaultStackSize = 8 << 20

    /// What the thread and its owners share.
    ///
    /// joinable → joining → ended, or joinable → detached. A thread that is detached while its body runs detaches *itself* when
    /// that has returned, and one whose body has returned is joined, which takes the rest of its exit: pthread_detach(3) looks at
    /// the descriptor of a thread after it has let that go, and so at memory that is unmapped where the thread ends meanwhile
    /// (glibc 2.36).
    private final class Life: Sendable {
        enum State: UInt8 {
            case joinable, joining, ended, detached

            init(_ word: UInt8) { self = State(rawValue: word & 3) ?? .joinable }
        }

        /// The state, and whether the body has returned.
        private let word = Atomic<UInt8>(State.joinable.rawValue)
        /// What the thread is to detach when its body has returned: itself.
        private let itself = Atomic<UInt64>(0)

        private static let hasReturned: UInt8 = 4

        var state: State { State(word.load(ordering: .acquiring)) }

        /// Whether it is the caller who joins.
        func beginJoin() -> Bool { leaveJoinable(for: .joining) != nil }

        func endJoin() { word.store(State.ended.rawValue | Self.hasReturned, ordering: .releasing) }

        /// - Returns: whether the caller is to see to it that the system forgets the thread.
        func detach(_ handle: ThreadHandle) -> Bool {
            itself.store(handle.rawValue, ordering: .relaxed)
            return leaveJoinable(for: .detached).map { $0 & Self.hasReturned != 0 } ?? false
        }

        /// The body has returned.
        func end() -> ThreadHandle? {
            let before = word.bitwiseOr(Self.hasReturned, ordering: .acquiringAndReleasing).oldValue
            return State(before) == .detached ? ThreadHandle(rawValue: itself.load(ordering: .relaxed)) : nil
        }

        /// The word as it was; nil where somebody has done so before.
        private func leaveJoinable(for next: State) -> UInt8? {
            var before = word.load(ordering: .relaxed)
            while State(before) == .joinable {
                let (done, seen) = word.compareExchange(
                    expected: before, desired: before | next.rawValue, ordering: .acquiringAndReleasing)
                if done { return before }
                before = seen
            }
            return nil
        }
    }

    /// The thread's name as asked for; the kernel shows the first 15 bytes.
    public let name: String

    private let handle: ThreadHandle
    private let system: any AffinitySystem
    private let life: Life
    /// Held for the length of a join, so that a second caller waits for the first.
    private let joining = Mutex(())

    private init(name: String, handle: ThreadHandle, system: any AffinitySystem, life: Life) {
        self.name = name
        self.handle = handle
        self.system = system
        self.life = life
    }

    deinit { detach() }

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
        let life = Life()
        do {
            let handle = try system.createThread(stackSize: stackSize) {
                system.setName(name)
                if nice != 0 { try? system.setNice(nice) }
                if let slice { try? system.setTimeSlice(slice) }
                body(PinReport.pinCurrentThread(to: cpus, system: system))
                if let itself = life.end() { system.detach(itself) }
            }
            return PinnedThread(name: name, handle: handle, system: system, life: life)
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
        switch life.state {
        case .ended: return true
        case .detached: return false
        case .joinable, .joining: if system.isCurrent(handle) { return false }
        }
        return joining.withLock { _ in
            guard life.beginJoin() else { return life.state == .ended }
            system.join(handle)
            life.endJoin()
            return true
        }
    }

    /// Lets the thread end on its own.
    ///
    /// Without effect once someone waits for it, or has. Where its body has just returned the call waits for the rest of its
    /// exit, in which what the body captured is let go: do not hold a lock that this takes.
    public func detach() {
        guard life.detach(handle) else { return }
        // The thread itself may be the last to know of this: of what its body kept, say.
        if system.isCurrent(handle) { system.detach(handle) } else { system.join(handle) }
    }
}
