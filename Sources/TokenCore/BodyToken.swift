//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A token with a synchronous body and its input, in one allocation.
final class BodyToken<Input: Sendable, Output: Sendable>: TaskToken<Output>, @unchecked Sendable {
    // Touched by the executing thread only, once.
    private var input: Input?
    private let body: @Sendable (Input) throws -> Output

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    package override init(operation: Operation, tags: TokenTags, state: TokenState) {
        fatalError("a token with a body is made with its body")
    }

    init(operation: Operation, tags: TokenTags, input: Input, body: @escaping @Sendable (Input) throws -> Output) {
        self.input = input
        self.body = body
        super.init(operation: operation, tags: tags, state: .created)
    }

    package override func invoke() -> Bool {
        guard let input else { fatalError("the body of token \(id) was started twice") }
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
final class AsyncBodyToken<Input: Sendable, Output: Sendable>: TaskToken<Output>, @unchecked Sendable {
    private let input: Input
    private let body: @Sendable (Input) async throws -> Output

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    package override init(operation: Operation, tags: TokenTags, state: TokenState) {
        fatalError("a token with a body is made with its body")
    }

    init(
        operation: Operation, tags: TokenTags, input: Input, body: @escaping @Sendable (Input) async throws -> Output
    ) {
        self.input = input
        self.body = body
        super.init(operation: operation, tags: tags, state: .created)
    }

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
