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
/// | `control` | atomic: pause bit, block bit, limit bit, places bit, reason of the last sweep, sweep number |
/// | `line`, `admission` | atomic: set once |
/// | `submitted` | atomic shards, chosen by thread |
/// | `elsewhere…` | atomic counters for what no worker counted |
/// | `failures` | its lock |
/// | `shards` | its lock; each shard's contents belong to one worker |
///
/// A handle on memory that the coordinator's table frees: handing it along costs no reference count, which would be
/// shared by every thread that submits or runs the operation.
struct OperationRecord: @unchecked Sendable {
    private struct Body: ~Copyable {
        unowned(unsafe) let operation: Operation
        /// The operation's number, where token numbers have it.
        let prefix: UInt64
        let control = Atomic<UInt64>(0)
        let elsewhere: UnsafeMutablePointer<Elsewhere>
        let shards = Guarded(Shards())
        /// What bodies threw, by kind.
        let failures = Guarded<[String: UInt64]>([:])
        /// The address of its limit's line, and of its places: 0 until it has some, then the same.
        let line = Atomic<UInt>(0)
        let admission = Atomic<UInt>(0)
        /// `shardCount` counters, each on cache lines of its own.
        let submitted: UnsafeMutablePointer<Atomic<UInt64>>
    }

    private struct Shards {
        var all: [OperationCounters] = []
        /// Those whose worker has ended; the next worker goes on with them.
        var free: [OperationCounters] = []
    }

    /// Settled by someone other than the worker that ran it: before it started, and after.
    struct Elsewhere: ~Copyable {
        let killedWaiting = Atomic<UInt64>(0)
        let killedExecuting = Atomic<UInt64>(0)
        let timedOutWaiting = Atomic<UInt64>(0)
        let timedOutExecuting = Atomic<UInt64>(0)
        let failedWaiting = Atomic<UInt64>(0)
        let completedWaiting = Atomic<UInt64>(0)
    }

    private let body: UnsafeMutablePointer<Body>

    /// Number of submission shards, a power of two.
    static let shardCount = 16

    /// Counters between two shards: 128 bytes, since the next line is often fetched along.
    private static let stride = 16

    init(_ operation: Operation) {
        let count = Self.shardCount * Self.stride
        let submitted = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
        for index in 0..<count { (submitted + index).initialize(to: Atomic(0)) }
        body = .allocate(capacity: 1)
        let elsewhere = UnsafeMutablePointer<Elsewhere>.allocate(capacity: 1)
        elsewhere.initialize(to: Elsewhere())
        body.initialize(
            to: Body(
                operation: operation, prefix: UInt64(UInt16(truncatingIfNeeded: operation.index)) << 48,
                elsewhere: elsewhere,
                submitted: submitted))
    }

    func destroy() {
        for shard in allShards { shard.destroy() }
        body.pointee.submitted.deallocate()
        body.pointee.elsewhere.deallocate()
        Self.object(at: body.pointee.line, Engine.Line.self)?.release()
        Self.object(at: body.pointee.admission, Engine.Admission.self)?.release()
        body.deinitialize(count: 1)
        body.deallocate()
    }

    /// The record whose address these bits are; nil for 0.
    init?(bits: UInt) {
        guard let body = UnsafeMutablePointer<Body>(bitPattern: bits) else { return nil }
        self.body = body
    }

    var bits: UInt { UInt(bitPattern: body) }
    var operation: Operation { body.pointee.operation }
    /// The counters of what no worker counted; any thread adds.
    var elsewhere: UnsafeMutablePointer<Elsewhere> { body.pointee.elsewhere }

    /// Counts submissions and numbers them, one after the other: 16 bits operation, 8 bits shard, 40 bits count.
    ///
    /// Sequentially consistent, so that `stop` either sees the tokens or is seen by their submitter.
    ///
    /// - Returns: the first one's number.
    @inline(__always)
    func countSubmissions(_ more: Int = 1, shard: Int) -> UInt64 {
        let counter = body.pointee.submitted + shard * Self.stride
        let first = counter.pointee.add(UInt64(more), ordering: .sequentiallyConsistent).oldValue &+ 1
        return body.pointee.prefix | UInt64(truncatingIfNeeded: shard) << 40 | first & 0xFF_FFFF_FFFF
    }

    var submittedTotal: UInt64 {
        (0..<Self.shardCount).reduce(0) {
            $0 + body.pointee.submitted[$1 * Self.stride].load(ordering: .sequentiallyConsistent)
        }
    }

    // MARK: Control

    struct Control {
        let raw: UInt64
        var isPaused: Bool { raw & 1 != 0 }
        var isBlocked: Bool { raw & 2 != 0 }
        /// There is a limit to its bodies at once.
        var isLimited: Bool { raw & 4 != 0 }
        /// There is a limit to its live tokens.
        var isBounded: Bool { raw & 8 != 0 }
        /// None of these.
        var isOpen: Bool { raw & 15 == 0 }
        var epoch: UInt32 { UInt32(truncatingIfNeeded: raw >> 32) }
        var reason: SettleReason { SettleReason(rawValue: UInt8(truncatingIfNeeded: raw >> 8)) ?? .killed }
    }

    var controlNow: Control { Control(raw: body.pointee.control.load(ordering: .sequentiallyConsistent)) }

    /// Sets or clears the pause; false when it was so already.
    func setPaused(_ paused: Bool) -> Bool { set(1, paused) }

    /// Sets or clears the block; false when it was so already.
    func setBlocked(_ blocked: Bool) -> Bool { set(2, blocked) }

    private func set(_ bit: UInt64, _ isSet: Bool) -> Bool {
        let before =
            isSet
            ? body.pointee.control.bitwiseOr(bit, ordering: .sequentiallyConsistent).oldValue
            : body.pointee.control.bitwiseAnd(~bit, ordering: .sequentiallyConsistent).oldValue
        return (before & bit != 0) != isSet
    }

    // MARK: Limits

    /// The line of its limit; nil where there never was one.
    var line: Engine.Line? { Self.object(at: body.pointee.line, Engine.Line.self)?.takeUnretainedValue() }

    /// Its places; nil where there is no limit to them.
    var admission: Engine.Admission? {
        Self.object(at: body.pointee.admission, Engine.Admission.self)?.takeUnretainedValue()
    }

    /// The line, made by the first who asks.
    func line(orElse make: () -> Engine.Line) -> Engine.Line { Self.object(at: body.pointee.line, orElse: make) }

    func admission(orElse make: () -> Engine.Admission) -> Engine.Admission {
        Self.object(at: body.pointee.admission, orElse: make)
    }

    func setLimited(_ limited: Bool) -> Bool { set(4, limited) }
    func setBounded() { _ = set(8, true) }

    private static func object<Object: AnyObject>(
        at address: borrowing Atomic<UInt>, _ type: Object.Type
    ) -> Unmanaged<Object>? {
        UnsafeRawPointer(bitPattern: address.load(ordering: .acquiring)).map(Unmanaged.fromOpaque)
    }

    private static func object<Object: AnyObject>(at address: borrowing Atomic<UInt>, orElse make: () -> Object)
        -> Object
    {
        if let found = object(at: address, Object.self) { return found.takeUnretainedValue() }
        let made = Unmanaged.passRetained(make())
        let (isFirst, before) = address.compareExchange(
            expected: 0, desired: UInt(bitPattern: made.toOpaque()), successOrdering: .acquiringAndReleasing,
            failureOrdering: .acquiring)
        if isFirst { return made.takeUnretainedValue() }
        made.release()
        guard let other = UnsafeRawPointer(bitPattern: before) else { fatalError("a limit at the address \(before)") }
        return Unmanaged<Object>.fromOpaque(other).takeUnretainedValue()
    }

    /// Counts what a body threw; kinds beyond the limit count together.
    func noteFailure(_ error: any Error) {
        let kind =
            switch error {
            case let error as TokenError: "TokenError.\(error.code)"
            case let error as any FailureOfAKind: error.failureKind
            default: String(reflecting: type(of: error))
            }
        body.pointee.failures.withLock { failures in
            let known = failures[kind] != nil || failures.count < Self.failureKinds
            failures[known ? kind : "others", default: 0] += 1
        }
    }

    private static let failureKinds = 32

    var failures: [String: UInt64] { body.pointee.failures.withLock { $0 } }

    /// Dooms every token submitted so far that has not started.
    func sweep(_ reason: SettleReason) {
        var seen = body.pointee.control.load(ordering: .relaxed)
        while true {
            let swept = (seen & 0xFFFF_FFFF_0000_00FF) &+ (1 << 32) | UInt64(reason.rawValue) << 8
            let (done, found) = body.pointee.control.weakCompareExchange(
                expected: seen, desired: swept, successOrdering: .sequentiallyConsistent, failureOrdering: .relaxed)
            if done { return }
            seen = found
        }
    }

    // MARK: Counting

    /// Counters for one worker alone, until it gives them back.
    func takeShard() -> OperationCounters {
        body.pointee.shards.withLock { shards in
            if let shard = shards.free.popLast() { return shard }
            let shard = OperationCounters()
            shards.all.append(shard)
            return shard
        }
    }

    func giveBack(_ shard: OperationCounters) { body.pointee.shards.withLock { $0.free.append(shard) } }

    /// A copy made under the lock: the array itself would be looked at, after it, while a worker adds to it.
    var allShards: [OperationCounters] { body.pointee.shards.withLock { $0.all.map { $0 } } }

    /// Tokens that have reached a terminal state.
    ///
    /// Never more than were submitted when it is read first.
    var settledTotal: UInt64 {
        let elsewhere = settledElsewhere
        return allShards.reduce(elsewhere) { $0 + $1.settledAtLeast }
    }

    private var settledElsewhere: UInt64 {
        elsewhere.pointee.killedWaiting.load(ordering: .sequentiallyConsistent)
            + elsewhere.pointee.killedExecuting.load(ordering: .sequentiallyConsistent)
            + elsewhere.pointee.timedOutWaiting.load(ordering: .sequentiallyConsistent)
            + elsewhere.pointee.timedOutExecuting.load(ordering: .sequentiallyConsistent)
            + elsewhere.pointee.failedWaiting.load(ordering: .sequentiallyConsistent)
            + elsewhere.pointee.completedWaiting.load(ordering: .sequentiallyConsistent)
    }
}
