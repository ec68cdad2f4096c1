//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Synchronization

/// A thread's parking place for one blocking wait.
///
/// Protected by: nothing; the C parker is one atomic word.
package final class Parker: @unchecked Sendable {
    private let handle: OpaquePointer

    package init() {
        guard let handle = tge_parker_create() else { fatalError("out of memory: a parker") }
        self.handle = handle
    }

    deinit { tge_parker_destroy(handle) }

    /// Blocks the thread until `unpark`, or until `timeout` nanoseconds have passed (negative: without limit).
    package func park(timeout: Int64 = -1) -> Bool { tge_parker_wait_for_work(handle, timeout) }
    package func unpark() { tge_parker_unpark(handle) }
    package var isNotified: Bool { tge_parker_is_notified(handle) }
}

/// Counts several tokens down to one wake-up.
package final class Countdown: Sendable {
    private let left: Atomic<Int>
    private let done: @Sendable () -> Void

    /// `done` is called once, by whoever brings the count to zero.
    package init(_ count: Int, done: @escaping @Sendable () -> Void) {
        left = Atomic(count)
        self.done = done
    }

    package func countDown(by amount: Int = 1) {
        if left.subtract(amount, ordering: .acquiringAndReleasing).newValue == 0 { done() }
    }
}

/// Takes in tokens as they settle, for who is neither a thread nor a task that waits.
package protocol SettlementSink: AnyObject, Sendable {
    /// A token has settled: called once, on the thread that settled it, without a lock.
    ///
    /// Calls nothing of the user's.
    func take(_ token: AnyTaskToken, tag: UInt)
}

/// One entry in a token's list of those to tell when it settles.
///
/// The list is a stack through `next`. Pushing and unlinking happen under the token's stripe (see `WaiterList`);
/// the settling thread takes the whole list with its exchange on the word, then passes through the stripe once, so
/// nobody edits the list any more when it walks it.
package final class Waiter: @unchecked Sendable {
    package enum Action {
        case continuation(UnsafeContinuation<Void, Never>)
        case callback(@Sendable () -> Void)
        case parker(Parker)
        case countdown(Countdown)
        case sink(any SettlementSink, tag: UInt)
        /// Not in a list yet.
        case unset
    }

    fileprivate var next: Unmanaged<Waiter>?
    /// Set before it is added.
    @exclusivity(unchecked) var action: Action
    /// Set by whoever took it back because its task was cancelled, before the task is resumed; read by the task after.
    @exclusivity(unchecked) package fileprivate(set) var isCancelled = false

    package init(_ action: Action) { self.action = action }

    fileprivate var isCallback: Bool { if case .callback = action { true } else { false } }

    /// Tells it, once: called by who took it out of the list, or could not add it.
    package func resume(_ token: AnyTaskToken) {
        switch action {
        case .continuation(let continuation): continuation.resume()
        case .callback(let callback): BodyFrame.outside(callback)
        case .parker(let parker): parker.unpark()
        case .countdown(let countdown): countdown.countDown()
        case .sink(let sink, let tag): sink.take(token, tag: tag)
        case .unset: fatalError("a waiter of token \(token.id) is told before it was added")
        }
    }
}

extension AnyTaskToken {
    /// Ends a wait whose task is cancelled; does nothing where the waiter is not in the list: not yet, or not any more.
    package final func cancel(_ waiter: Waiter) {
        guard WaiterList.remove(waiter, from: self) else { return }
        waiter.isCancelled = true
        killIfCancelled()
        waiter.resume(self)
    }
}

/// The list of waiters in a token's word.
package enum WaiterList {
    /// Locks shared by tokens by address: they order edits of one list and are never held together.
    private static let stripes = Stripes(count: 64)

    /// Adds a waiter; false when the token is terminal already, and then the waiter is not called.
    package static func add(_ waiter: Waiter, to token: AnyTaskToken) -> Bool {
        stripes[token].lock.withLock { _ in
            let node = Unmanaged.passRetained(waiter)
            var current = TokenWord(raw: token.word.load(ordering: .relaxed))
            while let next = current.adding(waiter: UInt(bitPattern: node.toOpaque())) {
                waiter.next = current.waiters == 0 ? nil : pointer(current.waiters)
                let (done, seen) = token.word.weakCompareExchange(
                    expected: current.raw, desired: next.raw, successOrdering: .releasing, failureOrdering: .relaxed)
                if done { return true }
                current = TokenWord(raw: seen)
            }
            node.release()
            return false
        }
    }

    /// Takes a waiter back; false when the token has settled and the waiter is being, or has been, told.
    static func remove(_ waiter: Waiter, from token: AnyTaskToken) -> Bool {
        stripes[token].lock.withLock { _ in
            while true {
                let current = TokenWord(raw: token.word.load(ordering: .acquiring))
                guard !current.isTerminal, current.waiters != 0 else { return false }
                var node = pointer(current.waiters)
                if node.takeUnretainedValue() === waiter {
                    let rest = waiter.next.map { UInt(bitPattern: $0.toOpaque()) } ?? 0
                    guard let next = current.replacing(waiters: rest) else { return false }
                    let (done, _) = token.word.compareExchange(
                        expected: current.raw, desired: next.raw, successOrdering: .acquiringAndReleasing,
                        failureOrdering: .relaxed)
                    if !done { continue }
                    node.release()
                    return true
                }
                while let following = node.takeUnretainedValue().next {
                    if following.takeUnretainedValue() === waiter {
                        node.takeUnretainedValue().next = waiter.next
                        following.release()
                        // If the token settled meanwhile, its walk waits for this stripe and sees the edited list.
                        return true
                    }
                    node = following
                }
                return false
            }
        }
    }

    /// Whether somebody waits for a token: not only the token itself, to know of its end.
    static func hasWaiters(_ token: AnyTaskToken) -> Bool {
        stripes[token].lock.withLock { _ in
            let current = TokenWord(raw: token.word.load(ordering: .acquiring))
            var node = current.isTerminal || current.waiters == 0 ? nil : pointer(current.waiters) as Unmanaged<Waiter>?
            while let waiter = node?.takeUnretainedValue() {
                if case .sink(let sink, _) = waiter.action, sink === token {} else { return true }
                node = waiter.next
            }
            return false
        }
    }

    /// Tells everyone in the list that the winning transition took, in the order in which they came.
    static func resume(_ head: UInt, of token: AnyTaskToken) {
        guard head != 0 else { return }
        stripes[token].lock.withLock { _ in }
        let only: Unmanaged<Waiter> = pointer(head)
        if only._withUnsafeGuaranteedRef({ $0.next == nil && !$0.isCallback }) {
            // The usual case, without a list.
            return only.takeRetainedValue().resume(token)
        }
        var list: Unmanaged<Waiter>? = pointer(head)
        var ordered: [Waiter] = []
        while let node = list {
            let waiter = node.takeRetainedValue()
            list = waiter.next
            ordered.append(waiter)
        }
        Resumption.resume(ordered.reversed(), of: token)
    }

    private static func pointer(_ bits: UInt) -> Unmanaged<Waiter> {
        guard let address = UnsafeRawPointer(bitPattern: bits) else { fatalError("waiter list with address \(bits)") }
        return .fromOpaque(address)
    }
}

/// Resumes waiters without recursion: a callback that settles another token leaves that one's callbacks to the
/// outermost settlement on its thread, so a chain of derived tokens may be of any length.
///
/// Threads and tasks are woken at once.
///
/// Only its own thread touches it.
fileprivate final class Resumption {
    /// With the tokens that they are about: a callback may count on its token being there.
    private var callbacks: [(waiter: Waiter, token: AnyTaskToken)] = []

    static func resume(_ waiters: some Sequence<Waiter>, of token: AnyTaskToken) {
        let thread = thisThread
        if let outer = thread.pointee.resuming {
            let outermost = Unmanaged<Resumption>.fromOpaque(outer).takeUnretainedValue()
            for waiter in waiters {
                if waiter.isCallback { outermost.callbacks.append((waiter, token)) } else { waiter.resume(token) }
            }
            return
        }
        let own = Resumption()
        own.asOutermost { for waiter in waiters { waiter.resume(token) } }
        own.callAll()
    }

    /// Does `work`, and collects the callbacks of what it settles.
    private func asOutermost(_ work: () -> Void) {
        let outer = thisThread.pointee.resuming
        thisThread.pointee.resuming = Unmanaged.passUnretained(self).toOpaque()
        work()
        thisThread.pointee.resuming = outer
    }

    /// Calls them all, and those of the tokens that they settle.
    func callAll() {
        asOutermost {
            while !callbacks.isEmpty {
                let next = callbacks
                callbacks = []
                for (waiter, token) in next { withExtendedLifetime(token) { waiter.resume(token) } }
            }
        }
    }

    /// Does `work`, and leaves the callbacks of what it settles for later.
    static func leavingCallbacks(_ work: () -> Void) -> LeftCallbacks? {
        let own = Resumption()
        own.asOutermost(work)
        return own.callbacks.isEmpty ? nil : LeftCallbacks(callbacks: own)
    }
}

/// Callbacks that whoever settled their tokens did not call.
package struct LeftCallbacks: @unchecked Sendable {
    fileprivate let callbacks: Resumption

    /// Settles tokens without calling what is anyone's and may take its time; threads and tasks that wait are told at once.
    ///
    /// - Returns: the callbacks, to be called once; nil where there are none.
    package static func of(_ work: () -> Void) -> LeftCallbacks? { Resumption.leavingCallbacks(work) }

    /// Calls them, on this thread.
    package func call() { callbacks.callAll() }
}

/// A fixed set of locks, chosen by an object's address.
private final class Stripes: Sendable {
    final class Stripe: Sendable { let lock = Guarded<Void>(()) }
    private let all: [Stripe]

    init(count: Int) { all = (0..<count).map { _ in Stripe() } }

    subscript(object: AnyObject) -> Stripe {
        let address = UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque())
        return all[Int(truncatingIfNeeded: (address >> 6) ^ (address >> 12)) & (all.count - 1)]
    }
}
