//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// One result a task, each written by one task and read when all are done.
///
/// The happens-before edge is the contender's own way of completing.
final class ResultSlots: @unchecked Sendable {
    let base: UnsafeMutablePointer<UInt64>
    let count: Int

    init(_ count: Int) {
        base = .allocate(capacity: max(1, count))
        base.initialize(repeating: 0, count: count)
        self.count = count
    }

    deinit { base.deallocate() }

    subscript(index: Int) -> UInt64 {
        @inline(__always) get { base[index] }
        @inline(__always) set { base[index] = newValue }
    }

    /// The sum of all, which is what checksums are made of.
    var sum: UInt64 { UnsafeBufferPointer(start: base, count: count).reduce(0, &+) }

    /// The same where their order counts.
    var weightedSum: UInt64 { UnsafeBufferPointer(start: base, count: count).weightedSum }
}

extension Sequence<UInt64> {
    /// Each times its position, counted from 1, added up: two that change places change it.
    var weightedSum: UInt64 {
        var (sum, weight): (UInt64, UInt64) = (0, 1)
        for value in self {
            sum &+= value &* weight
            weight &+= 1
        }
        return sum
    }
}
