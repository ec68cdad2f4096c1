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
///
/// A handle on memory that the engine frees with `destroy`.
struct ReadyBits: @unchecked Sendable {
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int

    init(domains: Int) {
        count = (domains + 63) / 64
        words = .allocate(capacity: count)
        for index in 0..<count { (words + index).initialize(to: Atomic(0)) }
    }

    func destroy() { words.deallocate() }

    /// The only word there is on machines of up to 64 domains.
    var word: UInt64 { words.pointee.load(ordering: .sequentiallyConsistent) }

    func contains(_ domain: Int) -> Bool {
        words[domain >> 6].load(ordering: .sequentiallyConsistent) & (1 << UInt64(domain & 63)) != 0
    }

    func set(_ domain: Int, _ ready: Bool) {
        let bit: UInt64 = 1 << UInt64(domain & 63)
        if ready {
            words[domain >> 6].bitwiseOr(bit, ordering: .sequentiallyConsistent)
        } else {
            words[domain >> 6].bitwiseAnd(~bit, ordering: .sequentiallyConsistent)
        }
    }

    /// The lowest domain from one on that is in this set, but not in the other.
    func first(from start: Int, but other: ReadyBits? = nil) -> Int? {
        var from = UInt64(start & 63)
        for index in start >> 6..<max(start >> 6, count) {
            var bits = words[index].load(ordering: .sequentiallyConsistent) & (~0 << from)
            if let other { bits &= ~other.words[index].load(ordering: .sequentiallyConsistent) }
            if bits != 0 { return index * 64 + bits.trailingZeroBitCount }
            from = 0
        }
        return nil
    }

    /// A snapshot for the weight policy.
    func snapshot(domains: Int) -> ReadySet {
        count == 1 ? ReadySet(word: word) : ReadySet(domains: domains, isReady: contains)
    }
}
