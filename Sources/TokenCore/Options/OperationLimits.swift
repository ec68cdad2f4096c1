//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// How many tokens of an operation a coordinator bears, running and alive.
package struct OperationLimits: Sendable, Hashable {
    /// Bodies at once.
    package var concurrency: Int?
    /// Live tokens.
    package var capacity: Int?
    /// What becomes of those that come on top.
    package var overload = OverloadPolicy.suspend

    package init(concurrency: Int? = nil, capacity: Int? = nil, overload: OverloadPolicy = .suspend) {
        self.concurrency = concurrency
        self.capacity = capacity
        self.overload = overload
    }

    /// The limits that make sense for bodies at once.
    package static let concurrencies = 1...65_536
    /// The limits that make sense for live tokens.
    package static let capacities = 1...1_000_000_000

    /// What is wrong with them, if anything.
    var problem: TokenError? {
        func check(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) -> TokenError? {
            guard let value, !range.contains(value) else { return nil }
            return TokenError(
                .invalidArgument, "\(name) \(value) is outside \(range.lowerBound)...\(range.upperBound)")
        }
        return check("concurrency", concurrency, Self.concurrencies) ?? check("capacity", capacity, Self.capacities)
    }
}

/// A submitter that holds operations to limits.
package protocol LimitKeeper: TokenSubmitter {
    /// A guard states its limits: what is stated first holds.
    func adopt(_ limits: OperationLimits, of operation: Operation)
}
