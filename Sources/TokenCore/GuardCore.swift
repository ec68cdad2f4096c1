//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// What a guard's copies and its tokens share: the operation, its tags and its body.
///
/// Not the guard's coordinator: a token must not keep that alive.
@usableFromInline
final class GuardCore<Input: Sendable, Output: Sendable>: TokenPlan, @unchecked Sendable {
    @usableFromInline let operationType: String
    @usableFromInline let problem: TokenError?
    @usableFromInline let locality: Locality<Input>
    /// Not optional, since unwrapping it would take a reference to what it captures, which all threads share.
    @usableFromInline let body: @Sendable (Input) throws -> Output
    /// Where it is there, it is the body.
    @usableFromInline let asyncBody: (@Sendable (Input) async throws -> Output)?
    /// The plan of its tokens where it has options.
    @usableFromInline let managed: ManagedPlan<Input, Output>?

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    @usableFromInline
    override init(operation: Operation, tags: TokenTags, runner: @escaping @Sendable (AnyTaskToken) -> Bool) {
        fatalError("a guard is made with its body")
    }

    /// Inlinable, so that the runner is specialised where the guard is made.
    @inlinable
    init(
        _ operationType: String, _ weight: Weight, _ storage: StorageSpeed?, _ locality: Locality<Input>,
        _ options: OperationOptions?,
        body: (@Sendable (Input) throws -> Output)? = nil,
        asyncBody: (@Sendable (Input) async throws -> Output)? = nil
    ) {
        self.operationType = operationType
        self.locality = locality
        let missing: @Sendable (Input) throws -> Output = { _ in
            fatalError("an async body was run as a synchronous one")
        }
        self.body = body ?? missing
        self.asyncBody = asyncBody
        let named = Operation.known(operationType)
        problem = named.problem ?? locality.problem ?? options?.problem
        let tags = TokenTags(
            weight: weight, storage: storage,
            flags: (asyncBody == nil ? locality.flags : locality.asyncFlags).union(options == nil ? [] : .managed),
            priority: options?.priority, anchorLimit: locality.anchorLimit)
        managed = options.map {
            ManagedPlan(named, operationType, tags, locality, $0, body: body, asyncBody: asyncBody)
        }
        let runner: @Sendable (AnyTaskToken) -> Bool = {
            unsafeDowncast($0, to: BodyToken<Input, Output, Input?, Result<Output, any Error>?>.self).runTyped()
        }
        super.init(
            operation: named.operation, tags: tags,
            runner: body == nil ? TokenPlan.invoking : runner)
    }

    /// Makes the token of one call and hands it to its submitter.
    @inlinable
    func submit(_ input: Input, to coordinator: (any TokenSubmitter)?) -> TaskToken<Output> {
        if tags.isPlain {
            let token = makeToken(input)
            handOverPlain(token, coordinator)
            return token
        }
        if let managed { return managed.submit(input, to: coordinator) }
        let token = makeToken(input)
        handOver(token, input, coordinator)
        return token
    }

    @inlinable
    func makeToken(_ input: Input) -> TaskToken<Output> {
        if let asyncBody {
            AsyncBodyToken(plan: self, input: input, body: asyncBody)
        } else {
            BodyToken(core: self, input: input)
        }
    }

    /// A token without anchor, storage or lead, outside of bodies, of a guard without fault: the shortest way.
    @usableFromInline
    func handOverPlain(_ token: AnyTaskToken, _ coordinator: (any TokenSubmitter)?) {
        if problem == nil, !BodyFrame.isInside {
            if let ambient = Ambient.current {
                if let coordinator {
                    if ambient.lineage == nil { return coordinator.submit(token, claim: .free) }
                } else if ambient.submitOutsideBodies(token) {
                    return
                }
            } else if let coordinator {
                return coordinator.submit(token, claim: .free)
            } else if DefaultSubmitter.borrow({ $0.submit(token, claim: .free) }) {
                // Borrowed for the call, so no reference count is touched.
                return
            }
        }
        token.handOver(.free, explicit: coordinator, problem: problem)
    }

    @usableFromInline
    func handOver(_ token: AnyTaskToken, _ input: Input, _ coordinator: (any TokenSubmitter)?) {
        switch locality.kind {
        case .free: token.handOver(.free, explicit: coordinator, problem: problem)
        case .fixed(let key, _):
            token.handOver(withKey: key.withAnchorBytes, explicit: coordinator, problem: problem)
        case .keyed(let withKey, _):
            token.handOver(withKey: { withKey(input, $0) }, explicit: coordinator, problem: problem)
        case .lead(let calls): token.handOver(.lead(externalCalls: calls), explicit: coordinator, problem: problem)
        }
    }
}

extension AnyTaskToken {
    /// Hands the token over with the bytes of its anchor's key, the first that the key, which may be anyone's, comes up with.
    fileprivate func handOver(
        withKey: ((UnsafeRawBufferPointer) -> Void) -> Void, explicit: (any TokenSubmitter)?, problem: TokenError?
    ) {
        var isHandedOver = false
        withKey { bytes in
            if isHandedOver { return }
            isHandedOver = true
            handOver(.anchor(bytes), explicit: explicit, problem: problem)
        }
        if !isHandedOver {
            refuse(.missingAnchorKey(of: operationType))
        }
    }

    /// Finds the token's submitter and hands it over, or settles it with what is wrong.
    fileprivate func handOver(_ claim: PlacementClaim, explicit: (any TokenSubmitter)?, problem: TokenError?) {
        if let problem { return refuse(problem) }
        if case .anchor(let bytes) = claim, bytes.isEmpty {
            return refuse(.emptyAnchorKey(of: operationType))
        }
        guard let place = Submission.place(explicit: explicit) else {
            return refuse(.noCoordinator(for: operationType))
        }
        lineage = place.lineage
        place.submitter.submit(self, claim: claim)
    }
}

/// What keeps a call from its coordinator.
extension TokenError {
    static func missingAnchorKey(of operationType: String) -> TokenError {
        TokenError(.invalidArgument, "the anchor key of \"\(operationType)\" came up with no bytes")
    }

    static func emptyAnchorKey(of operationType: String) -> TokenError {
        TokenError(.invalidArgument, "the anchor key \"\" of \"\(operationType)\" is empty")
    }

    static func noCoordinator(for operationType: String) -> TokenError {
        TokenError(.noCoordinator, "no coordinator for \"\(operationType)\": none given, none around, no default")
    }
}

/// Where a new token goes, and what it descends from.
enum Submission {
    struct Place {
        var submitter: any TokenSubmitter
        var lineage: Lineage?
    }

    /// The body on this thread, the body this task belongs to, an explicit choice, the surrounding scope, the default.
    static func place(explicit: (any TokenSubmitter)?) -> Place? {
        if let frame = BodyFrame.current, let submitter = frame.submitter {
            return Place(submitter: submitter, lineage: frame.lineage)
        }
        let ambient = Ambient.current
        if let lineage = ambient?.lineage { return Place(submitter: lineage.submitter, lineage: lineage) }
        guard let submitter = explicit ?? ambient?.scope ?? DefaultSubmitter.current else { return nil }
        return Place(submitter: submitter, lineage: nil)
    }
}
