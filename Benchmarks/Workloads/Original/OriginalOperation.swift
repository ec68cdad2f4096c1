//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Crypto

/// The four operations of tg-guard's `max_concurrency_test.py`, each giving a number; `Peers/python/original.py` has them
/// in Python.
enum OriginalOperation {
    /// The operations themselves, in their turns.
    static let plain = turns(crunch: cpuCrunch, transform: stringTransform, sort: dataSort, chain: hashChain)

    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

    /// What token `i` of a wave does, given what stands for the operations: number `i % 4` of these, called with `i`.
    static func turns<Outcome>(
        crunch: @escaping @Sendable (Int) -> Outcome,
        transform: @escaping @Sendable (Int) -> Outcome,
        sort: @escaping @Sendable (Int) -> Outcome,
        chain: @escaping @Sendable (String, Int) -> Outcome
    ) -> [@Sendable (Int) -> Outcome] {
        [
            { crunch(60 + $0 % 25) },
            { transform($0 * 31) },
            { sort(400 + $0 % 300) },
            { chain("wave_seed_\($0)", 120 + $0 % 80) },
        ]
    }

    /// The sum of the primes below a limit, by trial division.
    static func cpuCrunch(_ limit: Int) -> UInt64 { Operation.primes(below: limit) }

    /// 300 letters, reversed, in upper case, three of them replaced.
    static func stringTransform(_ seed: Int) -> UInt64 {
        var numbers = Xorshift(seed: seed)
        let text = String((0..<300).map { _ in letters[Int(numbers.next() % 52)] })
        let changed = String(text.reversed()).uppercased().map { letter -> Character in
            switch letter {
            case "A": "4"
            case "E": "3"
            case "I": "1"
            default: letter
            }
        }
        return Array(String(changed).utf8).withUnsafeBytes { number(SHA256.hash(data: $0)) }
    }

    /// So many numbers below 100,000, sorted.
    static func dataSort(_ size: Int) -> UInt64 {
        var numbers = Xorshift(seed: size)
        let list = (0..<size).map { _ in numbers.next() % 100_000 }.sorted()
        return list.withUnsafeBytes { number(SHA256.hash(data: $0)) }
    }

    /// So many hashes, each of the one before it.
    static func hashChain(_ seed: String, _ iterations: Int) -> UInt64 {
        var digest = Array(seed.utf8).withUnsafeBytes { SHA256.hash(data: $0) }
        for _ in 1..<iterations { digest = digest.withUnsafeBytes { SHA256.hash(data: $0) } }
        return number(digest)
    }

    /// The first eight bytes.
    private static func number(_ digest: SHA256.Digest) -> UInt64 {
        digest.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
}
