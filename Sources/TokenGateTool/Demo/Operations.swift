//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Crypto

/// The four operations of the loads: pure functions, so every result can be compared with that of a direct call.
enum Operations {
    /// The sum of all primes up to a limit, by trial division.
    static func primeSum(upTo limit: Int) -> UInt64 {
        guard limit >= 2 else { return 0 }
        var sum: UInt64 = 2
        for candidate in stride(from: 3, through: limit, by: 2) {
            var divisor = 3
            var isPrime = true
            while divisor * divisor <= candidate {
                if candidate % divisor == 0 {
                    isPrime = false
                    break
                }
                divisor += 2
            }
            if isPrime { sum += UInt64(candidate) }
        }
        return sum
    }

    /// Every word reversed and upper-cased, the words in opposite order.
    static func transform(_ text: String) -> String {
        text.split(separator: " ").reversed().map { String($0.uppercased().reversed()) }.joined(separator: " ")
    }

    /// A list of numbers drawn from a seed, sorted.
    static func sortedList(seed: UInt64, count: Int) -> [UInt32] {
        var random = SplitMix64(seed: seed)
        return (0..<max(0, count)).map { _ in UInt32(truncatingIfNeeded: random.next()) }.sorted()
    }

    /// SHA-256 of SHA-256 of … of a seed's eight bytes (big-endian); the digest's first eight bytes.
    static func hashChain(seed: UInt64, length: Int) -> UInt64 {
        var digest = withUnsafeBytes(of: seed.bigEndian) { SHA256.hash(data: $0) }
        for _ in 1..<max(1, length) {
            digest = digest.withUnsafeBytes { SHA256.hash(data: $0) }
        }
        return digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
