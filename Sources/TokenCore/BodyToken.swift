//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A token with its input and room for its result, in one allocation; its body is the guard's.
///
/// Inlinable, so that a guard's call and the body's run are specialised for the caller's types: unspecialised, the
/// look-ups of generic metadata take more than half of the time of a small token.
///
/// `Slot`, always `Input?`, is a parameter for the reason that `KeepingToken` gives.
@usableFromInline
final class BodyToken<Input: Sendable, Output: Sendable, Slot, Kept>: KeepingToken<Output, Kept>, @unchecked Sendable {
    // Touched by the executing thread only, once.
    @exclusivity(unchecked) @usableFromInline var input: Slot

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    override init(plan: TokenPlan, keeping nothing: Kept) { fatalError("a token with a body is made with its input") }

    @inlinable
    init(core: GuardCore<Input, Output>, input: Input) where Slot == Input?, Kept == Result<Output, any Error>? {
        self.input = input
        super.init(plan: core, keeping: nil)
    }

    @inlinable
    func runTyped() -> Bool where Slot == Input?, Kept == Result<Output, any Error>? {
        guard let input else { fatalError("the body of a token was started twice") }
        self.input = nil
        do {
            kept = .success(try unsafeDowncast(plan, to: GuardCore<Input, Output>.self).body(input))
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
    private let input: Input
    private let body: @Sendable (Input) async throws -> Output

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    override init(plan: TokenPlan, keeping nothing: Result<Output, any Error>?) {
        fatalError("a token with an async body is made with its body")
    }

    @usableFromInline
    init(plan: TokenPlan, input: Input, body: @escaping @Sendable (Input) async throws -> Output) {
        self.input = input
        self.body = body
        super.init(plan: plan, keeping: nil)
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

    @usableFromInline
    package override func invoke() -> Bool { AsyncBodies.block(on: asyncBody) }
}

/// Async bodies where nothing knows of them.
enum AsyncBodies {
    /// An executor that knows nothing of async bodies: the thread waits for the task.
    static func block(on body: (@Sendable () async -> Bool)?, in context: CapturedContext? = nil) -> Bool {
        let parker = Parker()
        let done = Guarded(false)
        let work: @Sendable () async -> Void = {
            let ok = await body?() ?? false
            done.withLock { $0 = ok }
            parker.unpark()
        }
        if let context {
            // What it submits descends from this body, not from the one that its context was captured in.
            let lineage = BodyFrame.current?.lineage
            context.begin(on: PoolCarrier()) {
                let ambient = Ambient(lineage: lineage, scope: Ambient.current?.scope)
                await Ambient.$current.withValue(ambient, operation: work)
            }
        } else {
            _ = Task.detached(operation: work)
        }
        _ = parker.park()
        return done.withLock { $0 }
    }
}
