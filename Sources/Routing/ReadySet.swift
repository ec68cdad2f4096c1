//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A snapshot of the domains that can take work at once.
///
/// A value over 64-bit words, domain 0 in the lowest bit; up to 64 domains live in the value itself, without a heap
/// allocation.
public struct ReadySet: Sendable, Hashable {
    /// Domains 0…63.
    @usableFromInline var low: UInt64
    /// Domains 64 and up, a word each 64; never ends in a zero word, so that equal sets are equal values.
    @usableFromInline var high: [UInt64]

    /// Makes an empty set.
    @inlinable
    public init() { self.init(word: 0) }

    /// Makes a set of domains among the first 64.
    @inlinable
    public init(word: UInt64) { (low, high) = (word, []) }

    /// Asks each domain in turn.
    @inlinable
    public init(domains: Int, isReady: (Int) -> Bool) {
        self.init()
        for domain in 0..<max(domains, 0) where isReady(domain) { insert(domain) }
    }

    /// The first 64 domains as a word, domain 0 in the lowest bit.
    @inlinable
    public var word: UInt64 { low }

    /// Whether no domain is ready.
    @inlinable
    public var isEmpty: Bool { low == 0 && high.isEmpty }

    /// How many domains are ready.
    @inlinable
    public var count: Int { high.reduce(low.nonzeroBitCount) { $0 + $1.nonzeroBitCount } }

    /// Whether a domain is ready; one that does not exist is not.
    @inlinable
    public func contains(_ domain: Int) -> Bool {
        guard domain >= 64 else { return domain >= 0 && low & (1 &<< UInt64(domain)) != 0 }
        let word = domain / 64 - 1
        return word < high.count && high[word] & (1 &<< UInt64(domain % 64)) != 0
    }

    /// Marks a domain ready; a negative index is a programming error.
    @inlinable
    public mutating func insert(_ domain: Int) {
        precondition(domain >= 0, "there is no domain with the index \(domain)")
        guard domain >= 64 else { return low |= 1 &<< UInt64(domain) }
        let word = domain / 64 - 1
        while high.count <= word { high.append(0) }
        high[word] |= 1 &<< UInt64(domain % 64)
    }

    /// Marks a domain as not ready.
    @inlinable
    public mutating func remove(_ domain: Int) {
        guard contains(domain) else { return }
        guard domain >= 64 else { return low &= ~(1 &<< UInt64(domain)) }
        high[domain / 64 - 1] &= ~(1 &<< UInt64(domain % 64))
        while high.last == 0 { high.removeLast() }
    }

    /// The lowest ready domain in a range of indices.
    @inlinable
    public func first(in range: Range<Int>) -> Int? {
        var domain = max(range.lowerBound, 0)
        while domain < range.upperBound, domain / 64 <= high.count {
            let rest = self[word: domain / 64] &>> UInt64(domain % 64)
            if rest != 0 {
                let found = domain + rest.trailingZeroBitCount
                return found < range.upperBound ? found : nil
            }
            domain = (domain / 64 + 1) * 64
        }
        return nil
    }

    /// The highest ready domain in a range of indices.
    @inlinable
    public func last(in range: Range<Int>) -> Int? {
        var domain = min(range.upperBound, (high.count + 1) * 64) - 1
        let first = max(range.lowerBound, 0)
        while domain >= first {
            let rest = self[word: domain / 64] &<< UInt64(63 - domain % 64)
            if rest != 0 {
                let found = domain - rest.leadingZeroBitCount
                return found >= first ? found : nil
            }
            domain = domain / 64 * 64 - 1
        }
        return nil
    }

    @inlinable
    subscript(word index: Int) -> UInt64 { index == 0 ? low : high[index - 1] }
}
