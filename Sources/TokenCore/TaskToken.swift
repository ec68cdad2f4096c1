//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// One submitted call of an operation: identity, state and result.
///
/// It exists at once, before anything ran. Any number of callers may await it, from any thread or task.
///
/// ```swift
/// let upper = TaskTokenGuard("upper") { (text: String) in text.uppercased() }
/// let token = upper("hello")
/// print(try await token.value)  // HELLO
/// ```
public class TaskToken<Success: Sendable>: AnyTaskToken, @unchecked Sendable {
    // Written by the executing thread before it finishes the token; read by those who saw completed or failed.
    @inlinable
    package final var outcome: Result<Success, any Error>? {
        get { unsafeDowncast(self, to: KeepingToken<Success, Result<Success, any Error>?>.self).kept }
        set { unsafeDowncast(self, to: KeepingToken<Success, Result<Success, any Error>?>.self).kept = newValue }
    }

    @inlinable
    package override init(plan: TokenPlan) { super.init(plan: plan) }

    /// The result, awaited without blocking a thread.
    ///
    /// Cancelling the calling task ends the wait at once; the token goes on, unless its guard asks for more
    /// (`OperationOptions.cancelsTokenOnCancel`). A token that is settled by then gives its result also in a cancelled task.
    ///
    /// - Throws: what the body threw, or a `TokenError` (`killed`, `discarded`, `coordinatorStopped`, `timedOut`, …);
    ///   `CancellationError` when the calling task was cancelled first.
    @inlinable
    public final var value: Success {
        get async throws {
            // Inlinable, so that this is compiled for the type of the result, which the runtime would be asked for.
            guard await settledUnlessCancelled() else { throw CancellationError() }
            return try outcomeOnceSettled.get()
        }
    }

    /// The result as a `Result`, awaited without blocking a thread.
    ///
    /// It tells what became of the token, so the cancellation of the calling task does not end the wait: `value` does that.
    public final var result: Result<Success, any Error> {
        get async {
            await settled()
            return outcomeOnceSettled
        }
    }

    /// The result if the token is settled by now, else nil.
    public final var resultIfSettled: Result<Success, any Error>? { isSettled ? outcomeOnceSettled : nil }

    /// Blocks the calling thread until the token is settled: for ordinary threads and synchronous bodies.
    ///
    /// Inside a body this is safe at any depth: if the awaited token descends from the body and is ready, it runs right
    /// here; otherwise the domain gets a spare worker while this one is blocked.
    ///
    /// - Parameter timeout: how long to wait; nil (the default) waits without limit. Zero only looks.
    /// - Returns: what the body returned.
    /// - Throws: what the body threw; a `TokenError`: `waitTimedOut` when the time passed first (the token goes on),
    ///   `invalidArgument` for a negative time.
    @available(*, noasync, message: "use `try await token.value` in async code")
    public final func wait(timeout: Duration? = nil) throws -> Success {
        try blockUntilSettled(timeout: timeout)
        return try outcomeOnceSettled.get()
    }

    /// The result of a token known to be settled.
    @inlinable
    package final var outcomeOnceSettled: Result<Success, any Error> {
        if isOwnOutcome, let outcome { return outcome }
        return .failure(settlementError())
    }

    /// Whether the body brought the token's end about, so that the outcome is the body's.
    @usableFromInline
    package final var isOwnOutcome: Bool {
        let state = current.state
        return state == .completed || state == .failed
    }

    package final override var failure: (any Error)? {
        if isSettled, case .failure(let error) = outcomeOnceSettled { error } else { nil }
    }

    /// What a token is settled with whose body did not bring its end about.
    @usableFromInline
    package final func settlementError() -> TokenError {
        let word = current
        guard word.isTerminal else { fatalError("token \(id) is \(word.state) where it should be settled") }
        return word.reason.error(of: "token \(id) of \"\(operationType)\"")
    }

    package final override func refuse(_ error: TokenError) {
        finishElsewhere { keep(.failure(error)) }
    }

    /// Keeps what a body did; true when it returned.
    package final func keep(_ result: Result<Success, any Error>) -> Bool {
        outcome = result
        if case .success = result { return true }
        return false
    }
}

/// The token that every token with a result is: it has room for its outcome.
///
/// The type of what is kept, always `Result<Success, any Error>?`, is a parameter of the class: so a token that goes away
/// finds it in its own class, where it would ask the runtime for the type of a member `Result<…>?` (1,000 instructions).
@usableFromInline
class KeepingToken<Success: Sendable, Kept>: TaskToken<Success>, @unchecked Sendable {
    @exclusivity(unchecked) @usableFromInline final var kept: Kept

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    package override init(plan: TokenPlan) { fatalError("a token is made with room for its outcome") }

    @inlinable
    init(plan: TokenPlan, keeping nothing: Kept) {
        kept = nothing
        super.init(plan: plan)
    }
}

/// A `KeepingToken` with the one type that it may keep.
@usableFromInline
typealias OutcomeToken<Success: Sendable> = KeepingToken<Success, Result<Success, any Error>?>

extension AnyTaskToken {
    /// Blocks the calling thread until the token is settled, helping along if it runs a body.
    package final func blockUntilSettled(timeout: Duration?) throws(TokenError) {
        try blockUntilSettled(deadline: deadline(after: timeout), timeout: timeout)
    }

    /// As above, where the deadline is known already; `timeout` is what the error names.
    package final func blockUntilSettled(deadline: Int64?, timeout: Duration?) throws(TokenError) {
        endBurst()
        if isSettled { return }
        let settled =
            if let submitter = BodyFrame.current?.submitter ?? Ambient.current?.lineage?.submitter {
                submitter.blockBody(until: self, deadline: deadline)
            } else if thisThread.pointee.worker != nil, let submitter = realm?.submitter {
                // A job of an executor that a coordinator lends keeps its worker.
                submitter.blockBody(until: self, deadline: deadline)
            } else {
                parkUntilSettled(deadline: deadline)
            }
        if !settled, let timeout {
            throw TokenError(.waitTimedOut, "token \(id) of \"\(operationType)\" was \(state) after \(timeout)")
        }
    }
}

/// When a wait is over that begins now, in monotonic nanoseconds; refuses a negative time.
package func deadline(after timeout: Duration?) throws(TokenError) -> Int64? {
    guard let timeout else { return nil }
    guard timeout >= .zero else { throw TokenError(.invalidArgument, "the timeout \(timeout) is negative") }
    return Int64(clampedAdding: timeout, to: tge_now_ns())
}

extension Int64 {
    /// `base` plus a duration in nanoseconds, held at the ends of the range.
    package init(clampedAdding duration: Duration, to base: Int64) {
        // Not by `components`: they trap where the seconds are more than an `Int64` holds.
        self.init(clamping: duration.attoseconds / 1_000_000_000 + Int128(base))
    }
}
