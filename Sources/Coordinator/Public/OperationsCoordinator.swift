//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import Affinity
internal import Synchronization
public import TokenCore

/// Runs tokens on pinned workers: owns the threads, admission, control and the event bus.
///
/// ```swift
/// let coordinator = try OperationsCoordinator()  // sized to this machine
/// try await coordinator.start()
/// let upper = TaskTokenGuard("upper") { (text: String) in text.uppercased() }
/// print(try await upper("hello").value)
/// await coordinator.stop()
/// ```
/// The first coordinator made becomes the process default, where guards send their tokens when nobody says otherwise; once it
/// has stopped, the next one *made* takes its place (or any, by ``makeDefault()``). Letting a coordinator go without `stop()` stops it with a timeout of
/// zero.
///
/// Thread-safe: everything may be called from any thread or task, and from bodies, unless it says otherwise.
public final class OperationsCoordinator: TokenSubmitter, BatchSubmitter, PlaceKeeper, ClaimReserver, LimitKeeper {
    let engine: Engine

    /// Makes a coordinator.
    ///
    /// No thread runs before `start()`; tokens submitted until then wait.
    ///
    /// - Throws: `invalidConfiguration`, naming the value, also where the machine cannot be read.
    public init(_ configuration: Configuration = Configuration()) throws(TokenError) {
        engine = try Engine(configuration)
        DefaultSubmitter.set(engine) { ($0 as? Engine)?.isDraining ?? false }
    }

    deinit { engine.beginStop(timeout: .zero) }

    // MARK: Lifecycle

    /// Starts the workers, then lets waiting tokens go.
    ///
    /// Starting a running coordinator does nothing.
    ///
    /// - Throws: `threadUnavailable` when a domain's worker could not be created; `invalidConfiguration` when the pin
    ///   mode is `hard` and a worker could not be pinned; `coordinatorStopped` after a stop.
    public func start() async throws(TokenError) { try await engine.start() }

    /// Finishes what is there, then stops the workers.
    ///
    /// Submissions from outside settle at once with
    /// `coordinatorStopped`; what running bodies still submit is run. Tokens held by a pause settle at once.
    ///
    /// At the deadline (up to 10 ms before it; earlier where very many are left) the rest is settled with
    /// `coordinatorStopped`; running bodies are asked to end (`TokenContext.isCancelled`), and their threads end when they
    /// do. Stopping twice waits for the same stop, and the nearer deadline holds. From inside a body of this coordinator it begins the stop and returns at once.
    ///
    /// - Parameter timeout: how long to finish, 30 s by default; zero or less settles at once.
    /// - Returns: what had to be abandoned.
    @discardableResult
    public func stop(timeout: Duration = .seconds(30)) async -> StopReport { await engine.stop(timeout: timeout) }

    /// As `start()`, for callers that are threads: blocks the calling one.
    package func startBlocking() throws(TokenError) { try engine.startBlocking() }

    /// As `stop(timeout:)`, for callers that are threads: blocks the calling one.
    package func stopBlocking(timeout: Duration) -> StopReport { engine.stopBlocking(timeout: timeout) }

    /// Whether the caller is one of its bodies.
    package var isCallerInside: Bool { engine.isInsideBody }

    /// Where the coordinator is in its life.
    public var phase: LifecyclePhase { engine.phase }

    /// Whether a stop has begun.
    public var isDraining: Bool { engine.isDraining }

    /// When a stop that has begun settles what is left, in monotonic nanoseconds; nil while there is none.
    public var stopDeadline: Int64? { engine.stopDeadline }

    // MARK: Control

    /// Holds back every token that has not begun, and those to come.
    ///
    /// Descendants of running bodies still go, so no chain is left hanging in the middle.
    ///
    /// - Returns: false when it was paused already.
    @discardableResult
    public func pause() -> Bool { engine.pause(nil) }

    /// Holds back the tokens of one operation.
    ///
    /// - Throws: `invalidOperationType`.
    @discardableResult
    public func pause(_ operationType: String) throws(TokenError) -> Bool {
        engine.pause(try Operation.named(operationType))
    }

    /// Lets held tokens go on; an operation's own pause stays.
    ///
    /// - Returns: false when it was not paused.
    @discardableResult
    public func resume() -> Bool { engine.resume(nil) }

    /// Lets the tokens of one operation go on.
    ///
    /// - Throws: `invalidOperationType`.
    @discardableResult
    public func resume(_ operationType: String) throws(TokenError) -> Bool {
        guard let operation = try Operation.existing(operationType) else { return false }
        return engine.resume(operation)
    }

    /// Kills every live token: those that wait never run, running bodies are asked to end; all settle at once.
    ///
    /// - Returns: how many it settled.
    @discardableResult
    public func killAll() -> Int { engine.sweep(nil, .killed, executing: true) }

    /// Kills the live tokens of one operation.
    ///
    /// - Throws: `invalidOperationType`.
    @discardableResult
    public func killAll(_ operationType: String) throws(TokenError) -> Int {
        guard let operation = try Operation.existing(operationType) else { return 0 }
        return engine.sweep(operation, .killed, executing: true)
    }

    /// Settles with `discarded` every token that has not begun; running ones are left alone.
    ///
    /// - Returns: how many it settled.
    @discardableResult
    public func discardWaiting() -> Int { engine.sweep(nil, .discarded, executing: false) }

    /// Discards the waiting tokens of one operation.
    ///
    /// - Throws: `invalidOperationType`.
    @discardableResult
    public func discardWaiting(_ operationType: String) throws(TokenError) -> Int {
        guard let operation = try Operation.existing(operationType) else { return 0 }
        return engine.sweep(operation, .discarded, executing: false)
    }

    /// Keeps an operation's calls out: from now on they settle at once with `operationBlocked`, also those of bodies; what was
    /// submitted before goes on.
    ///
    /// Run: `Examples/Breaker`.
    ///
    /// - Returns: false when it was blocked already.
    /// - Throws: `invalidOperationType`.
    @discardableResult
    public func block(_ operationType: String) throws(TokenError) -> Bool {
        engine.setBlocked(try Operation.named(operationType), true)
    }

    /// Lets an operation's calls in again; its own breaker, where it has one, is not touched.
    ///
    /// - Returns: false when it was not blocked.
    /// - Throws: `invalidOperationType`.
    @discardableResult
    public func unblock(_ operationType: String) throws(TokenError) -> Bool {
        guard let operation = try Operation.existing(operationType) else { return false }
        return engine.setBlocked(operation, false)
    }

    /// Changes how many bodies may be inside a storage tier at once, in place: nobody inside is disturbed, and no more
    /// are let in until there is room.
    ///
    /// - Parameters:
    ///   - limit: 1…65,536.
    ///   - speed: the tier.
    /// - Throws: `invalidArgument`, naming the limit; then nothing has changed.
    public func setStorageLimit(_ limit: Int, for speed: StorageSpeed) throws(TokenError) {
        try engine.setStorageLimit(limit, for: speed)
    }

    /// Holds an operation to so many tokens that have begun and not ended, from now on; those that wait for tokens do not count
    /// meanwhile (Docs/Limits.md).
    ///
    /// As it is changed nobody inside is disturbed, and no more are let in until there is room. What began while there was no
    /// limit is not counted.
    ///
    /// - Parameters:
    ///   - limit: 1…65,536; nil for none.
    ///   - operationType: the operation's name, of guards with options and without.
    /// - Throws: `invalidArgument`, naming the limit, or `invalidOperationType`; then nothing has changed.
    public func setConcurrencyLimit(_ limit: Int?, of operationType: String) throws(TokenError) {
        try Engine.checkConcurrencyLimit(limit, of: operationType)
        try engine.setConcurrencyLimit(limit, of: try Operation.named(operationType))
    }

    // MARK: Sight

    /// What it has done and has to do, at this moment.
    public func statistics() -> Statistics { engine.statistics() }

    /// How an operation has been doing; nil where it was never submitted here.
    ///
    /// - Throws: `invalidOperationType`.
    public func reputation(of operationType: String) throws(TokenError) -> Reputation? {
        guard let operation = try Operation.existing(operationType) else { return nil }
        return engine.reputation(of: operation)
    }

    /// How each operation has been doing, in order of first submission.
    public func reputations() -> [Reputation] { engine.reputations() }

    /// What became of the tokens that settled last, newest first (Docs/History.md).
    ///
    /// ```swift
    /// for record in try coordinator.history(limit: 10) { print(record.operationType, record.state, record.runTime ?? .zero) }
    /// ```
    /// Whoever has waited for a token finds it there; who finds it settled already may be a moment early. Costs a copy of what is
    /// kept.
    ///
    /// - Parameter limit: how many at most, 0 and more; nil (the default) for as many as are kept. None are where
    ///   `Configuration.historyCapacity` is 0.
    /// - Throws: `invalidArgument`, naming a negative limit.
    public func history(limit: Int? = nil) throws(TokenError) -> [ExecutionRecord] {
        try engine.history(limit: limit)
    }

    /// Writes the history to a file, newest first: JSON, with the keys of Py-TokenGate's dump and more.
    ///
    /// The file takes the place of one of that name when it is complete, and not before. Blocks the thread on storage: call it
    /// from a token with a storage tier, or a thread. Run: `Examples/History`.
    ///
    /// - Parameters:
    ///   - path: where to; not empty. Its folder must exist, and be one where files may be made.
    ///   - limit: as for `history(limit:)`.
    /// - Returns: how many records it wrote.
    /// - Throws: `invalidArgument` for a bad path or limit; `fileFailed`, its cause a `SystemCallError`, where the system refused.
    @discardableResult
    public func dumpHistory(to path: String, limit: Int? = nil) throws(TokenError) -> Int {
        try engine.dumpHistory(to: path, limit: limit)
    }

    /// Every state change, lease and worker event from now on.
    ///
    /// Each call makes a subscription of its own.
    public var events: EventSubscription { engine.events.subscribe() }

    /// The machine as it was read when the coordinator was made.
    public var machine: Machine { engine.machine }

    /// How many core domains it has.
    public var domainCount: Int { engine.domains.count }

    // MARK: Submitter

    /// The identity that all its tokens share.
    public var realm: TokenRealm { engine.realm }

    /// Takes a fresh token; guards call this.
    public func submit(_ token: AnyTaskToken, claim: PlacementClaim) { engine.submit(token, claim: claim) }

    package func submit(_ batch: BatchCore) -> Bool { engine.submit(batch) }

    /// Takes on a token that will be submitted later; derived tokens call this.
    public func reserve(_ token: AnyTaskToken) { engine.reserve(token) }

    package func reserve(_ token: AnyTaskToken, claim: PlacementClaim) { engine.reserve(token, claim: claim) }

    /// Lets a killed token go; tokens call this.
    public func tokenWasKilled(_ token: AnyTaskToken) { engine.tokenWasKilled(token) }

    /// Lets a token go that was settled in a mailbox; tokens call this.
    public func tokenDiedInMailbox(_ token: AnyTaskToken) { engine.tokenDiedInMailbox(token) }

    package func awaitPlaces(for operation: Operation, callOff: CallOff?) async throws -> TokenTags.Holdings {
        try await engine.awaitPlaces(for: operation, callOff: callOff)
    }

    package func blockForPlaces(
        for operation: Operation, until deadline: Int64?, callOff: CallOff?
    ) throws(TokenError) -> TokenTags.Holdings {
        try engine.blockForPlaces(for: operation, until: deadline, callOff: callOff)
    }

    package func returnPlaces(_ places: TokenTags.Holdings, of operation: Operation) {
        engine.returnPlaces(places, of: operation)
    }

    package func adopt(_ limits: OperationLimits, of operation: Operation) { engine.adopt(limits, of: operation) }

    /// Makes this coordinator the process default.
    public func makeDefault() { DefaultSubmitter.set(engine) }
}

/// Makes and starts a coordinator, runs `body` with it as the place where tokens go, then stops it.
///
/// ```swift
/// try await withCoordinator { coordinator in
///     print(try await upper("hello").value)
/// }
/// ```
/// - Parameters:
///   - configuration: how it is sized.
///   - stopTimeout: how long the stop may take to finish what is there; 30 s by default.
///   - body: may use the coordinator; guards called in it, and in its child tasks, submit to it, unless they were made `on:`
///     another one, or are called inside a body, which keeps to its own coordinator.
/// - Throws: what making and starting throw, and what `body` throws.
public func withCoordinator<Result>(
    _ configuration: Configuration = Configuration(), stopTimeout: Duration = .seconds(30),
    isolation: isolated (any Actor)? = #isolation,
    _ body: (OperationsCoordinator) async throws -> Result
) async throws -> Result {
    let coordinator = try OperationsCoordinator(configuration)
    try await coordinator.start()
    do {
        let result = try await withAmbientSubmitter(coordinator) { try await body(coordinator) }
        await coordinator.stop(timeout: stopTimeout)
        return result
    } catch {
        await coordinator.stop(timeout: stopTimeout)
        throw error
    }
}
