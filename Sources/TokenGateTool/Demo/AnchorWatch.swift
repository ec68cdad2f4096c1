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

    /// A body of the anchor begins, in a domain.
    ///
    /// - Returns: what the body hands to `leave`.
    func enter(_ shot: Shot, domain: Int) -> Int {
        bodyCount.add(1, ordering: .relaxed)
        noteDomain(domain)
        guard isOrdered else { return 0 }
        if lastNumbers[shot.submitter] != shot.number - 1 { disorderCount += 1 }
        lastNumbers[shot.submitter] = shot.number
        return unlockedCount
    }

    /// The body ends; two bodies at once would lose a count between `enter` and here.
    ///
    /// - Parameter before: what `enter` answered.
    func leave(_ before: Int) {
        if isOrdered { unlockedCount = before + 1 }
    }

    /// Notes where a body is.
    func noteDomain(_ domain: Int) {
        let (isFirst, first) = home.compareExchange(expected: 0, desired: domain, ordering: .relaxed)
        if !isFirst && first != domain { missCount.add(1, ordering: .relaxed) }
    }

    /// Bodies seen.
    var bodies: Int { bodyCount.load(ordering: .relaxed) }
    /// Bodies that were seen elsewhere than the first one.
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
