//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A token with a synchronous body and its input, in one allocation.
///
/// Inlinable, so that a guard's call and the body's run are specialised for the caller's types: unspecialised, the
/// look-ups of generic metadata take more than half of the time of a small token.
///
/// `Slot`, always `Input?`, is a parameter for the reason that `KeepingToken` gives.
@usableFromInline
final class BodyToken<Input: Sendable, Output: Sendable, Slot, Kept>: KeepingToken<Output, Kept>, @unchecked Sendable {
    // Touched by the executing thread only, once.
    @exclusivity(unchecked) @usableFromInline var input: Slot
    @usableFromInline let body: @Sendable (Input) throws -> Output

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    override init(
        operation: Operation, tags: TokenTags, state: TokenState, keeping nothing: Kept,
        runner: (@Sendable (AnyTaskToken) -> Bool)?
    ) {
        fatalError("a token with a body is made with its body")
    }

    @inlinable
    init(operation: Operation, tags: TokenTags, input: Input, body: @escaping @Sendable (Input) throws -> Output)
    where Slot == Input?, Kept == Result<Output, any Error>? {
        self.input = input
        self.body = body
        super.init(operation: operation, tags: tags, keeping: nil) {
            unsafeDowncast($0, to: BodyToken<Input, Output, Input?, Result<Output, any Error>?>.self).runTyped()
        }
    }

    @inlinable
    func runTyped() -> Bool where Slot == Input?, Kept == Result<Output, any Error>? {
        guard let input else { fatalError("the body of a token was started twice") }
        self.input = nil
        do {
            kept = .success(try body(input))
            return true
        } catch {
            kept = .failure(error)
            return false
        }
    }
}

/// A token with an async body.
@usableFromInline
final class AsyncBodyToken<Input: Sendable, Output: Sendable>: OutcomeToken<Output>, @unchecked Sendable {
    @usableFromInline let input: Input
    @usableFromInline let body: @Sendable (Input) async throws -> Output

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    override init(
        operation: Operation, tags: TokenTags, state: TokenState, keeping nothing: Result<Output, any Error>?,
        runner: (@Sendable (AnyTaskToken) -> Bool)?
    ) {
        fatalError("a token with a body is made with its body")
    }

    @usableFromInline
    init(
        operation: Operation, tags: TokenTags, input: Input, body: @escaping @Sendable (Input) async throws -> Output
    ) {
        self.input = input
        self.body = body
        super.init(operation: operation, tags: tags, keeping: nil)
    }

    @usableFromInline
    package override var asyncBody: (@Sendable () async -> Bool)? {
        { [self] in
            do {
                return keep(.success(try await body(input)))
            } catch {
                return keep(.failure(error))
            }
        }
    }

    /// An executor that knows nothing of async bodies: the thread waits for the task.
    @usableFromInline
    package override func invoke() -> Bool {
        let parker = Parker()
        let done = Guarded(false)
        let body = asyncBody
        _ = Task.detached {
            let ok = await body?() ?? false
            done.withLock { $0 = ok }
            parker.unpark()
        }
        _ = parker.park()
        return done.withLock { $0 }
    }
}
