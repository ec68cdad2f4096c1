//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization

/// Counts durations in buckets whose width grows with the value: 8 to each power of two, so a value read back is at
/// most 12.5 % above the one recorded.
///
/// One thread records, any thread reads. A handle on memory that its owner frees with `destroy`.
struct HistogramRecorder: @unchecked Sendable {
    /// 8 exact buckets below 8 ns, then 8 for each power of two up to 2^43 ns (2.4 hours).
    static let bucketCount = 8 + 8 * 40

    private let buckets: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        buckets = .allocate(capacity: Self.bucketCount)
        for index in 0..<Self.bucketCount { (buckets + index).initialize(to: Atomic(0)) }
    }

    func destroy() {
        buckets.deinitialize(count: Self.bucketCount)
        buckets.deallocate()
    }

    /// Adds one value, in nanoseconds, as often as said.
    ///
    /// Only the owning thread calls it, so no read-modify-write is needed.
    @inline(__always)
    func record(_ nanoseconds: Int64, times: Int = 1) {
        let bucket = buckets + Self.bucket(of: nanoseconds)
        bucket.pointee.store(bucket.pointee.load(ordering: .relaxed) &+ UInt64(times), ordering: .relaxed)
    }

    func add(to histogram: inout Histogram) {
        for index in 0..<Self.bucketCount {
            let count = buckets[index].load(ordering: .relaxed)
            if count != 0 { histogram.counts[index] += count }
        }
    }

    @inline(__always)
    static func bucket(of nanoseconds: Int64) -> Int {
        guard nanoseconds >= 8 else { return Int(max(0, nanoseconds)) }
        let exponent = 63 - nanoseconds.leadingZeroBitCount
        let index = (exponent - 2) * 8 + Int(nanoseconds >> (exponent - 3)) - 8
        return min(index, bucketCount - 1)
    }

    /// The largest value of a bucket.
    static func upperBound(ofBucket index: Int) -> Int64 {
        guard index >= 8 else { return Int64(index) }
        let exponent = index / 8 + 2
        let step = Int64(1) << (exponent - 3)
        return (Int64(8 + index % 8) + 1) * step - 1
    }
}

/// A distribution of durations.
public struct Histogram: Sendable, Hashable {
    var counts = [UInt64](repeating: 0, count: HistogramRecorder.bucketCount)

    /// How many values it holds.
    public var count: UInt64 { counts.reduce(0, +) }

    /// The duration that a share of the values does not exceed, at most 12.5 % too large; zero when empty.
    ///
    /// - Parameter share: 0…1; values outside are held at the ends.
    public func percentile(_ share: Double) -> Duration {
        let total = count
        guard total > 0 else { return .zero }
        let rank = UInt64((Double(total) * min(1, max(0, share))).rounded(.up))
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() where count > 0 {
            seen += count
            if seen >= max(1, rank) { return .nanoseconds(HistogramRecorder.upperBound(ofBucket: index)) }
        }
        return .zero
    }

    /// The largest value, at most 12.5 % too large.
    public var maximum: Duration { percentile(1) }

    /// The values of both.
    public static func + (left: Histogram, right: Histogram) -> Histogram {
        var sum = left
        for index in sum.counts.indices { sum.counts[index] += right.counts[index] }
        return sum
    }
}
