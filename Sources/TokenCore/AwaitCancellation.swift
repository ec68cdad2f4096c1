//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Awaits that the cancellation of their task ends (Docs/Waiting.md, "Cancelling").
//
// Whoever takes the waiter out of the token's list resumes the task, and nobody else: the settlement takes the whole list with
// its exchange on the word, a cancellation unlinks the one waiter under the list's lock. A cancellation that comes before the
// waiter is in the list finds nothing; so whoever adds it looks afterwards whether the task is cancelled by then.
extension AnyTaskToken {
    /// Waits, without blocking a thread, until the token is settled or the calling task is cancelled.
    ///
    /// - Returns: false where the cancellation came first.
    @usableFromInline
    final func settledUnlessCancelled() async -> Bool {
        endBurst()
        if isSettled { return true }
        if Task.isCancelled {
            killIfCancelled()
            return false
        }
        let wait = ObservedWait(for: [self])
        let waiter = Waiter(.unset)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                waiter.action = Self.action(continuation, wait)
                if !WaiterList.add(waiter, to: self) { return waiter.resume(self) }
                // The task cannot go on before this closure has returned, whoever resumes it.
                if Task.isCancelled { cancel(waiter) }
            }
        } onCancel: {
            cancel(waiter)
        }
        if waiter.isCancelled { return false }
        await wait?.comeBack()
        return true
    }

    private static func action(_ continuation: UnsafeContinuation<Void, Never>, _ wait: ObservedWait?) -> Waiter.Action
    {
        guard let wait else { return .continuation(continuation) }
        return .callback {
            wait.isOver()
            continuation.resume()
        }
    }

    /// A task that awaits the token's value is cancelled: kills the token where it is asked for.
    ///
    /// Callbacks of others are not called here: the runtime holds a lock of the cancelled task, and they may cancel another one.
    final func killIfCancelled() {
        guard cancelsTokenOnCancel, let callbacks = LeftCallbacks.of({ kill() }) else { return }
        let isLeft = realm.map { $0.timers.at($0.timers.now) { callbacks.call() } != nil } ?? false
        if !isLeft { callbacks.call() }
    }
}

/// Suspends until every token is settled, or the calling task is cancelled; false where that came first.
@usableFromInline
func settleAllUnlessCancelled(_ tokens: [AnyTaskToken]) async -> Bool {
    guard let last = tokens.last else { return true }
    last.endBurst()
    let left = unsettled(tokens)
    if left.isEmpty { return true }
    if Task.isCancelled {
        for token in left { token.killIfCancelled() }
        return false
    }
    let wait = ObservedWait(for: tokens)
    let group = GroupWait(wait)
    let isSettled = await withTaskCancellationHandler {
        await withUnsafeContinuation { continuation in
            group.begin(left, continuation)
            if Task.isCancelled { group.cancel() }
        }
    } onCancel: {
        group.cancel()
    }
    if isSettled { await wait?.comeBack() }
    return isSettled
}

/// One wait for several tokens.
///
/// idle ─▶ waiting ─▶ over: whoever makes it over resumes the task.
private final class GroupWait: Sendable {
    private enum State {
        case idle
        case waiting([(token: AnyTaskToken, waiter: Waiter)], UnsafeContinuation<Bool, Never>)
        case over
    }
    private let state = Guarded(State.idle)
    private let wait: ObservedWait?

    init(_ wait: ObservedWait?) { self.wait = wait }

    func begin(_ tokens: [AnyTaskToken], _ continuation: UnsafeContinuation<Bool, Never>) {
        let countdown = Countdown(tokens.count + 1) { [self] in
            if let (_, continuation) = end() { resume(continuation, true) }
        }
        var waiters: [(token: AnyTaskToken, waiter: Waiter)] = []
        for token in tokens {
            let waiter = Waiter(.countdown(countdown))
            if WaiterList.add(waiter, to: token) { waiters.append((token, waiter)) }
        }
        let already = tokens.count - waiters.count
        state.withLock { $0 = .waiting(waiters, continuation) }
        // Not before: this one count keeps it from ending while it is idle.
        countdown.countDown(by: already + 1)
    }

    /// Ends it, if it has begun and is not over.
    func cancel() {
        guard let (waiters, continuation) = end() else { return }
        for (token, waiter) in waiters { _ = WaiterList.remove(waiter, from: token) }
        for (token, _) in waiters { token.killIfCancelled() }
        resume(continuation, false)
    }

    private func end() -> ([(token: AnyTaskToken, waiter: Waiter)], UnsafeContinuation<Bool, Never>)? {
        state.withLock { state in
            guard case .waiting(let waiters, let continuation) = state else { return nil }
            state = .over
            return (waiters, continuation)
        }
    }

    private func resume(_ continuation: UnsafeContinuation<Bool, Never>, _ isSettled: Bool) {
        wait?.isOver()
        continuation.resume(returning: isSettled)
    }
}
