//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Tokens that were submitted together, in the order of their inputs.
///
/// Each is a token: it has an id, is counted, runs on a worker, settles exactly once, can be killed and awaited by itself, and
/// a failure spoils nothing. Together they cost a fraction of as many calls: their states and results stand in rows, and workers
/// take many at a time, few where bodies take long.
///
/// ```swift
/// let squares = square.batch(0..<1_000_000)
/// squares[17].kill()
/// let results = await squares.results        // [Result<Int, any Error>], in order
/// let sum = try await square.batch([1, 2, 3]).values.reduce(0, +)
/// ```
/// Made by ``TaskTokenGuard/batch(_:)``. A copy is the same batch. Letting go of it lets its tokens run on.
public struct TokenBatch<Success: Sendable>: RandomAccessCollection, Sendable {
    @usableFromInline
    enum Storage: Sendable {
        case slab(BatchSlab<Success>)
        case tokens([TaskToken<Success>])
    }
    @usableFromInline let storage: Storage

    @usableFromInline
    init(_ slab: BatchSlab<Success>) { storage = .slab(slab) }
    @usableFromInline
    init(_ tokens: [TaskToken<Success>]) { storage = .tokens(tokens) }

    /// 0.
    public var startIndex: Int { 0 }
    /// How many tokens there are.
    public var endIndex: Int {
        switch storage {
        case .slab(let slab): slab.count
        case .tokens(let tokens): tokens.count
        }
    }

    /// The token of the input at that position.
    public subscript(index: Int) -> BatchToken<Success> {
        precondition(indices.contains(index), "a batch of \(count) tokens has no token \(index)")
        switch storage {
        case .slab(let slab): return BatchToken(.slab(slab, index))
        case .tokens(let tokens): return BatchToken(.token(tokens[index]))
        }
    }

    /// Whether all are settled.
    public var isSettled: Bool { unsettledCount == 0 }

    /// How many are not settled at this moment.
    ///
    /// Those that are settled just now may count for a moment longer.
    public var unsettledCount: Int {
        switch storage {
        case .slab(let slab): slab.unsettledCount
        case .tokens(let tokens): tokens.count { !$0.isSettled }
        }
    }

    /// What became of each, in order, awaited without blocking a thread.
    ///
    /// Not cancellable: kill the tokens to end the wait.
    @inlinable
    public var results: [Result<Success, any Error>] {
        get async {
            switch storage {
            case .slab(let slab):
                await slab.settled(nil)
                return slab.outcomes()
            case .tokens(let tokens): return await gather(tokens)
            }
        }
    }

    /// What each body returned, in order, awaited without blocking a thread.
    ///
    /// Cancelling the calling task ends the wait at once; the tokens go on, unless their guard asks for more
    /// (`OperationOptions.cancelsTokenOnCancel`).
    ///
    /// - Throws: the first failure in the order of the inputs, once all are settled; `CancellationError` when the calling task
    ///   was cancelled before they were.
    @inlinable
    public var values: [Success] {
        get async throws {
            switch storage {
            case .slab(let slab):
                guard await slab.settledUnlessCancelled(nil) else { throw CancellationError() }
                return try slab.results()
            case .tokens(let tokens):
                // The same objects, known as their superclass.
                guard await settleAllUnlessCancelled(unsafeBitCast(tokens, to: [AnyTaskToken].self)) else {
                    throw CancellationError()
                }
                return try outcomes(of: tokens).map { try $0.get() }
            }
        }
    }

    /// Blocks the calling thread until all are settled: for ordinary threads and synchronous bodies.
    ///
    /// - Parameter timeout: how long to wait for all of them; nil (the default) waits without limit.
    /// - Returns: what became of each, in order.
    /// - Throws: a `TokenError`: `waitTimedOut` when the time passed first (the tokens go on), `invalidArgument` for a negative
    ///   time.
    @available(*, noasync, message: "use `await batch.results` in async code")
    public func wait(timeout: Duration? = nil) throws(TokenError) -> [Result<Success, any Error>] {
        switch storage {
        case .slab(let slab):
            try slab.block(nil, timeout: timeout)
            return slab.outcomes()
        case .tokens(let tokens): return try waitForAll(tokens, timeout: timeout)
        }
    }

    /// Settles all that are not settled, as killed.
    ///
    /// - Returns: how many this call settled.
    @discardableResult
    public func kill() -> Int {
        switch storage {
        case .slab(let slab): slab.settleAll(for: .killed, executing: true)
        case .tokens(let tokens): tokens.count { $0.kill() }
        }
    }
}

/// One token of a ``TokenBatch``.
public struct BatchToken<Success: Sendable>: Sendable, CustomStringConvertible {
    enum Storage: Sendable {
        case slab(BatchSlab<Success>, Int)
        case token(TaskToken<Success>)
    }
    let storage: Storage

    init(_ storage: Storage) { self.storage = storage }

    /// Identity: the coordinator's origin and the token's number there.
    public var id: TokenID {
        switch storage {
        case .slab(let slab, let index): slab.id(of: index)
        case .token(let token): token.id
        }
    }

    /// The operation type this token is a call of.
    public var operationType: String {
        switch storage {
        case .slab(let slab, _): slab.plan.operation.name
        case .token(let token): token.operationType
        }
    }

    /// The state at this moment.
    public var state: TokenState {
        switch storage {
        case .slab(let slab, let index): slab.state(of: index)
        case .token(let token): token.state
        }
    }

    /// Whether the token has reached its terminal state.
    public var isSettled: Bool { state.isTerminal }

    /// Settles the token as killed unless it is settled already: as `AnyTaskToken.kill()`.
    ///
    /// - Returns: whether this call settled it.
    @discardableResult
    public func kill() -> Bool {
        switch storage {
        case .slab(let slab, let index): slab.settle(index, for: .killed)
        case .token(let token): token.kill()
        }
    }

    /// The result, awaited without blocking a thread.
    ///
    /// - Throws: what the body threw, or a `TokenError` (`killed`, `discarded`, `coordinatorStopped`); `CancellationError` when the
    ///   calling task was cancelled first, as `TaskToken.value` does.
    public var value: Success {
        get async throws {
            switch storage {
            case .slab(let slab, let index):
                guard await slab.settledUnlessCancelled(index) else { throw CancellationError() }
                return try slab.outcome(of: index).get()
            case .token(let token): return try await token.value
            }
        }
    }

    /// The result as a `Result`, awaited without blocking a thread.
    public var result: Result<Success, any Error> {
        get async {
            switch storage {
            case .slab(let slab, let index):
                await slab.settled(index)
                return slab.outcome(of: index)
            case .token(let token): return await token.result
            }
        }
    }

    /// The result if the token is settled by now, else nil.
    public var resultIfSettled: Result<Success, any Error>? {
        switch storage {
        case .slab(let slab, let index): slab.state(of: index).isTerminal ? slab.outcome(of: index) : nil
        case .token(let token): token.resultIfSettled
        }
    }

    /// Blocks the calling thread until the token is settled: for ordinary threads and synchronous bodies.
    ///
    /// - Parameter timeout: how long to wait; nil (the default) waits without limit.
    /// - Throws: what the body threw; a `TokenError`: `waitTimedOut` when the time passed first (the token goes on),
    ///   `invalidArgument` for a negative time.
    @available(*, noasync, message: "use `try await token.value` in async code")
    public func wait(timeout: Duration? = nil) throws -> Success {
        switch storage {
        case .slab(let slab, let index):
            try slab.block(index, timeout: timeout)
            return try slab.outcome(of: index).get()
        case .token(let token): return try token.wait(timeout: timeout)
        }
    }

    /// The id, the operation type and the state.
    public var description: String { "token \(id) of \"\(operationType)\", \(state)" }
}

extension TaskTokenGuard {
    /// Submits a call for each input: returns their tokens at once.
    ///
    /// Where the guard is free, without storage and synchronous, and the caller stands outside of bodies, at a coordinator that
    /// is running and has not paused the operation, the tokens share their storage and workers take many at a time. Everywhere
    /// else each is submitted by itself: the same, at the cost of as many calls.
    ///
    /// Tokens that share their storage begin in the order of their inputs, as far as several workers have an order. Events and
    /// statistics tell each; run times are those of up to 16 tokens, divided by their number. A worker that has run them for
    /// a millisecond lets others have their turn.
    ///
    /// - Parameter inputs: an array, a range, …: kept until the batch is let go, and read by the workers.
    /// - Returns: as many tokens, in the same order. Never throws: what is wrong settles the tokens.
    @inlinable
    public func batch(_ inputs: some RandomAccessCollection<Input> & Sendable) -> TokenBatch<Output> {
        if core.canShareStorage, !inputs.isEmpty {
            let body = core.body
            let slab = BatchSlab<Output>(count: inputs.count, plan: core) { batch, group, work in
                let slots = unsafeDowncast(batch, to: BatchSlab<Output>.self).slots
                while work.pointee.todo != 0 {
                    let bit = work.pointee.todo & (0 &- work.pointee.todo)
                    work.pointee.todo &= ~bit
                    let index = group << 4 | bit.trailingZeroBitCount
                    if batch.isKilled(index) { continue }
                    work.pointee.current = index
                    do {
                        (slots + index).initialize(
                            to: try body(inputs[inputs.index(inputs.startIndex, offsetBy: index)]))
                        work.pointee.returned |= bit
                    } catch {
                        batch.noteFailure(error, of: index)
                    }
                    work.pointee.ended |= bit
                    if work.pointee.hasLineage { batch.renewLineage(work) }
                }
            }
            if slab.handOver(to: coordinator) { return TokenBatch(slab) }
        }
        return TokenBatch(inputs.map { core.submit($0, to: coordinator) })
    }
}

extension GuardCore {
    @usableFromInline
    var canShareStorage: Bool { tags.isPlain && asyncBody == nil && problem == nil }
}

extension BatchCore {
    /// Hands the batch to its submitter; false where that takes tokens one by one.
    @usableFromInline
    func handOver(to explicit: (any TokenSubmitter)?) -> Bool {
        guard let place = Submission.place(explicit: explicit), place.lineage == nil,
            let submitter = place.submitter as? any BatchSubmitter
        else { return false }
        return submitter.submit(self)
    }
}
