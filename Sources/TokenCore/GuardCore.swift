//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// What a guard's copies share: the operation, its tags and its body.
final class GuardCore<Input: Sendable, Output: Sendable>: Sendable {
    enum Body: Sendable {
        case sync(@Sendable (Input) throws -> Output)
        case async(@Sendable (Input) async throws -> Output)
    }

    let operationType: String
    let problem: TokenError?
    private let operation: Operation
    private let tags: TokenTags
    private let locality: Locality<Input>
    private let coordinator: (any TokenSubmitter)?
    private let body: Body

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
    func submit(_ input: Input) -> TaskToken<Output> {
        let token: TaskToken<Output> =
            switch body {
            case .sync(let body): BodyToken(operation: operation, tags: tags, input: input, body: body)
            case .async(let body): AsyncBodyToken(operation: operation, tags: tags, input: input, body: body)
            }
        if let problem {
            token.refuse(problem)
            return token
        }
        guard let place = Submission.place(explicit: coordinator) else {
            token.refuse(
                TokenError(.noCoordinator, "no coordinator for \"\(operationType)\": none given, none around, no default"))
            return token
        }
        token.lineage = place.lineage
        switch locality.kind {
        case .free: place.submitter.submit(token, claim: .free)
        case .fixed(let key, _): key.withAnchorBytes { place.submitter.submit(token, claim: .anchor($0)) }
        case .keyed(let withKey, _): withKey(input) { Self.submit(token, anchor: $0, to: place.submitter) }
        case .lead(let calls):
            place.submitter.submit(token, claim: .lead(externalCalls: calls))
        }
        return token
    }

    private static func submit(
        _ token: TaskToken<Output>, anchor: UnsafeRawBufferPointer, to submitter: any TokenSubmitter
    ) {
        if anchor.isEmpty {
            token.refuse(TokenError(.invalidArgument, "the anchor key \"\" of \"\(token.operationType)\" is empty"))
        } else {
            submitter.submit(token, claim: .anchor(anchor))
        }
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
        if let lineage = ambient.lineage { return Place(submitter: lineage.submitter, lineage: lineage) }
        guard let submitter = explicit ?? ambient.scope ?? DefaultSubmitter.current else { return nil }
        return Place(submitter: submitter, lineage: nil)
    }
}
