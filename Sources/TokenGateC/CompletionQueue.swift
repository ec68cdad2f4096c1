//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import CForeign
package import CTokenGate
internal import DequeModule
internal import TokenCore

/// Settled tokens on their way to who takes them, and a descriptor that says whether there are any.
///
/// | field | protected by |
/// |---|---|
/// | `state` | its lock, which is never held together with another; the descriptor is written inside it |
final class CompletionQueue: SettlementSink {
    /// A settled token, with an owned reference.
    struct Entry: @unchecked Sendable {
        let token: Unmanaged<Token>
        let tag: UInt
    }

    private struct State {
        var entries: Deque<Entry> = []
        /// Tokens that will come: there is room for them, so that their coming allocates nothing.
        var expected = 0
        /// For how many entries there is room.
        var room = 0
        var waiting: [Parker] = []
        /// Those that nobody uses now: waiting costs no allocation either.
        var parkers: [Parker] = []
        var isClosed = false

        /// Takes one off the waiting ones; false where it is being woken.
        mutating func forget(_ parker: Parker) -> Bool {
            guard let place = waiting.firstIndex(where: { $0 === parker }) else { return false }
            waiting.remove(at: place)
            return true
        }
    }
    private let state = Guarded(State())
    let descriptor: Int32

    init() throws(Failure) {
        descriptor = tgf_eventfd()
        if descriptor < 0 { throw Failure(TG_E_SYSTEM, "eventfd failed with errno \(-descriptor)") }
    }

    /// Makes room for tokens that are about to be added.
    func reserve(_ count: Int) throws(Failure) {
        let isClosed = state.withLock { state in
            state.expected += count
            let needed = state.entries.count + state.expected
            if state.room < needed {
                // More than is asked for: else everything would be copied each time.
                state.room = max(64, needed * 2)
                state.entries.reserveCapacity(state.room)
            }
            return state.isClosed
        }
        if isClosed { throw Failure(TG_E_INVALID_HANDLE, "the queue was destroyed") }
    }

    /// Tokens that room was made for do not come: they were not submitted.
    func giveUp(_ count: Int) { state.withLock { $0.expected -= count } }

    /// Has the token when it is settled; there is room for it.
    func add(_ token: Token, _ tag: UnsafeMutableRawPointer?) {
        let tag = UInt(bitPattern: tag)
        if !token.addWaiter(.sink(self, tag: tag)) { take(token, tag: tag) }
    }

    func take(_ token: AnyTaskToken, tag: UInt) {
        let entry = Entry(token: .passRetained(unsafeDowncast(token, to: Token.self)), tag: tag)
        let (isKept, waiter): (Bool, Parker?) = state.withLock { state in
            state.expected -= 1
            if state.isClosed { return (false, nil) }
            state.entries.append(entry)
            if state.entries.count == 1 { tgf_eventfd_raise(descriptor) }
            return (true, state.waiting.popLast())
        }
        if !isKept { entry.token.release() }
        waiter?.unpark()
    }

    /// Moves entries out, waiting for the first until the deadline; answers how many.
    ///
    /// - Parameters:
    ///   - most: how many at most.
    ///   - deadline: in monotonic nanoseconds; nil: without limit.
    ///   - give: gets each with its place; called with the lock held.
    func remove(_ most: Int, until deadline: Int64?, _ give: (Int, Entry) -> Void) -> Int {
        let count = removeNow(most, give)
        if count > 0 || deadline.map({ $0 <= tge_now_ns() }) ?? false { return count }
        let parker = state.withLock { $0.parkers.popLast() } ?? Parker()
        defer { state.withLock { $0.parkers.append(parker) } }
        while true {
            let isWaiting = state.withLock { state in
                let mayWait = state.entries.isEmpty && !state.isClosed
                if mayWait { state.waiting.append(parker) }
                return mayWait
            }
            let isWoken = !isWaiting || parker.park(timeout: deadline.map { max(0, $0 - tge_now_ns()) } ?? -1)
            if !isWoken, !state.withLock({ $0.forget(parker) }) { _ = parker.park() }
            let count = removeNow(most, give)
            // Another may have been faster.
            if count > 0 || !isWoken || state.withLock({ $0.isClosed }) { return count }
        }
    }

    private func removeNow(_ most: Int, _ give: (Int, Entry) -> Void) -> Int {
        state.withLock { state in
            let count = min(most, state.entries.count)
            for index in 0..<count { give(index, state.entries.removeFirst()) }
            if count > 0, state.entries.isEmpty { tgf_eventfd_clear(descriptor) }
            return count
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Nothing is kept any more, and the descriptor is closed, also where tokens are still to come.
    func close() {
        let (left, waiting) = state.withLock { state in
            defer { (state.entries, state.waiting) = ([], []) }
            state.isClosed = true
            return (state.entries, state.waiting)
        }
        // Closed: nobody writes to it any more.
        tgf_close(descriptor)
        for entry in left { entry.token.release() }
        for parker in waiting { parker.unpark() }
    }
}

/// The queue that a handle stands for.
func queueOf(_ handle: OpaquePointer?) throws(Failure) -> CompletionQueue {
    try Handles.reference(handle, .queue, "queue")
}

@c @implementation
package func tg_completion_queue_create(
    _ out: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let out = try required(out, "out")
        out.pointee = Handles.make(try CompletionQueue(), .queue)
    }
}

@c @implementation
package func tg_completion_queue_fd(_ handle: OpaquePointer?) -> Int32 {
    var descriptor: Int32 = 0
    let status = attempt { () throws(Failure) in descriptor = try queueOf(handle).descriptor }
    return status == 0 ? descriptor : status
}

@c @implementation
package func tg_completion_queue_add(
    _ handle: OpaquePointer?, _ token: OpaquePointer?, _ tag: UnsafeMutableRawPointer?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let queue = try queueOf(handle)
        let token = try tokenOf(token).takeUnretainedValue()
        try queue.reserve(1)
        queue.add(token, tag)
    }
}

@c @implementation
package func tg_completion_queue_take(
    _ handle: OpaquePointer?, _ out: UnsafeMutablePointer<tg_completion>?, _ capacity: Int, _ timeout: Int64,
    _ count: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let queue = try queueOf(handle)
        let out = try required(out, "out")
        let count = try required(count, "count")
        guard (1...mostAtOnce).contains(capacity) else {
            throw Failure(TG_E_INVALID_ARGUMENT, "capacity \(capacity) is not in 1...\(mostAtOnce)")
        }
        let wait = try duration(timeout, "timeout")
        if wait != .zero {
            try refuseInCallback()
            guard tgf_self().unsafelyUnwrapped.pointee.context == nil else {
                throw Failure(TG_E_NOT_ALLOWED_HERE, "a body must not wait for completions")
            }
        }
        let deadline = wait.map { Int64(clampedAdding: $0, to: tge_now_ns()) }
        let taken = queue.remove(capacity, until: deadline) { index, entry in
            out[index].token = OpaquePointer(entry.token.toOpaque())
            out[index].tag = UnsafeMutableRawPointer(bitPattern: entry.tag)
        }
        for index in 0..<taken { out[index].fill() }
        count.pointee = taken
        if taken == 0, queue.isClosed { throw Failure(TG_E_INVALID_HANDLE, "the queue was destroyed meanwhile") }
        // Words that are there already: who polls asks often.
        if taken == 0 { throw Failure(TG_E_WAIT_TIMED_OUT, "no token settled within the timeout") }
    }
}

extension tg_completion {
    /// Adds what became of the token.
    fileprivate mutating func fill() {
        guard let token else { return }
        let (failure, result) = result(of: Unmanaged<Token>.fromOpaque(UnsafeRawPointer(token)).takeUnretainedValue())
        status = failure?.status ?? tg_status(TG_OK)
        body_status = failure?.bodyStatus ?? 0
        value = result
    }
}

@c @implementation
package func tg_completion_queue_destroy(_ handle: OpaquePointer?, _ error: UnsafeMutablePointer<tg_error>?)
    -> tg_status
{
    attempt(error) { () throws(Failure) in
        guard let handle else { return }
        try Handles.destroy(handle, .queue, "queue", as: CompletionQueue.self).close()
    }
}
