//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Crypto

/// The four operations of Py-TokenGate's benchmark, each a few tens of microseconds long.
enum Operation: String, CaseIterable, Sendable {
    case primeSum = "prime sum"
    case stringTransform = "string transform"
    case listSort = "list sort"
    case hashChain = "SHA-256 chain"

    /// The operation's result for one input, as a number.
    func callAsFunction(_ input: Int) -> UInt64 {
        switch self {
        case .primeSum: Self.primes(below: 2_000 + input % 64)
        case .stringTransform: Self.transform(input)
        case .listSort: Self.sort(input)
        case .hashChain: Self.chain(input)
        }
    }

    /// The sum of the primes below a limit, by trial division.
    static func primes(below limit: Int) -> UInt64 {
        var sum: UInt64 = 0
        for candidate in 2..<limit {
            var divisor = 2
            while divisor * divisor <= candidate, candidate % divisor != 0 { divisor += 1 }
            if divisor * divisor > candidate { sum &+= UInt64(candidate) }
        }
        return sum
    }

    /// Upper case, reversed, vowels replaced, then hashed.
    private static func transform(_ input: Int) -> UInt64 {
        let text = (0..<40).map { "item\(input &+ $0)" }.joined(separator: "-")
        let changed = String(text.uppercased().reversed().map { "AEIOU".contains($0) ? "*" : $0 })
        return changed.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }

    /// 500 numbers, sorted; a weighted sum of them.
    private static func sort(_ input: Int) -> UInt64 {
        var numbers = Xorshift(seed: input)
        var list = (0..<500).map { _ in numbers.next() }
        list.sort()
        return list.enumerated().reduce(0) { $0 &+ UInt64($1.offset) &* $1.element }
    }

    /// 32 hashes, each of the one before it.
    private static func chain(_ input: Int) -> UInt64 {
        var digest = withUnsafeBytes(of: UInt64(input).littleEndian) { SHA256.hash(data: $0) }
        for _ in 1..<32 { digest = digest.withUnsafeBytes { SHA256.hash(data: $0) } }
        return digest.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    }
}
