//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Awaits many tokens, in order; one failure spoils nothing.
///
/// Costs one suspension for most of them together, not one each. It tells what became of each, so the cancellation of the calling
/// task does not end it: kill the tokens.
///
/// ```swift
/// let results = await gather(pages.map { fetch($0) })
/// let good = results.compactMap { try? $0.get() }
/// ```
@inlinable
public func gather<Success>(_ tokens: [TaskToken<Success>]) async -> [Result<Success, any Error>] {
    // The same objects, known as their superclass: a cast would look at each.
    await settleAll(unsafeBitCast(tokens, to: [AnyTaskToken].self))
    return outcomes(of: tokens)
}

/// What became of tokens that are known to be settled.
///
/// Not `map`, which takes a reference to each token while it looks at it. Of no tokens, nothing is initialised: the standard
/// library would write the count into the empty array that all threads share.
@inlinable
func outcomes<Success>(of tokens: [TaskToken<Success>]) -> [Result<Success, any Error>] {
    guard !tokens.isEmpty else { return [] }
    return tokens.withUnsafeBufferPointer { tokens in
        Array(unsafeUninitializedCapacity: tokens.count) { slots, count in
            for index in tokens.indices {
                (slots.baseAddress.unsafelyUnwrapped + index).initialize(to: tokens[index].outcomeOnceSettled)
                count = index + 1
            }
        }
    }
}

/// Awaits several tokens of different types; throws the first error in their order.
///
/// - Throws: what the first of them failed with; `CancellationError` when the calling task was cancelled first, as
///   `TaskToken.value` does.
public func gather<each Success: Sendable>(
    _ token: repeat TaskToken<each Success>
) async throws -> (repeat each Success) {
    do {
        return (repeat try await (each token).value)
    } catch let error as CancellationError where Task.isCancelled {
        // It waited for all of them, one after the other.
        repeat (each token).killIfCancelled()
        throw error
    }
}

/// Blocks the calling thread until all tokens are settled: `gather` for ordinary threads and synchronous bodies.
///
/// - Parameter timeout: how long to wait for all of them; nil waits without limit.
/// - Throws: a `TokenError`: `waitTimedOut` when the time passed first, `invalidArgument` for a negative time.
@available(*, noasync, message: "use `await gather(tokens)` in async code")
public func waitForAll<Success>(
    _ tokens: [TaskToken<Success>], timeout: Duration? = nil
) throws(TokenError) -> [Result<Success, any Error>] {
    let deadline = try deadline(after: timeout)
    for token in tokens { try token.blockUntilSettled(deadline: deadline, timeout: timeout) }
    return outcomes(of: tokens)
}

/// Suspends until every token is settled.
@usableFromInline
func settleAll(_ tokens: [AnyTaskToken]) async {
    guard let last = tokens.last else { return }
    last.endBurst()
    if let wait = ObservedWait(for: tokens) {
        await suspend(untilAllOf: unsettled(tokens)) { wait.isOver() }
        return await wait.comeBack()
    }
    // Tokens settle about in the order of submission, so by the time the last one has, few others are left.
    await last.settled()
    let left = unsettled(tokens)
    if !left.isEmpty { await suspend(untilAllOf: left) {} }
}

/// Not async, and not `filter`: what crosses a suspension, or a closure, is counted, twice for each token.
@inline(never)
func unsettled(_ tokens: [AnyTaskToken]) -> [AnyTaskToken] {
    var left: [AnyTaskToken] = []
    tokens.withUnsafeBufferPointer { tokens in
        for index in tokens.indices where !tokens[index].isSettled { left.append(tokens[index]) }
    }
    return left
}

private func suspend(untilAllOf tokens: [AnyTaskToken], _ isOver: @escaping @Sendable () -> Void) async {
    await withUnsafeContinuation { continuation in
        let countdown = Countdown(tokens.count + 1) {
            isOver()
            continuation.resume()
        }
        var already = 1
        for token in tokens where !token.addWaiter(.countdown(countdown)) { already += 1 }
        countdown.countDown(by: already)
    }
}

/// One settled token out of a group, with its place in it.
public struct Completion<Success: Sendable>: Sendable {
    /// The token's position in the array that was passed.
    public let index: Int
    /// The token.
    public let token: TaskToken<Success>
    /// What became of it.
    public let result: Result<Success, any Error>

    /// What the body returned.
    ///
    /// - Throws: what the token failed with.
    public func get() throws -> Success { try result.get() }
}

/// The tokens of a group as they settle, first done first.
///
/// ```swift
/// for await completion in completions(of: tokens) { print(completion.index, completion.result) }
/// ```
/// Breaking out of the loop early leaves the other tokens alone. The buffer never holds more than the group. For one
/// consumer: each completion is handed out once, whoever asks.
public func completions<Success>(of tokens: [TaskToken<Success>]) -> Completions<Success> { Completions(tokens) }

/// What `completions(of:)` returns: an `AsyncSequence` of each token's ``Completion``, which ends after the last.
public struct Completions<Success: Sendable>: AsyncSequence, Sendable {
    private let tokens: [TaskToken<Success>]
    private let stream: AsyncStream<Completion<Success>>
    /// The awaits that the next completions end, one each.
    private let waiting = Waiting()

    fileprivate final class Waiting: Sendable {
        private struct State {
            var last = 0
            var waits: [(number: Int, wait: ObservedWait)] = []
        }
        private let state = Guarded(State())

        func begin(_ new: ObservedWait) -> Int {
            state.withLock { state in
                state.last += 1
                state.waits.append((state.last, new))
                return state.last
            }
        }

        /// A completion has come: whoever waited first gets it.
        func endFirst() { state.withLock { $0.waits.isEmpty ? nil : $0.waits.removeFirst() }?.wait.isOver() }

        func end(_ number: Int) {
            let ended = state.withLock { state in
                state.waits.firstIndex { $0.number == number }.map { state.waits.remove(at: $0) }
            }
            ended?.wait.isOver()
        }
    }

    init(_ tokens: [TaskToken<Success>]) {
        self.tokens = tokens
        tokens.last?.endBurst()
        stream = AsyncStream(bufferingPolicy: .unbounded) { [waiting] continuation in
            guard !tokens.isEmpty else { return continuation.finish() }
            let countdown = Countdown(tokens.count) { continuation.finish() }
            for (index, token) in tokens.enumerated() {
                token.onSettled { [unowned token] in
                    waiting.endFirst()
                    continuation.yield(Completion(index: index, token: token, result: token.outcomeOnceSettled))
                    countdown.countDown()
                }
            }
        }
    }

    /// One more consumer; all share what is left.
    public func makeAsyncIterator() -> Iterator {
        Iterator(tokens: tokens, inner: stream.makeAsyncIterator(), waiting: waiting)
    }

    /// Hands the completions out.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let tokens: [TaskToken<Success>]
        /// They were named to the coordinator, by the first await: they stay needed.
        fileprivate var areNamed = false
        fileprivate var inner: AsyncStream<Completion<Success>>.Iterator
        fileprivate let waiting: Waiting

        /// The next token that settled; nil after the last, or when the task was cancelled.
        public mutating func next() async -> Completion<Success>? {
            let named = areNamed ? [] : tokens
            areNamed = true
            guard let wait = ObservedWait(for: named, among: tokens) else { return await inner.next() }
            let number = waiting.begin(wait)
            let completion = await inner.next()
            // Where it was in the buffer already, or the task was cancelled, no settlement has ended it.
            waiting.end(number)
            // A wait that its task's cancellation ended goes on beside a guest that is inside, as any.
            if completion == nil, Task.isCancelled { return nil }
            await wait.comeBack()
            return completion
        }
    }
}
