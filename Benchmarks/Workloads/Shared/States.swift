//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CBenchSupport
import Synchronization

/// Equal states side by side, each on cache lines of its own: nothing protects them, the contender must.
final class States: @unchecked Sendable {
    let base: UnsafeMutablePointer<UInt64>
    let count: Int
    /// Words of one state.
    let words: Int

    init(_ count: Int, bytes: Int) {
        self.count = count
        words = bytes / 8
        let raw = UnsafeMutableRawPointer.allocate(byteCount: count * bytes, alignment: 4_096)
        base = raw.bindMemory(to: UInt64.self, capacity: count * words)
        clear()
    }

    deinit { base.deallocate() }

    func clear() { base.update(repeating: 0, count: count * words) }

    /// Adds `value` to every cache line of one state.
    @inline(__always)
    func update(_ state: Int, by value: UInt64) { bench_update(base + state * words, words, value) }

    /// The sum of one state's lines.
    @inline(__always)
    func sum(_ state: Int) -> UInt64 { bench_sum(base + state * words, words) }

    var sum: UInt64 { (0..<count).reduce(0) { $0 &+ sum($1) } }
}

/// One lock a state, each on a cache line of its own.
final class Locks: Sendable {
    /// 128 bytes apart from the next, since processors fetch lines in pairs.
    final class Padded: Sendable {
        let lock = Mutex(())
        let padding = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    }

    private let locks: [Padded]

    init(_ count: Int) { locks = (0..<count).map { _ in Padded() } }

    @inline(__always)
    func with(_ index: Int, _ body: () -> Void) { locks[index].lock.withLock { _ in body() } }
}
