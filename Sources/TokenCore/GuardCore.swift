//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// What a guard's copies share: the operation, its tags and its body.
@usableFromInline
final class GuardCore<Input: Sendable, Output: Sendable>: Sendable {
    @usableFromInline
    enum Body: Sendable {
        case sync(@Sendable (Input) throws -> Output)
        case async(@Sendable (Input) async throws -> Output)
    }

    let operationType: String
    let problem: TokenError?
    @usableFromInline let operation: Operation
    @usableFromInline let tags: TokenTags
    private let locality: Locality<Input>
    private let coordinator: (any TokenSubmitter)?
    @usableFromInline let body: Body

    @usableFromInline
    init(
        _ operationType: String, _ weight: Weight, _ storage: StorageSpeed?, _ locality: Locality<Input>,
        _ coordinator: (any TokenSubmitter)?, _ body: Body
    ) {
        self.operationType = operationType
        self.locality = locality
        self.coordinator = coordinator
        self.body = body
        var flags = locality.flags
        if case .async = body { flags.insert(.async) }
        tags = TokenTags(weight: weight, storage: storage, flags: flags)
        var problem = locality.problem
        do {
            operation = try Operation.named(operationType)
        } catch {
            operation = .invalid
            problem = error
        }
        self.problem = problem
    }

    /// Makes the token of one call and hands it to its submitter.
    @inlinable
    func submit(_ input: Input) -> TaskToken<Output> {
        let token: TaskToken<Output> =
            switch body {
            case .sync(let body): BodyToken(operation: operation, tags: tags, input: input, body: body)
            case .async(let body): AsyncBodyToken(operation: operation, tags: tags, input: input, body: body)
            }
        if tags.isPlain { handOverPlain(token) } else { handOver(token, input) }
        return token
    }

    /// A token without anchor, storage or lead, outside of bodies, of a guard without fault: the shortest way.
    @usableFromInline
    func handOverPlain(_ token: AnyTaskToken) {
        if problem == nil, BodyFrame.current == nil {
            let ambient = Ambient.current
            if ambient?.lineage == nil {
                if let coordinator { return coordinator.submit(token, claim: .free) }
                if let ambient, let scope = ambient.scope { return scope.submit(token, claim: .free) }
                // Borrowed for the call, so no reference count is touched.
                if DefaultSubmitter.borrow({ $0.submit(token, claim: .free) }) { return }
            }
        }
        token.handOver(.free, explicit: coordinator, problem: problem)
    }

    @usableFromInline
    func handOver(_ token: AnyTaskToken, _ input: Input) {
        switch locality.kind {
        case .free: token.handOver(.free, explicit: coordinator, problem: problem)
        case .fixed(let key, _):
            key.withAnchorBytes { token.handOver(.anchor($0), explicit: coordinator, problem: problem) }
        case .keyed(let withKey, _):
            withKey(input) { token.handOver(.anchor($0), explicit: coordinator, problem: problem) }
        case .lead(let calls): token.handOver(.lead(externalCalls: calls), explicit: coordinator, problem: problem)
        }
    }
}

extension AnyTaskToken {
    /// Finds the token's submitter and hands it over, or settles it with what is wrong.
    fileprivate func handOver(_ claim: PlacementClaim, explicit: (any TokenSubmitter)?, problem: TokenError?) {
        if let problem { return refuse(problem) }
        if case .anchor(let bytes) = claim, bytes.isEmpty {
            return refuse(TokenError(.invalidArgument, "the anchor key \"\" of \"\(operationType)\" is empty"))
        }
        guard let place = Submission.place(explicit: explicit) else {
            return refuse(
                TokenError(
                    .noCoordinator, "no coordinator for \"\(operationType)\": none given, none around, no default"))
        }
        lineage = place.lineage
        place.submitter.submit(self, claim: claim)
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
