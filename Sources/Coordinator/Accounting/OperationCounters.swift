//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization
internal import TokenCore

/// One worker's share of an operation's counts.
///
/// Written by that worker only: plain atomic stores, no read-modify-write.
///
/// A handle on memory that the operation's record frees: handing it along costs no reference count.
struct OperationCounters: @unchecked Sendable {
    struct Fields: ~Copyable {
        let started = Atomic<UInt64>(0)
        let completed = Atomic<UInt64>(0)
        let failed = Atomic<UInt64>(0)
        let late = Atomic<UInt64>(0)
        /// Tokens this worker made terminal, counted after the fact.
        ///
        /// `completed` and `failed` are counted just before, so that whoever sees a token settled finds it counted, and
        /// taken back when someone else settled it first; this one is never too high, so `stop` may rely on it.
        let finished = Atomic<UInt64>(0)
        let wait = HistogramRecorder()
        let run = HistogramRecorder()
    }
    private let fields: UnsafeMutablePointer<Fields>

    init() {
        fields = .allocate(capacity: 1)
        fields.initialize(to: Fields())
    }

    func destroy() {
        fields.pointee.wait.destroy()
        fields.pointee.run.destroy()
        fields.deinitialize(count: 1)
        fields.deallocate()
    }

    /// The counters; valid as long as the coordinator.
    var now: UnsafeMutablePointer<Fields> { fields }
}

extension Atomic where Value == UInt64 {
    /// Adds by load and store: for counters with one writer.
    func bump(_ delta: Int64 = 1) {
        store(load(ordering: .relaxed) &+ UInt64(bitPattern: delta), ordering: .releasing)
    }
}
