//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import TokenCore

/// Which of the ready domains a free token goes to, by its weight.
///
/// | weight | order of preference | where none is ready |
/// |---|---|---|
/// | heavy | the first, the second, … | by ticket: first, second, …, first, … |
/// | medium | the second, the third, …, the last, then the first | by ticket: second, third, …, first, second, … |
/// | light | the last, the last but one, … | by ticket: last, last but one, …, last, … |
///
/// Weights are preferences, not walls: whenever any domain is ready, a ready one is chosen.
public enum WeightPolicy {
    /// Chooses among up to 64 ready domains, in a handful of bit operations.
    ///
    /// - Parameters:
    ///   - weight: the token's weight.
    ///   - ready: the domains that can take work at once, domain 0 in the lowest bit. Bits beyond `domains` are ignored;
    ///     domains beyond the 64th count as not ready (use the form that takes a ``ReadySet``).
    ///   - domains: how many domains there are; at least 1, else a programming error.
    ///   - ticket: a number that grows by one a token; it spreads tokens while no domain is ready.
    /// - Returns: a domain's index, 0-based.
    @inlinable
    public static func place(_ weight: Weight, ready: UInt64, domains: Int, ticket: UInt32) -> Int {
        let candidates = domains < 64 ? ready & ((1 &<< UInt64(truncatingIfNeeded: domains)) &- 1) : ready
        guard candidates != 0 else { return overflow(weight, domains: domains, ticket: ticket) }
        switch weight {
        case .heavy: return candidates.trailingZeroBitCount
        case .light: return 63 &- candidates.leadingZeroBitCount
        case .medium:
            let fromSecond = candidates & ~1
            return fromSecond == 0 ? 0 : fromSecond.trailingZeroBitCount
        }
    }

    /// Chooses among any number of ready domains; one look at a word each 64 domains.
    ///
    /// - Parameters:
    ///   - weight: the token's weight.
    ///   - ready: the domains that can take work at once; those beyond `domains` are ignored.
    ///   - domains: how many domains there are; at least 1, else a programming error.
    ///   - ticket: a number that grows by one a token; it spreads tokens while no domain is ready.
    /// - Returns: a domain's index, 0-based.
    @inlinable
    public static func place(_ weight: Weight, ready: ReadySet, domains: Int, ticket: UInt32) -> Int {
        guard domains > 64 else { return place(weight, ready: ready.word, domains: domains, ticket: ticket) }
        let choice: Int?
        switch weight {
        case .heavy: choice = ready.first(in: 0..<domains)
        case .light: choice = ready.last(in: 0..<domains)
        case .medium: choice = ready.first(in: 1..<domains) ?? (ready.contains(0) ? 0 : nil)
        }
        return choice ?? overflow(weight, domains: domains, ticket: ticket)
    }

    /// Where a token goes while no domain is ready: round and round, in its weight's own direction.
    ///
    /// - Parameters:
    ///   - weight: the token's weight.
    ///   - domains: how many domains there are; at least 1, else a programming error.
    ///   - ticket: a number that grows by one a token.
    /// - Returns: a domain's index, 0-based.
    @inlinable
    public static func overflow(_ weight: Weight, domains: Int, ticket: UInt32) -> Int {
        precondition(domains >= 1 && domains <= UInt32.max, "a token needs a domain to go to, not \(domains)")
        let count = UInt32(truncatingIfNeeded: domains)
        let turn = Int(ticket % count)
        switch weight {
        case .heavy: return turn
        case .light: return domains &- 1 &- turn
        case .medium: return turn &+ 1 == domains ? 0 : turn &+ 1
        }
    }
}
