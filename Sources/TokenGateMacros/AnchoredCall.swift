//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The input of a decorated function whose anchor is computed: the key of the call, and its body.
///
/// What `@TaskTokenGuard(…, anchorBy: …)` writes makes these; there is no other use for them.
public struct AnchoredCall<Body: Sendable>: AnchorKey {
    /// What runs.
    public let body: Body
    private let key: any AnchorKey

    /// Computes the key of a call.
    ///
    /// - Parameters:
    ///   - key: computes it from the arguments.
    ///   - argument: what `key` asks for.
    ///   - body: what runs.
    public init<each Argument>(
        by key: (repeat each Argument) -> any AnchorKey, _ argument: repeat each Argument, body: Body
    ) {
        self.key = key(repeat each argument)
        self.body = body
    }

    /// The bytes of the key.
    public func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { key.withAnchorBytes(body) }
}
