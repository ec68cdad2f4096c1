//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization

/// Which domains have a crew of one kind that a wake-up would put to work: one bit each, atomic.
///
/// A crew sets its bit under its lock, then looks at its mailboxes once more; a producer pushes, then looks at the bits.
/// All four are sequentially consistent, so at least one of the two sees the other (Docs/Parking.md).
final class ReadyBits: Sendable {
    private final class Word: Sendable { let bits = Atomic<UInt64>(0) }
    private let words: [Word]
    private let first: Word

    init(domains: Int) {
        words = (0..<(domains + 63) / 64).map { _ in Word() }
        first = words[0]
    }

    /// The only word there is on machines of up to 64 domains.
    var word: UInt64 { first.bits.load(ordering: .sequentiallyConsistent) }

    func contains(_ domain: Int) -> Bool {
        words[domain >> 6].bits.load(ordering: .sequentiallyConsistent) & (1 << UInt64(domain & 63)) != 0
    }

    func set(_ domain: Int, _ ready: Bool) {
        let bit: UInt64 = 1 << UInt64(domain & 63)
        if ready {
            words[domain >> 6].bits.bitwiseOr(bit, ordering: .sequentiallyConsistent)
        } else {
            words[domain >> 6].bits.bitwiseAnd(~bit, ordering: .sequentiallyConsistent)
        }
    }

    /// The lowest ready domain.
    var any: Int? {
        for (index, word) in words.enumerated() {
            let bits = word.bits.load(ordering: .sequentiallyConsistent)
            if bits != 0 { return index * 64 + bits.trailingZeroBitCount }
        }
        return nil
    }

    /// A snapshot for the weight policy.
    func snapshot(domains: Int) -> ReadySet {
        words.count == 1 ? ReadySet(word: word) : ReadySet(domains: domains, isReady: contains)
    }
}
