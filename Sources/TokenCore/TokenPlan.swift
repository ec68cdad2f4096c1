//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What the tokens of one guard share: a token points to it, in place of a copy of each.
///
/// Never changes.
@usableFromInline
package class TokenPlan: @unchecked Sendable {
    // Each new token counts a reference; the workers read the rest for each token that they run.
    private final let padding = CachePadding()
    // Interned, never freed.
    package final unowned(unsafe) let operation: Operation
    /// Its number, here so that finding its records takes no reference.
    package final let operationIndex: Int
    @usableFromInline package final let tags: TokenTags

    /// Runs the body of a token of this plan.
    ///
    /// A guard's is written where the guard is made, since it is known there what types the body has. A method of a generic class is
    /// compiled once for all types, and asks the runtime for theirs each time: 2,300 instructions a token.
    @usableFromInline final let runner: @Sendable (AnyTaskToken) -> Bool

    @usableFromInline
    package init(
        operation: Operation, tags: TokenTags, runner: @escaping @Sendable (AnyTaskToken) -> Bool = TokenPlan.invoking
    ) {
        self.operation = operation
        operationIndex = operation.index
        self.tags = tags
        self.runner = runner
    }

    /// The runner of plans that have none of their own.
    @usableFromInline static let invoking: @Sendable (AnyTaskToken) -> Bool = { $0.invoke() }

    /// The plan of tokens that nobody submits.
    package static let idle = TokenPlan(operation: .invalid, tags: TokenTags())
}
