//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization

/// What the bodies of one anchor see: in which domain they run and, where the anchor is ordered, in which order.
final class AnchorWatch: @unchecked Sendable {
    /// One token of the storm.
    struct Shot: Sendable {
        let anchor: Int
        /// Who submitted it, and the how-manieth of theirs for this anchor it is.
        let submitter: Int
        let number: Int
    }

    let key: String
    let isOrdered: Bool
    private let home = Atomic<Int>(0)
    private let missCount = Atomic<Int>(0)
    private let bodyCount = Atomic<Int>(0)

    // Deliberately without protection: the anchor's order is what keeps bodies apart.
    private var unlockedCount = 0
    private var lastNumbers: [Int]
    private var disorderCount = 0

    init(key: String, isOrdered: Bool, submitters: Int) {
        self.key = key
        self.isOrdered = isOrdered
        lastNumbers = Array(repeating: -1, count: submitters)
    }

    /// Notes a body of the anchor in a domain.
    func note(_ shot: Shot, domain: Int) {
        bodyCount.add(1, ordering: .relaxed)
        let (isFirst, first) = home.compareExchange(expected: 0, desired: domain, ordering: .relaxed)
        if !isFirst && first != domain { missCount.add(1, ordering: .relaxed) }
        guard isOrdered else { return }
        let before = unlockedCount
        if lastNumbers[shot.submitter] != shot.number - 1 { disorderCount += 1 }
        lastNumbers[shot.submitter] = shot.number
        // Some time between reading and writing, so that two bodies at once would lose a count.
        _ = Operations.primeSum(upTo: 60)
        unlockedCount = before + 1
    }

    /// Bodies seen.
    var bodies: Int { bodyCount.load(ordering: .relaxed) }
    /// Bodies that ran elsewhere than the first one.
    var misses: Int { missCount.load(ordering: .relaxed) }
    /// Counts lost because two bodies ran at once.
    ///
    /// Read when all are settled.
    var lost: Int { isOrdered ? abs(bodies - unlockedCount) : 0 }
    /// Bodies that ran before, or long after, their turn.
    ///
    /// Read when all are settled.
    var disorder: Int { disorderCount }
    /// The domain's number, 0 when no body ran.
    var domain: Int { home.load(ordering: .relaxed) }
}
