//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
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
        /// Odd while the worker settles a token: who sees it settled, and looks here, waits for the count.
        ///
        /// So `completed` and `failed` may be counted after the fact, and are never too high.
        let settlements = Atomic<UInt64>(0)
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

    /// Settles a token, and counts it, as one to those who read `settled`.
    ///
    /// No code of users' is called meanwhile, and no lock of theirs is held.
    @inline(__always)
    func settling<Result>(_ settle: () -> Result) -> Result {
        fields.pointee.settlements.bump()
        defer { fields.pointee.settlements.bump() }
        return settle()
    }

    /// How many returned and how many threw, of all tokens that anyone has seen settled by now.
    ///
    /// Waits while the worker is between a settlement and its count: a few dozen instructions, and however long it is
    /// stopped there.
    var settled: (completed: UInt64, failed: UInt64) {
        var looks = 0
        while fields.pointee.settlements.load(ordering: .acquiring) & 1 != 0 {
            looks += 1
            // A reader of a higher priority must let the worker in.
            if looks < 64 { tge_yield() } else { _ = Parker().park(timeout: 50_000) }
        }
        return (
            fields.pointee.completed.load(ordering: .acquiring), fields.pointee.failed.load(ordering: .acquiring)
        )
    }

    /// How many it has settled: never too high, perhaps too low.
    var settledAtLeast: UInt64 {
        fields.pointee.completed.load(ordering: .acquiring) + fields.pointee.failed.load(ordering: .acquiring)
    }
}

extension Atomic where Value == UInt64 {
    /// Adds by load and store: for counters with one writer.
    func bump(_ delta: Int64 = 1) {
        store(load(ordering: .relaxed) &+ UInt64(bitPattern: delta), ordering: .releasing)
    }
}
