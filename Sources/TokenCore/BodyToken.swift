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
@usableFromInline
final class BodyToken<Input: Sendable, Output: Sendable>: TaskToken<Output>, @unchecked Sendable {
    // Touched by the executing thread only, once.
    @exclusivity(unchecked) @usableFromInline var input: Input?
    @usableFromInline let body: @Sendable (Input) throws -> Output

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    package override init(operation: Operation, tags: TokenTags, state: TokenState) {
        fatalError("a token with a body is made with its body")
    }

    @inlinable
    init(operation: Operation, tags: TokenTags, input: Input, body: @escaping @Sendable (Input) throws -> Output) {
        self.input = input
        self.body = body
        super.init(operation: operation, tags: tags, state: .created)
    }

    @inlinable
    package override func invoke() -> Bool {
        guard let input else { fatalError("the body of a token was started twice") }
        self.input = nil
        do {
            outcome = .success(try body(input))
            return true
        } catch {
            outcome = .failure(error)
            return false
        }
    }
}

/// A token with an async body.
@usableFromInline
final class AsyncBodyToken<Input: Sendable, Output: Sendable>: TaskToken<Output>, @unchecked Sendable {
    @usableFromInline let input: Input
    @usableFromInline let body: @Sendable (Input) async throws -> Output

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    package override init(operation: Operation, tags: TokenTags, state: TokenState) {
        fatalError("a token with a body is made with its body")
    }

    @usableFromInline
    init(
        operation: Operation, tags: TokenTags, input: Input, body: @escaping @Sendable (Input) async throws -> Output
    ) {
        self.input = input
        self.body = body
        super.init(operation: operation, tags: tags, state: .created)
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
