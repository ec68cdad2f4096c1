//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
internal import TokenCore

/// The records of the tokens that settled last (Docs/History.md).
///
/// A record's number, drawn from one counter, decides its shard and its place there: so the newest are kept, exactly, whoever wrote
/// them, and two writers meet at a lock only where their numbers are a multiple of the shards apart.
///
/// | field | protected by |
/// |---|---|
/// | `last` | atomic |
/// | `rings`, `starts` | a lock for each shard, never held together |
final class History: Sendable {
    /// What is kept of a token: its texts are made when it is read.
    struct Entry: @unchecked Sendable {
        var number: UInt64 = 0
        var sequence: UInt64
        // Interned, never freed.
        unowned(unsafe) let operation: Operation
        var tags: TokenTags
        var state: TokenState
        var reason: SettleReason = .body
        var code: TokenError.Code?
        var error: String?
        var lease: LeadLease?
        var anchor: UInt64 = 0
        var submitted: Int64
        var started: Int64?
        var settled: Int64
        var attempts: Int
        var domain: Int?
        var worker: (crew: CrewKind, number: Int)?
    }

    private final class Shard: Sendable {
        let ring = Guarded<[Entry?]>([])
        let starts = Guarded<[UInt64: Int64]>([:])
        // Two shards share no line.
        let padding = CachePadding()
    }

    let capacity: Int
    /// Of each shard's ring: together they may have room for a few more than the capacity.
    private let size: Int
    private let shards: [Shard]
    private let last = Atomic<UInt64>(0)

    /// - Parameter capacity: 1 at least.
    init(capacity: Int) {
        self.capacity = capacity
        let count = min(capacity, 64)
        shards = (0..<count).map { _ in Shard() }
        size = (capacity + count - 1) / count
    }

    // MARK: Writing

    /// A body begins: tells when, should somebody else settle its token.
    @inline(never)
    func begin(_ token: AnyTaskToken, at time: Int64) {
        if token.operation === Operation.batchRunner { return }
        // Its worker takes the end of the body before for the beginning of this one, which may have come in between.
        let time = max(time, token.submittedAt)
        shard(of: token.sequence).starts.withLock { $0[token.sequence] = time }
    }

    /// The body has ended: when it began.
    @inline(never)
    func end(_ token: AnyTaskToken) -> Int64? {
        if token.operation === Operation.batchRunner { return nil }
        return shard(of: token.sequence).starts.withLock { $0.removeValue(forKey: token.sequence) }
    }

    /// When a body began that has not ended.
    func start(of token: AnyTaskToken) -> Int64? { shard(of: token.sequence).starts.withLock { $0[token.sequence] } }

    private func shard(of sequence: UInt64) -> Shard {
        shards[Int(truncatingIfNeeded: (sequence ^ sequence >> 40) % UInt64(shards.count))]
    }

    func add(_ entry: Entry) {
        var entry = entry
        entry.number = last.add(1, ordering: .relaxed).newValue
        let place = Int(truncatingIfNeeded: entry.number &- 1)
        let (turn, index) = place.quotientAndRemainder(dividingBy: shards.count)
        let slot = turn % size
        let replaced = shards[index].ring.withLock { ring -> Entry? in
            while ring.count <= slot { ring.append(nil) }
            // Numbers may come out of order, and one so late that a newer one stands in its place is too old to keep.
            if let old = ring[slot], old.number > entry.number { return entry }
            let old = ring[slot]
            ring[slot] = entry
            return old
        }
        _ = replaced  // freed outside the lock
    }

    // MARK: Reading

    /// The newest records, newest first, at most `limit`.
    ///
    /// Locks one shard after the other: what is written meanwhile may be in it or not.
    func newest(_ limit: Int) -> [Entry] {
        let limit = min(limit, capacity)
        if limit == 0 { return [] }
        var all: [Entry] = []
        for shard in shards { all += shard.ring.withLock { $0.compactMap { $0 } } }
        all.sort { $0.number > $1.number }
        return limit < all.count ? Array(all.prefix(limit)) : all
    }
}
