//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Crypto

/// What ties a lead's descendants together: SHA-256 (FIPS 180-4) over the lead's token id and its call list.
///
/// The bytes hashed, so that any language can recompute a seed:
/// ```
/// "TGSEED1"            7 ASCII bytes
/// origin               8 bytes, big-endian
/// sequence             8 bytes, big-endian
/// number of calls      4 bytes, big-endian
/// for each call:
///     byte length      4 bytes, big-endian
///     operation type   UTF-8, as given (no normalisation)
/// ```
public struct Seed: Sendable, Hashable, CustomStringConvertible {
    private let word0, word1, word2, word3: UInt64

    /// Computes the seed of a lead.
    ///
    /// - Parameters:
    ///   - lead: the lead's identity.
    ///   - externalCalls: the operation types it declared, in its order.
    public init(lead: TokenID, externalCalls: [String]) {
        var hasher = SHA256()
        hasher.update(data: Array("TGSEED1".utf8))
        hasher.update(bigEndian: lead.origin)
        hasher.update(bigEndian: lead.sequence)
        hasher.update(bigEndian: UInt32(truncatingIfNeeded: externalCalls.count))
        for call in externalCalls {
            let bytes = Array(call.utf8)
            hasher.update(bigEndian: UInt32(truncatingIfNeeded: bytes.count))
            hasher.update(data: bytes)
        }
        let digest = Array(hasher.finalize())
        func word(_ index: Int) -> UInt64 {
            digest[index * 8..<index * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        (word0, word1, word2, word3) = (word(0), word(1), word(2), word(3))
    }

    /// The 32 bytes of the digest.
    public var bytes: [UInt8] {
        [word0, word1, word2, word3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
        }
    }

    /// 64 lower-case hex digits.
    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

extension SHA256 {
    fileprivate mutating func update(bigEndian value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { update(bufferPointer: $0) }
    }
}
