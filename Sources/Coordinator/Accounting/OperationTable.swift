//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization
internal import TokenCore

/// All records of a coordinator, found by the operation's number without a lock.
///
/// Two levels; a chunk appears when its first record does. Chunks and records are freed with the table.
final class OperationTable: @unchecked Sendable {
    private typealias Slot = Atomic<UInt>
    private static let chunkSize = 256
    /// One more for the operation that users do not see, whose number is the limit.
    private static let chunkCount = Operation.limit / chunkSize + 1

    /// The addresses of the chunks, each `chunkSize` addresses of records; 0 where there is none yet.
    private let chunks: UnsafeMutablePointer<Slot>
    /// In order of creation.
    ///
    /// Protected by its lock, which also orders creation.
    private let made = Guarded<[OperationRecord]>([])

    init() { chunks = Self.slots(Self.chunkCount) }

    deinit {
        for record in all { record.destroy() }
        for index in 0..<Self.chunkCount {
            Self.slots(at: chunks[index].load(ordering: .acquiring))?.deallocate()
        }
        chunks.deallocate()
    }

    /// The operation's record, made on first use.
    ///
    /// It lives as long as the table.
    func record(_ operation: Operation) -> OperationRecord { record(operation.index) ?? make(operation) }

    /// The record of a token's operation.
    func record(_ token: AnyTaskToken) -> OperationRecord {
        // By the number, since looking at the operation itself would take a reference to it.
        record(token.plan.operationIndex) ?? make(token.operation)
    }

    @inline(__always)
    private func record(_ index: Int) -> OperationRecord? {
        let index = UInt(bitPattern: index)
        guard let slots = Self.slots(at: chunks[Int(index / UInt(Self.chunkSize))].load(ordering: .acquiring)) else {
            return nil
        }
        return OperationRecord(bits: slots[Int(index % UInt(Self.chunkSize))].load(ordering: .acquiring))
    }

    @inline(never)
    private func make(_ operation: Operation) -> OperationRecord {
        let (chunk, slot) = operation.index.quotientAndRemainder(dividingBy: Self.chunkSize)
        return made.withLock { made in
            if chunks[chunk].load(ordering: .acquiring) == 0 {
                chunks[chunk].store(UInt(bitPattern: Self.slots(Self.chunkSize)), ordering: .releasing)
            }
            guard let slots = Self.slots(at: chunks[chunk].load(ordering: .acquiring)) else {
                fatalError("operation \(operation.index) has no chunk")
            }
            if let record = OperationRecord(bits: slots[slot].load(ordering: .acquiring)) { return record }
            let record = OperationRecord(operation)
            made.append(record)
            slots[slot].store(record.bits, ordering: .releasing)
            return record
        }
    }

    /// Every record made so far.
    var all: [OperationRecord] { made.withLock { $0 } }

    /// Those that users have to do with.
    var seen: [OperationRecord] { all.filter { $0.operation !== Operation.batchRunner } }

    private static func slots(_ count: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
        for index in 0..<count { (slots + index).initialize(to: Atomic(0)) }
        return slots
    }

    private static func slots(at bits: UInt) -> UnsafeMutablePointer<Slot>? { UnsafeMutablePointer(bitPattern: bits) }
}
