//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A set of CPU numbers, of any size: what the kernel calls a cpumask.
///
/// CPU numbers are the kernel's own. They need be neither dense nor start at 0. Sets grow as needed, so machines with
/// more than the 1,024 CPUs of `cpu_set_t` are no special case; numbers above ``maximumCPU`` are refused with an error,
/// so that a damaged file cannot make a set eat the memory.
///
/// ```swift
/// let cpus = try CPUSet(list: "0-3,8")
/// print(cpus.count, cpus.contains(8), cpus.maskFormat)   // 5 true 10f
/// ```
///
/// The formats are those of cpuset(7), section "Formats".
public struct CPUSet: Sendable, Hashable {
    /// The highest CPU number a set may hold: 65,535.
    public static let maximumCPU = 65_535

    /// CPU n is bit n % 64 of word n / 64; the last word is never 0, so equal sets have equal words.
    private(set) var words: [UInt64]

    /// An empty set.
    public init() { words = [] }

    /// A set of the given CPUs.
    ///
    /// - Throws: ``AffinityError`` with code `cpuOutOfRange` for a number outside 0...``maximumCPU``.
    public init(_ cpus: some Sequence<Int>) throws(AffinityError) {
        words = []
        for cpu in cpus { try insert(cpu) }
    }

    /// The set whose bits these words hold; bits above ``maximumCPU`` are dropped.
    init(words: [UInt64]) {
        self.words = Array(words.prefix((Self.maximumCPU + 1) / 64))
        trim()
    }

    /// The set of one CPU whose number is known to be in range.
    init(validated cpu: Int) {
        words = []
        set(cpu)
    }

    /// Adds a CPU.
    ///
    /// - Throws: ``AffinityError`` with code `cpuOutOfRange`; the set is then unchanged.
    public mutating func insert(_ cpu: Int) throws(AffinityError) {
        guard (0...Self.maximumCPU).contains(cpu) else {
            throw AffinityError(.cpuOutOfRange, "CPU \(cpu) is not in 0...\(Self.maximumCPU)")
        }
        set(cpu)
    }

    /// Removes a CPU; one that is not in the set is ignored.
    public mutating func remove(_ cpu: Int) {
        guard contains(cpu) else { return }
        words[cpu / 64] &= ~(1 << UInt64(cpu % 64))
        trim()
    }

    /// Whether the set holds the CPU.
    public func contains(_ cpu: Int) -> Bool {
        cpu >= 0 && cpu / 64 < words.count && words[cpu / 64] & (1 << UInt64(cpu % 64)) != 0
    }

    /// How many CPUs the set holds.
    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Whether the set holds no CPU.
    public var isEmpty: Bool { words.isEmpty }

    /// The lowest CPU number, or nil when the set is empty.
    public var first: Int? {
        words.firstIndex { $0 != 0 }.map { $0 * 64 + words[$0].trailingZeroBitCount }
    }

    /// The highest CPU number, or nil when the set is empty.
    public var last: Int? {
        words.last.map { (words.count - 1) * 64 + 63 - $0.leadingZeroBitCount }
    }

    /// Sets a bit; `cpu` is in range.
    mutating func set(_ cpu: Int) {
        if cpu / 64 >= words.count {
            words.append(contentsOf: repeatElement(0, count: cpu / 64 + 1 - words.count))
        }
        words[cpu / 64] |= 1 << UInt64(cpu % 64)
    }

    private mutating func trim() {
        while words.last == 0 { words.removeLast() }
    }
}

extension CPUSet {
    /// The CPUs in either set.
    public func union(_ other: CPUSet) -> CPUSet { combined(with: other, |) }

    /// The CPUs in both sets.
    public func intersection(_ other: CPUSet) -> CPUSet { combined(with: other, &) }

    /// The CPUs of this set that are not in the other.
    public func subtracting(_ other: CPUSet) -> CPUSet { combined(with: other) { $0 & ~$1 } }

    /// The CPUs in exactly one of the two sets.
    public func symmetricDifference(_ other: CPUSet) -> CPUSet { combined(with: other, ^) }

    /// Whether every CPU of this set is in the other.
    public func isSubset(of other: CPUSet) -> Bool {
        words.count <= other.words.count && zip(words, other.words).allSatisfy { $0 & ~$1 == 0 }
    }

    /// Whether the sets share no CPU.
    public func isDisjoint(with other: CPUSet) -> Bool {
        zip(words, other.words).allSatisfy { $0 & $1 == 0 }
    }

    private func combined(with other: CPUSet, _ operation: (UInt64, UInt64) -> UInt64) -> CPUSet {
        CPUSet(
            words: (0..<Swift.max(words.count, other.words.count)).map { index in
                operation(
                    index < words.count ? words[index] : 0,
                    index < other.words.count ? other.words[index] : 0
                )
            }
        )
    }
}

extension CPUSet: Sequence {
    /// Walks the CPU numbers in ascending order.
    public struct Iterator: IteratorProtocol, Sendable {
        private let words: [UInt64]
        private var index = 0
        private var rest: UInt64

        init(_ words: [UInt64]) {
            self.words = words
            rest = words.first ?? 0
        }

        /// The next CPU number, or nil at the end.
        public mutating func next() -> Int? {
            while rest == 0 {
                index += 1
                guard index < words.count else { return nil }
                rest = words[index]
            }
            defer { rest &= rest - 1 }
            return index * 64 + rest.trailingZeroBitCount
        }
    }

    /// Makes an iterator over the CPU numbers, ascending.
    public func makeIterator() -> Iterator { Iterator(words) }

    /// The number of CPUs, which is known.
    public var underestimatedCount: Int { count }
}
