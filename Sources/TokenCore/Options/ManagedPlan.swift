//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// The plan of tokens that have options, their guard's or their call's.
///
/// It copies what it needs of the guard, which points to it.
@usableFromInline
final class ManagedPlan<Input: Sendable, Output: Sendable>: TokenPlan, @unchecked Sendable {
    let operationType: String
    let locality: Locality<Input>
    let options: OperationOptions
    let problem: TokenError?
    /// One of the two.
    let body: (@Sendable (Input) throws -> Output)?
    let asyncBody: (@Sendable (Input) async throws -> Output)?

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    override init(operation: Operation, tags: TokenTags, runner: @escaping @Sendable (AnyTaskToken) -> Bool) {
        fatalError("a plan with options is made of a guard")
    }

    @usableFromInline
    init(
        _ named: (operation: Operation, problem: TokenError?), _ operationType: String, _ tags: TokenTags,
        _ locality: Locality<Input>, _ options: OperationOptions, body: (@Sendable (Input) throws -> Output)?,
        asyncBody: (@Sendable (Input) async throws -> Output)?
    ) {
        self.operationType = operationType
        self.locality = locality
        self.options = options
        self.body = body
        self.asyncBody = asyncBody
        problem = named.problem ?? locality.problem ?? options.problem
        var flags = tags.flags.union(.managed)
        // What is tried again waits in between as async bodies do; a context is that of a task.
        if asyncBody != nil || options.retry != nil || options.context.isCaptured { flags.insert(.async) }
        super.init(
            operation: named.operation,
            tags: TokenTags(
                weight: tags.weight, storage: tags.storage, flags: flags, priority: options.priority,
                anchorLimit: tags.anchorLimit))
    }

    @usableFromInline
    func submit(_ input: Input, to explicit: (any TokenSubmitter)?) -> TaskToken<Output> {
        submit(input, CallOptions(), to: explicit)
    }

    /// Makes the token of one call and hands it to its submitter, at once or when it is due.
    ///
    /// - Parameters:
    ///   - places: among its submitter's live tokens; they were waited for.
    ///   - wait: how that was; where it was called off there is a token already.
    func submit(
        _ input: Input, _ call: CallOptions, to explicit: (any TokenSubmitter)?, places: TokenTags.Holdings = [],
        unless wait: CallOff? = nil
    ) -> TaskToken<Output> {
        var unused = places
        defer { if !unused.isEmpty { (explicit as? any PlaceKeeper)?.returnPlaces(unused, of: operation) } }
        let token = ManagedToken(plan: self, input: input, call: call)
        if let problem = problem ?? call.problem {
            token.refuse(problem)
            return token
        }
        guard let place = Submission.place(explicit: explicit) else {
            token.refuse(.noCoordinator(for: operationType))
            return token
        }
        let claim: StoredClaim
        do throws(TokenError) { claim = try self.claim(of: input) } catch {
            token.refuse(error)
            return token
        }
        let realm = place.submitter.realm
        let gate = options.needGate || call.key != nil ? realm.gate(of: operation) : nil
        stateLimits(to: place.submitter)
        if let key = key(of: call), let gate {
            if let live = gate.claim(key, for: token, unless: wait) {
                return unsafeDowncast(live, to: TaskToken<Output>.self)
            }
            token.key = key
        }
        defer { if let key = token.key { gate?.didLaunch(key, token) } }
        token.lineage = place.lineage
        if options.context.isCaptured { token.context = .capture() }
        if token.launch(place.submitter, gate, claim, with: places) { unused = [] }
        return token
    }

    /// What a call's key is in the gate.
    func key(of call: CallOptions) -> OperationGate.Key? {
        call.key.map { OperationGate.Key(text: $0, result: ObjectIdentifier(TaskToken<Output>.self)) }
    }

    /// Tells a submitter what the operation is to be held to; from then on it is.
    func stateLimits(to submitter: any TokenSubmitter) {
        guard let limits = options.limits else { return }
        let gate = submitter.realm.gate(of: operation)
        if gate.isTold(limits) { return }
        // Several may tell it at once; none goes on before it is told.
        (submitter as? any LimitKeeper)?.adopt(limits, of: operation)
        gate.didTell(limits)
    }

    /// What a call says about where it wants to run, in a form that lasts.
    private func claim(of input: Input) throws(TokenError) -> StoredClaim {
        var bytes: [UInt8]?
        switch locality.kind {
        case .free: return .free
        case .lead(let calls): return .lead(calls)
        case .fixed(let key, _): key.withAnchorBytes { bytes = bytes ?? Array($0) }
        case .keyed(let withKey, _): withKey(input) { bytes = bytes ?? Array($0) }
        }
        guard let bytes else { throw .missingAnchorKey(of: operationType) }
        if bytes.isEmpty { throw .emptyAnchorKey(of: operationType) }
        return .anchor(bytes)
    }
}

/// A `PlacementClaim` that outlives the submission.
enum StoredClaim: Sendable {
    case free
    case anchor([UInt8])
    case lead([String])

    func use(_ work: (PlacementClaim) -> Void) {
        switch self {
        case .free: work(.free)
        case .lead(let calls): work(.lead(externalCalls: calls))
        case .anchor(let bytes): bytes.withUnsafeBytes { work(.anchor($0)) }
        }
    }
}

/// A submitter that takes a token's claim already when the token is reserved, before anyone can see it.
package protocol ClaimReserver: TokenSubmitter {
    /// As `reserve`; when the token is submitted its claim is not looked at again.
    func reserve(_ token: AnyTaskToken, claim: PlacementClaim)
}
