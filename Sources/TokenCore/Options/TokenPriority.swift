//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// How urgent the tokens of an operation are, where they stand in line for a worker or for a permit.
///
/// One that is more urgent counts as having come earlier, by `Configuration.agingTime` a step; among those that are equally urgent
/// the first come are the first served. So none waits for ever: what comes later than that stands behind it, however urgent.
/// What a lead's descendants do not say for themselves they have from their lead.
///
/// An ordered anchor's tokens keep the order of their submission, and a running body is not interrupted.
public struct TokenPriority: Sendable, Hashable, CustomStringConvertible {
    private enum Kind: UInt8, Sendable { case high, normal, low }
    private let kind: Kind

    /// Ahead of the others.
    public static let high = TokenPriority(kind: .high)
    /// The default.
    public static let normal = TokenPriority(kind: .normal)
    /// When nothing else is to be done, or it has waited for long enough.
    public static let low = TokenPriority(kind: .low)

    /// How many steps it stands behind the most urgent: 0 to 2.
    package var level: Int { Int(kind.rawValue) }

    /// The priority's name.
    public var description: String { "\(kind)" }
}
