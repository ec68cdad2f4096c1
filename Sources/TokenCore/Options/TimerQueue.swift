//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import HeapModule
internal import Synchronization

/// Where times come from.
package protocol TimeSource: Sendable {
    /// Nanoseconds that only go forward.
    var now: Int64 { get }
    /// Takes a queue on whose thread is not needed, since the source itself calls it; false: it needs one.
    func drives(_ queue: TimerQueue) -> Bool
}

/// The system's monotonic clock.
package struct MonotonicTime: TimeSource {
    package init() {}
    package var now: Int64 { tge_now_ns() }
    package func drives(_ queue: TimerQueue) -> Bool { false }
}

/// A clock that stands still until it is moved: whoever moves it calls what has become due, in order.
package final class ManualTime: TimeSource {
    private struct State {
        var now: Int64 = 1_000_000_000_000
        var queues: [TimerQueue] = []
    }
    private let state = Guarded(State())

    package init() {}

    package var now: Int64 { state.withLock { $0.now } }

    package func drives(_ queue: TimerQueue) -> Bool {
        state.withLock { $0.queues.append(queue) }
        return true
    }

    /// Goes forward from one due time to the next.
    package func advance(by time: Duration) {
        let end = Int64(clampedAdding: time, to: now)
        while true {
            let queues = state.withLock { $0.queues }
            let next = queues.compactMap(\.nextDue).min() ?? .max
            state.withLock { $0.now = max($0.now, min(next, end)) }
            for queue in queues { queue.fireDue() }
            if next > end || next == .max { return }
        }
    }
}

/// What is to happen at a time, in order.
///
/// A heap of times and numbers; what is to be called stands beside it, so that cancelling frees it at once and leaves sixteen
/// bytes behind, which go with their time, or when they are more than half of the heap.
///
/// `state` is protected by its lock; nothing is called under it.
package final class TimerQueue: Sendable {
    private struct Entry: Comparable {
        let due: Int64
        let number: UInt64
        static func < (left: Entry, right: Entry) -> Bool { (left.due, left.number) < (right.due, right.number) }
    }

    private struct State {
        var heap = Heap<Entry>()
        var actions: [UInt64: @Sendable () -> Void] = [:]
        var last: UInt64 = 0
        var hasThread = false
        var isClosed = false
    }
    private let state = Guarded(State())
    private let parker = Parker()
    private let time: any TimeSource
    /// Runs its argument on a thread of its own; false where there is none to be had.
    private let spawn: @Sendable (@escaping @Sendable () -> Void) -> Bool

    package init(
        time: any TimeSource = MonotonicTime(), spawn: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool
    ) {
        self.time = time
        self.spawn = spawn
        if time.drives(self) { state.withLock { $0.hasThread = true } }
    }

    package var now: Int64 { time.now }

    /// Has `action` called at a time, or at once where that has passed; short, on the queue's thread.
    ///
    /// - Returns: the number to cancel it by; nil where the queue is closed.
    @discardableResult
    package func at(_ due: Int64, _ action: @escaping @Sendable () -> Void) -> UInt64? {
        let (number, isNext, needsThread): (UInt64?, Bool, Bool) = state.withLock { state in
            if state.isClosed { return (nil, false, false) }
            state.last += 1
            state.actions[state.last] = action
            let isNext = state.heap.min.map { due < $0.due } ?? true
            state.heap.insert(Entry(due: due, number: state.last))
            defer { state.hasThread = true }
            return (state.last, isNext, !state.hasThread)
        }
        if needsThread, !spawn({ [self] in run() }) { state.withLock { $0.hasThread = false } }
        if isNext { parker.unpark() }
        return number
    }

    /// Takes it back; false where it is being called, or was.
    @discardableResult
    package func cancel(_ number: UInt64) -> Bool {
        let action = state.withLock { state in
            let action = state.actions.removeValue(forKey: number)
            if state.heap.count > 64, state.heap.count > state.actions.count * 2 {
                state.heap = Heap(state.heap.unordered.filter { state.actions[$0.number] != nil })
            }
            return action
        }
        return action != nil
    }

    /// When something is due next.
    package var nextDue: Int64? {
        state.withLock { state in
            while let first = state.heap.min, state.actions[first.number] == nil { state.heap.removeMin() }
            return state.heap.min?.due
        }
    }

    package var count: Int { state.withLock { $0.actions.count } }

    /// Calls what is due by now, first due first.
    package func fireDue() {
        while true {
            let action: (@Sendable () -> Void)? = state.withLock { state in
                while let first = state.heap.min, first.due <= time.now {
                    state.heap.removeMin()
                    if let action = state.actions.removeValue(forKey: first.number) { return action }
                }
                return nil
            }
            guard let action else { return }
            action()
        }
    }

    private func run() {
        while !state.withLock({ $0.isClosed }) {
            fireDue()
            _ = parker.park(timeout: nextDue.map { max(0, $0 - time.now) } ?? -1)
        }
    }

    /// Ends its thread; nothing is called any more.
    package func close() {
        let actions = state.withLock { state in
            defer { (state.actions, state.heap) = ([:], Heap()) }
            state.isClosed = true
            return state.actions
        }
        _ = actions  // freed outside the lock
        parker.unpark()
    }
}

extension TimerQueue {
    /// A queue of the system's time, on a plain thread that begins with its first timer.
    static func onThread() -> TimerQueue {
        TimerQueue { work in
            let box = Unmanaged.passRetained(Work(work))
            let started = tge_thread_start(
                { context in
                    guard let context else { return }
                    Unmanaged<Work>.fromOpaque(context).takeRetainedValue().work()
                }, box.toOpaque())
            if !started { box.release() }
            return started
        }
    }

    private final class Work: Sendable {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }
}
