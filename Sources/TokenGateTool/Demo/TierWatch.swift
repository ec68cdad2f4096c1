//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TokenGate

/// Counts the bodies inside one storage tier, independently of the engine.
final class TierWatch: Sendable {
    let speed: StorageSpeed
    let limit: Int
    private let inside = Atomic<Int>(0)
    private let highest = Atomic<Int>(0)
    private let excessCount = Atomic<Int>(0)
    private let entryCount = Atomic<Int>(0)
    private let isGivenUp = Atomic<Bool>(false)

    init(_ speed: StorageSpeed) {
        self.speed = speed
        limit = speed.defaultLimit
    }

    /// A body goes in.
    func enter() {
        entryCount.add(1, ordering: .relaxed)
        let now = inside.add(1, ordering: .acquiringAndReleasing).newValue
        if now > limit { excessCount.add(1, ordering: .relaxed) }
        _ = highest.max(now, ordering: .relaxed)
    }

    /// A body comes out.
    func leave() { inside.subtract(1, ordering: .acquiringAndReleasing) }

    /// A body found that it cannot do its work: nobody need wait for the tier to fill up.
    func giveUp() { isGivenUp.store(true, ordering: .relaxed) }

    /// Whether the tier has been full at least once, or will not be.
    var needNotFill: Bool { highest.load(ordering: .relaxed) >= limit || isGivenUp.load(ordering: .relaxed) }
    /// Whether it is full now.
    var isFull: Bool { inside.load(ordering: .relaxed) >= limit }
    /// Most bodies inside at once.
    var peak: Int { highest.load(ordering: .relaxed) }
    /// How often a body came in beyond the limit.
    var excess: Int { excessCount.load(ordering: .relaxed) }
    /// Bodies that came in.
    var entries: Int { entryCount.load(ordering: .relaxed) }
}
