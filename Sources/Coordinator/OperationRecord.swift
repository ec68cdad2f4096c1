//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization
internal import TokenCore

/// What a coordinator keeps about one operation.
///
/// | field | protected by |
/// |---|---|
/// | `control` | atomic: pause bit, reason of the last sweep, sweep number |
/// | `submitted` | atomic shards, chosen by thread |
/// | `elsewhere…` | atomic counters for what no worker counted |
/// | `shards` | its lock; each shard's contents belong to one worker |
final class OperationRecord: Sendable {
    let operation: Operation

    /// bit 0: paused; bits 8…15: reason of the last sweep; bits 32…63: how many sweeps (kill, discard) there were.
    private let control = Atomic<UInt64>(0)
    private let submitted: [PaddedCounter]

    /// Settled by someone other than the worker that ran it: before it started, and after.
    let killedWaiting = Atomic<UInt64>(0)
    let killedExecuting = Atomic<UInt64>(0)
    let timedOutWaiting = Atomic<UInt64>(0)
    let timedOutExecuting = Atomic<UInt64>(0)
    let failedWaiting = Atomic<UInt64>(0)

    private let shards = Guarded<[OperationCounters]>([])

    /// Number of submission shards, a power of two.
    static let shardCount = 16

    init(_ operation: Operation) {
        self.operation = operation
        submitted = (0..<Self.shardCount).map { _ in PaddedCounter() }
    }

    /// Counts a submission and numbers it: 16 bits operation, 8 bits shard, 40 bits count. Sequentially consistent, so
    /// that `stop` either sees the token or is seen by its submitter.
    func countSubmission(shard: Int) -> UInt64 {
        let count = submitted[shard].value.add(1, ordering: .sequentiallyConsistent).newValue
        return UInt64(operation.index) << 48 | UInt64(shard) << 40 | count & 0xFF_FFFF_FFFF
    }

    var submittedTotal: UInt64 { submitted.reduce(0) { $0 + $1.value.load(ordering: .sequentiallyConsistent) } }

    // MARK: Control

    struct Control {
        let raw: UInt64
        var isPaused: Bool { raw & 1 != 0 }
        var epoch: UInt32 { UInt32(truncatingIfNeeded: raw >> 32) }
        var reason: SettleReason { SettleReason(rawValue: UInt8(truncatingIfNeeded: raw >> 8)) ?? .killed }
    }

    var controlNow: Control { Control(raw: control.load(ordering: .sequentiallyConsistent)) }

    /// Sets or clears the pause; false when it was so already.
    func setPaused(_ paused: Bool) -> Bool {
        let before =
            paused
            ? control.bitwiseOr(1, ordering: .sequentiallyConsistent).oldValue
            : control.bitwiseAnd(~1, ordering: .sequentiallyConsistent).oldValue
        return (before & 1 != 0) != paused
    }

    /// Dooms every token submitted so far that has not started.
    func sweep(_ reason: SettleReason) {
        var seen = control.load(ordering: .relaxed)
        while true {
            let swept = (seen & 0xFFFF_FFFF_0000_00FF) &+ (1 << 32) | UInt64(reason.rawValue) << 8
            let (done, found) = control.weakCompareExchange(
                expected: seen, desired: swept, successOrdering: .sequentiallyConsistent, failureOrdering: .relaxed)
            if done { return }
            seen = found
        }
    }

    // MARK: Counting

    func newShard() -> OperationCounters {
        let shard = OperationCounters()
        shards.withLock { $0.append(shard) }
        return shard
    }

    var allShards: [OperationCounters] { shards.withLock { $0 } }

    /// Tokens that have reached a terminal state. Never more than were submitted when it is read first.
    var settledTotal: UInt64 {
        let elsewhere =
            killedWaiting.load(ordering: .sequentiallyConsistent) + killedExecuting.load(ordering: .sequentiallyConsistent)
            + timedOutWaiting.load(ordering: .sequentiallyConsistent)
            + timedOutExecuting.load(ordering: .sequentiallyConsistent)
            + failedWaiting.load(ordering: .sequentiallyConsistent)
        return allShards.reduce(elsewhere) {
            $0 + $1.finished.load(ordering: .acquiring)
        }
    }
}

/// A counter on a cache line of its own (two, where the next one is fetched along).
final class PaddedCounter: Sendable {
    let value = Atomic<UInt64>(0)
    private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

/// One worker's share of an operation's counts. Written by that worker only: plain atomic stores, no read-modify-write.
final class OperationCounters: Sendable {
    let started = Atomic<UInt64>(0)
    let completed = Atomic<UInt64>(0)
    let failed = Atomic<UInt64>(0)
    let late = Atomic<UInt64>(0)
    /// Tokens this worker made terminal, counted after the fact. `completed` and `failed` are counted just before, so
    /// that whoever sees a token settled finds it counted, and taken back when someone else settled it first; this one
    /// is never too high, so `stop` may rely on it.
    let finished = Atomic<UInt64>(0)
    let wait = HistogramRecorder()
    let run = HistogramRecorder()
}

extension Atomic where Value == UInt64 {
    /// Adds by load and store: for counters with one writer.
    func bump(_ delta: Int64 = 1) {
        store(load(ordering: .relaxed) &+ UInt64(bitPattern: delta), ordering: .releasing)
    }
}

/// All records of a coordinator, found by the operation's number without a lock.
///
/// Two levels; a chunk appears when its first record does. Chunks and records are freed with the table.
final class OperationTable: @unchecked Sendable {
    private static let chunkSize = 256
    private static let chunkCount = Operation.limit / chunkSize

    private final class Chunk: Sendable {
        let slots: [Slot] = (0..<OperationTable.chunkSize).map { _ in Slot() }
    }
    private final class Slot: Sendable { let record = Atomic<UInt>(0) }

    private let chunks: [Slot]
    // Keeps what the atomics point to; also orders creation. Protected by its lock.
    private struct Owned {
        var records: [OperationRecord] = []
        var chunks: [Chunk] = []
    }
    private let owned = Guarded(Owned())

    init() { chunks = (0..<Self.chunkCount).map { _ in Slot() } }

    /// The operation's record, made on first use.
    func record(_ operation: Operation) -> OperationRecord {
        let chunk = chunks[operation.index / Self.chunkSize].record.load(ordering: .acquiring)
        if let address = UnsafeRawPointer(bitPattern: chunk) {
            let slots = Unmanaged<Chunk>.fromOpaque(address).takeUnretainedValue().slots
            let record = slots[operation.index % Self.chunkSize].record.load(ordering: .acquiring)
            if let address = UnsafeRawPointer(bitPattern: record) {
                return Unmanaged<OperationRecord>.fromOpaque(address).takeUnretainedValue()
            }
        }
        return make(operation)
    }

    private func make(_ operation: Operation) -> OperationRecord {
        owned.withLock { owned in
            let slot = chunks[operation.index / Self.chunkSize]
            var chunk = UnsafeRawPointer(bitPattern: slot.record.load(ordering: .acquiring))
                .map { Unmanaged<Chunk>.fromOpaque($0).takeUnretainedValue() }
            if chunk == nil {
                let made = Chunk()
                owned.chunks.append(made)
                slot.record.store(UInt(bitPattern: Unmanaged.passUnretained(made).toOpaque()), ordering: .releasing)
                chunk = made
            }
            guard let chunk else { fatalError("operation \(operation.index) has no chunk") }
            let place = chunk.slots[operation.index % Self.chunkSize]
            if let address = UnsafeRawPointer(bitPattern: place.record.load(ordering: .acquiring)) {
                return Unmanaged<OperationRecord>.fromOpaque(address).takeUnretainedValue()
            }
            let record = OperationRecord(operation)
            owned.records.append(record)
            place.record.store(UInt(bitPattern: Unmanaged.passUnretained(record).toOpaque()), ordering: .releasing)
            return record
        }
    }

    /// Every record made so far.
    var all: [OperationRecord] { owned.withLock { $0.records } }
}
