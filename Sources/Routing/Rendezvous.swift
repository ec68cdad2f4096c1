//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The home of an anchor: rendezvous (highest random weight) hashing, tempered by load.
///
/// Each domain gets a score from the anchor's hash and the domain's number; the highest wins. A domain that is added takes
/// its fair share of anchors and moves no other; one that is removed gives away its own alone.
///
/// ```
/// score(hash, number) = mix(hash XOR number × 0x9E3779B97F4A7C15)      number = index + 1, arithmetic modulo 2^64
/// mix(x):  x ^= x >> 30;  x *= 0xBF58476D1CE4E5B9
///          x ^= x >> 27;  x *= 0x94D049BB133111EB
///          x ^= x >> 31
/// ```
/// `mix` is a bijection (SplitMix64's finaliser) and the multiples are distinct, so two domains never tie.
public enum Rendezvous {
    /// The largest load and slack that are told apart; more counts as this.
    @usableFromInline static let loadCeiling = 1 << 32

    /// The score of a domain for an anchor; the highest of all is the anchor's home.
    ///
    /// - Parameters:
    ///   - hash: the anchor.
    ///   - domain: the domain's index, 0-based; its number, index + 1, goes into the mix.
    @inlinable
    public static func score(of hash: AnchorHash, domain: Int) -> UInt64 {
        var x = hash.rawValue ^ (UInt64(truncatingIfNeeded: domain &+ 1) &* 0x9E37_79B9_7F4A_7C15)
        x = (x ^ (x &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ (x &>> 27)) &* 0x94D0_49BB_1331_11EB
        return x ^ (x &>> 31)
    }

    /// The domain in which an anchor should live.
    ///
    /// A domain whose load exceeds `average × 1.25 + slack` is passed over for the next best score. With equal loads
    /// this is pure rendezvous hashing. Loads that change while they are read may put every domain above the bound; then
    /// the best score wins regardless. O(domains), no allocation.
    ///
    /// - Parameters:
    ///   - hash: the anchor.
    ///   - domains: how many domains there are; at least 1, else a programming error.
    ///   - loads: the load of a domain, in any unit; negative counts as 0. Asked at most twice a domain.
    ///   - slack: how far above the bound a domain may be, in the unit of the loads, so that small numbers move nothing.
    ///   - isUsable: whether a domain may be a home; where none may, all may. Asked at most twice a domain.
    /// - Returns: a domain's index, 0-based.
    @inlinable
    public static func home(
        of hash: AnchorHash,
        domains: Int,
        loads: (Int) -> Int = { _ in 0 },
        slack: Int,
        isUsable: (Int) -> Bool = { _ in true }
    ) -> Int {
        precondition(domains >= 1, "an anchor needs a domain to live in, not \(domains)")
        var (total, usable) = (0, 0)
        for domain in 0..<domains where isUsable(domain) {
            total &+= clamped(loads(domain))
            usable &+= 1
        }
        guard usable > 0 else { return home(of: hash, domains: domains, loads: loads, slack: slack) }
        // load > total / usable × 5/4 + slack, without a division.
        let scale = 4 &* usable
        let bound = 5 &* total &+ scale &* clamped(slack)

        var (best, bestScore) = (-1, UInt64.min)
        var (fallback, fallbackScore) = (0, UInt64.min)
        for domain in 0..<domains where isUsable(domain) {
            let score = score(of: hash, domain: domain)
            if score >= fallbackScore { (fallback, fallbackScore) = (domain, score) }
            guard best < 0 || score > bestScore, scale &* clamped(loads(domain)) <= bound else { continue }
            (best, bestScore) = (domain, score)
        }
        return best >= 0 ? best : fallback
    }

    @inlinable
    static func clamped(_ load: Int) -> Int { min(max(load, 0), loadCeiling) }
}
