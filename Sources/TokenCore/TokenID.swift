//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The identity of a token: which coordinator made it, and its number there.
///
/// Unique across processes.
public struct TokenID: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The coordinator's random origin.
    public let origin: UInt64
    /// The token's number at that coordinator.
    ///
    /// Numbers are unique; they tell no order between threads.
    public let sequence: UInt64

    /// Makes an identity from its parts.
    public init(origin: UInt64, sequence: UInt64) {
        self.origin = origin
        self.sequence = sequence
    }

    /// 32 lower-case hex digits: the origin, then the number.
    public var description: String { origin.hex16 + sequence.hex16 }
}

extension UInt64 {
    /// 16 lower-case hex digits.
    fileprivate var hex16: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
