//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// Turns a function into an operation whose calls return tokens.
///
/// ```swift
/// let resize = TaskTokenGuard("resize_image", weight: .heavy) { (image: Image) in image.resized() }
/// let token = resize(picture)  // at once; nothing ran on this thread
/// ```
/// A guard is a value: keep it in a constant, a static, a property. Calls may come from any thread or task.
///
/// A token goes to the coordinator of the body it is made in; outside of bodies to the guard's own `coordinator`, then
/// to the one of the surrounding `withCoordinator`, then to the process default. Where there is none its token settles
/// at once with `noCoordinator`.
///
/// A guard with a bad option (an empty operation type, say) can be made, so that it fits into a constant; its tokens
/// settle at once with that error, and `validate()` throws it.
public struct TaskTokenGuard<Input: Sendable, Output: Sendable>: Sendable {
    @usableFromInline let core: GuardCore<Input, Output>
    @usableFromInline let coordinator: (any TokenSubmitter)?

    /// A guard around a synchronous function of one parameter (or of a tuple).
    ///
    /// - Parameters:
    ///   - operationType: the operation's name: 1 to 255 UTF-8 bytes. Guards of the same name are one operation in
    ///     control and statistics.
    ///   - weight: how much processor time a call is expected to take; medium by default.
    ///   - storage: the storage tier the body works on; nil (the default) for bodies that only compute.
    ///   - locality: where its tokens run relative to others; free by default.
    ///   - options: retries, timeouts, limits; nil (the default) for none.
    ///   - coordinator: where calls from outside of bodies go; nil: see the type's description.
    ///   - body: runs once for each call, on a worker thread.
    @inlinable
    public init(
        _ operationType: String, weight: Weight = .medium, storage: StorageSpeed? = nil,
        locality: Locality<Input> = .free, options: OperationOptions? = nil,
        on coordinator: (any TokenSubmitter)? = nil,
        _ body: @escaping @Sendable (Input) throws -> Output
    ) {
        self.coordinator = coordinator
        core = GuardCore(operationType, weight, storage, locality, options, body: body)
    }

    /// A guard around an async function of one parameter (or of a tuple).
    ///
    /// It runs on its domain's executor and frees the worker while it is suspended.
    @inlinable
    public init(
        _ operationType: String, weight: Weight = .medium, storage: StorageSpeed? = nil,
        locality: Locality<Input> = .free, options: OperationOptions? = nil,
        on coordinator: (any TokenSubmitter)? = nil,
        _ body: @escaping @Sendable (Input) async throws -> Output
    ) {
        self.coordinator = coordinator
        core = GuardCore(operationType, weight, storage, locality, options, asyncBody: body)
    }

    /// A guard around a synchronous function of several parameters, as it is.
    @inlinable
    public init<each Parameter: Sendable>(
        _ operationType: String, weight: Weight = .medium, storage: StorageSpeed? = nil,
        locality: Locality<Input> = .free, options: OperationOptions? = nil,
        on coordinator: (any TokenSubmitter)? = nil,
        _ body: @escaping @Sendable (repeat each Parameter) throws -> Output
    ) where Input == (repeat each Parameter) {
        self.coordinator = coordinator
        core = GuardCore(operationType, weight, storage, locality, options, body: { try body(repeat each $0) })
    }

    /// A guard around an async function of several parameters, as it is.
    @inlinable
    public init<each Parameter: Sendable>(
        _ operationType: String, weight: Weight = .medium, storage: StorageSpeed? = nil,
        locality: Locality<Input> = .free, options: OperationOptions? = nil,
        on coordinator: (any TokenSubmitter)? = nil,
        _ body: @escaping @Sendable (repeat each Parameter) async throws -> Output
    ) where Input == (repeat each Parameter) {
        self.coordinator = coordinator
        core = GuardCore(
            operationType, weight, storage, locality, options, asyncBody: { try await body(repeat each $0) })
    }

    /// Submits a call: returns its token at once.
    ///
    /// Never blocks, never throws: what is wrong settles the token.
    @inlinable
    public func callAsFunction(_ input: Input) -> TaskToken<Output> { core.submit(input, to: coordinator) }

    /// Submits a call of a function of several parameters.
    public func callAsFunction<each Parameter: Sendable>(
        _ parameter: repeat each Parameter
    ) -> TaskToken<Output> where Input == (repeat each Parameter) {
        core.submit((repeat each parameter), to: coordinator)
    }

    /// Submits a call once its coordinator has room for it: for async code that is to slow down with a coordinator whose
    /// capacity is limited (`Configuration.capacity`, overload policy `suspend`).
    ///
    /// ```swift
    /// for line in lines { tokens.append(try await parse.submit(line)) }
    /// ```
    /// Inside a body, and where there is no limit, it is a plain call. Callers get their places in the order in which they
    /// came. Run: `Examples/Overload`.
    ///
    /// - Throws: `CancellationError` where the task is cancelled while it waits; then nothing was submitted.
    public func submit(_ input: Input) async throws -> TaskToken<Output> {
        try await core.submitWaiting(input, to: coordinator)
    }

    /// Submits a call of a function of several parameters once there is room for it.
    public func submit<each Parameter: Sendable>(
        _ parameter: repeat each Parameter
    ) async throws -> TaskToken<Output> where Input == (repeat each Parameter) {
        try await core.submitWaiting((repeat each parameter), to: coordinator)
    }

    /// As ``submit(_:)``, for ordinary threads: blocks the calling one until there is room.
    ///
    /// - Parameters:
    ///   - input: what the function is called with.
    ///   - timeout: how long to wait; nil (the default) waits without limit.
    /// - Throws: `waitTimedOut` when the time passed first, `invalidArgument` for a negative time; then nothing was submitted.
    @available(*, noasync, message: "use `try await submit(…)` in async code")
    public func submitBlocking(_ input: Input, timeout: Duration? = nil) throws(TokenError) -> TaskToken<Output> {
        try core.submitBlocking(input, to: coordinator, timeout: timeout)
    }

    /// The operation type, as given.
    public var operationType: String { core.operationType }

    /// Throws what is wrong with the guard, if anything: `invalidOperationType`, `invalidArgument` or
    /// `tooManyOperationTypes`.
    public func validate() throws(TokenError) { if let problem = core.problem { throw problem } }
}
