//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What becomes of a token for which there is no place.
package enum Overload: Sendable { case suspend, reject, dropOldest }

/// What becomes of a token that comes from outside of bodies while there are as many as the capacity allows.
///
/// Descendants of bodies always come in, since a body may wait for them, and count.
///
/// Run: `Examples/Overload`.
public struct OverloadPolicy: Sendable, Hashable, CustomStringConvertible {
    package let kind: Overload

    /// The caller waits: of `try await operation.submit(…)`, or, with its thread, of `submitBlocking(…)`.
    ///
    /// A plain call does not wait, and is rejected. The default.
    public static let suspend = OverloadPolicy(kind: .suspend)
    /// The new token settles at once with `overloaded`.
    public static let reject = OverloadPolicy(kind: .reject)
    /// The token that has waited longest settles with `overloaded`, and the new one has its place.
    ///
    /// What has been sent to a worker is not dropped; where nothing else is there the new one is rejected. Half of the
    /// capacity, and at most 64 tokens a core domain, are sent to workers in advance.
    public static let dropOldest = OverloadPolicy(kind: .dropOldest)

    /// The policy's name.
    public var description: String { "\(kind)" }
}
