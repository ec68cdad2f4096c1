//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Inputs for the four operations, drawn from a seed, with what each gives when it is called directly.
struct Workbook: Sendable {
    /// One of the four operations.
    enum Subject: String, CaseIterable, Sendable {
        case primeSum = "prime_sum"
        case stringTransform = "string_transform"
        case listSort = "list_sort"
        case hashChain = "hash_chain"

        var weight: Weight {
            switch self {
            case .primeSum: .heavy
            case .stringTransform: .light
            case .listSort, .hashChain: .medium
            }
        }
    }

    /// An input: which operation, and what it works on.
    struct Exercise: Sendable {
        let subject: Subject
        let limit: Int
        let text: String
        let seed: UInt64

        /// Does the work, on the calling thread; the result as a fingerprint.
        func solve() -> UInt64 {
            switch subject {
            case .primeSum: Operations.primeSum(upTo: limit)
            case .stringTransform: fingerprint(Operations.transform(text).utf8)
            case .listSort:
                Operations.sortedList(seed: seed, count: limit).reduce(0) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
            case .hashChain: Operations.hashChain(seed: seed, length: limit)
            }
        }
    }

    /// How large the inputs are: microseconds, or some hundred of them.
    enum Size: Sendable { case small, large }

    let exercises: [Exercise]
    /// The answer to each exercise, by direct calls.
    let answers: [UInt64]

    init(size: Size, count: Int = 64, using random: inout SplitMix64) {
        let scale = size == .small ? 1 : 40
        exercises = (0..<count).map { index in
            let subject = Subject.allCases[index % Subject.allCases.count]
            let (limit, words): (Int, Int) =
                switch subject {
                case .primeSum: (Int.random(in: 150...350, using: &random) * (size == .small ? 1 : 15), 0)
                case .stringTransform: (0, Int.random(in: 2...4, using: &random) * scale)
                case .listSort: (Int.random(in: 40...120, using: &random) * scale, 0)
                case .hashChain: (Int.random(in: 8...24, using: &random) * scale, 0)
                }
            let text = (0..<words).map { _ in Self.words.randomElement(using: &random) ?? "" }.joined(separator: " ")
            return Exercise(subject: subject, limit: limit, text: text, seed: random.next())
        }
        answers = exercises.map { $0.solve() }
    }

    private static let words = [
        "token", "gate", "core", "anchor", "lead", "seed", "lease", "worker", "mailbox", "domain", "heavy", "light",
    ]
}
