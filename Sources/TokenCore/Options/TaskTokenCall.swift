//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A guard, and what its next calls ask for.
///
/// Made by `TaskTokenGuard.with(…)`; a value, to be used once or kept.
public struct TaskTokenCall<Input: Sendable, Output: Sendable>: Sendable {
    let plan: ManagedPlan<Input, Output>
    let coordinator: (any TokenSubmitter)?
    private(set) var options: CallOptions

    init(_ plan: ManagedPlan<Input, Output>, _ coordinator: (any TokenSubmitter)?, _ options: CallOptions) {
        self.plan = plan
        self.coordinator = coordinator
        self.options = options
    }

    /// Submits a call: returns its token at once, or the live one that has the same key.
    public func callAsFunction(_ input: Input) -> TaskToken<Output> { plan.submit(input, options, to: coordinator) }

    /// Submits a call of a function of several parameters.
    public func callAsFunction<each Parameter: Sendable>(
        _ parameter: repeat each Parameter
    ) -> TaskToken<Output> where Input == (repeat each Parameter) {
        plan.submit((repeat each parameter), options, to: coordinator)
    }

    /// Submits a call once its coordinator has room for it, as `TaskTokenGuard.submit(_:)` does; with the key of a live token, or of
    /// one that is submitted while it waits, it returns that one at once.
    ///
    /// A token that waits for its time or for others needs no place: it takes one when it is due, over the limit if need be.
    ///
    /// - Throws: `CancellationError` where the task is cancelled while it waits; then nothing was submitted.
    public func submit(_ input: Input) async throws -> TaskToken<Output> {
        if let call = deferred { return call(input) }
        guard let keeper = placeKeeper else { return self(input) }
        let wait = beginWait(at: keeper)
        defer { endWait(wait, at: keeper) }
        let places = try await keeper.awaitPlaces(for: plan.operation, callOff: wait)
        return plan.submit(input, options, to: keeper, places: places, unless: wait)
    }

    /// Submits a call of a function of several parameters once there is room for it.
    public func submit<each Parameter: Sendable>(
        _ parameter: repeat each Parameter
    ) async throws -> TaskToken<Output> where Input == (repeat each Parameter) {
        try await submit((repeat each parameter))
    }

    /// The call, where it waits for its time or for others and so needs no place yet.
    var deferred: Self? {
        guard options.waitsFirst else { return nil }
        var call = self
        call.options.isDeferred = true
        return call
    }

    /// With a key the call is about to wait for a place: until `endWait` the wait is called off when a token has that key.
    func beginWait(at keeper: any PlaceKeeper) -> CallOff? {
        plan.key(of: options).map { key in
            let wait = CallOff()
            keeper.realm.gate(of: plan.operation).callOff(wait, at: key)
            return wait
        }
    }

    func endWait(_ wait: CallOff?, at keeper: any PlaceKeeper) {
        if let wait, let key = plan.key(of: options) { keeper.realm.gate(of: plan.operation).forget(wait, at: key) }
    }

    /// Whom to ask for a place, from outside of bodies.
    var placeKeeper: (any PlaceKeeper)? {
        guard plan.problem == nil, options.problem == nil, let keeper = Submission.placeKeeper(coordinator) else {
            return nil
        }
        plan.stateLimits(to: keeper)
        return keeper
    }
}

extension TaskTokenGuard {
    /// The guard with what a call asks for: a delay, others to come after, a time limit, a key.
    ///
    /// ```swift
    /// let report = writeReport.with(delay: .seconds(5), after: [download], key: "daily")("2026-11-25")
    /// ```
    /// Until it is due the token waits without a worker; pause, kill, discard and stop find it there. A stop that gives up before
    /// it would be due settles it at once with `coordinatorStopped`. An ordered anchor's turn is taken when it is due: it stands
    /// behind those that came to the anchor before that. Run: `Examples/Schedules`.
    ///
    /// - Parameters:
    ///   - delay: how long to wait before it is due: zero and more.
    ///   - after: tokens to wait for, of any coordinator; with the first that does not complete it fails, unless it is to run. A body
    ///     that waits for such a call waits for those, too, which may wait for anything where they are not its own
    ///     (Docs/Waiting.md).
    ///   - afterFailure: what becomes of it where one of these did not complete; `fail` by default.
    ///   - timeout: how long it may live from its submission, more than zero; then it settles with `timedOut`. Where the guard has
    ///     one, too, the shorter holds.
    ///   - key: 1…1,024 UTF-8 bytes: while a token of this operation, coordinator and result type with the same key is
    ///     alive, the call returns that one, and nothing is submitted. A body that waits for it may wait for a token of others, then.
    public func with(
        delay: Duration? = nil, after: [AnyTaskToken] = [], afterFailure: CallOptions.AfterFailure = .fail,
        timeout: Duration? = nil, key: String? = nil
    ) -> TaskTokenCall<Input, Output> {
        let options = CallOptions(delay: delay, after: after, afterFailure: afterFailure, timeout: timeout, key: key)
        return TaskTokenCall(core.planWithOptions, coordinator, options)
    }

    /// The same, due at a time; one that has passed is now.
    ///
    /// Run: `Examples/Schedules`.
    ///
    /// - Parameters:
    ///   - instant: of `ContinuousClock`, which goes on while the system sleeps; what is left of it is measured at each call.
    ///   - after: as for `with(…)`; its time and its others have to come.
    ///   - afterFailure: as for `with(…)`.
    ///   - timeout: as for `with(…)`: from the submission.
    ///   - key: as for `with(…)`.
    public func scheduled(
        at instant: ContinuousClock.Instant, after: [AnyTaskToken] = [],
        afterFailure: CallOptions.AfterFailure = .fail, timeout: Duration? = nil, key: String? = nil
    ) -> TaskTokenCall<Input, Output> {
        var options = CallOptions(after: after, afterFailure: afterFailure, timeout: timeout, key: key)
        options.instant = instant
        return TaskTokenCall(core.planWithOptions, coordinator, options)
    }
}

extension GuardCore {
    /// The plan of calls with options of their own.
    var planWithOptions: ManagedPlan<Input, Output> {
        managed
            ?? ManagedPlan(
                (operation, problem), operationType, tags, locality, OperationOptions(),
                body: asyncBody == nil ? body : nil, asyncBody: asyncBody)
    }
}
