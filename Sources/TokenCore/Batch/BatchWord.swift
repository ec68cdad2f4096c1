//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The states of sixteen tokens of a batch: four bits each, in one word, so that a worker moves all that it begins or has
/// finished in one step.
///
/// | bit | set by | meaning |
/// |---|---|---|
/// | begun | the worker that took the token | its body runs, or has run |
/// | ended | that worker | its body returned or threw |
/// | killed | who settled it otherwise, unless it had ended | its result does not count, if there will be one |
/// | failed | that worker, with *ended* | its body threw |
///
/// A token is settled once it has ended or was killed; where both are set it was killed first.
struct BatchWord: Equatable {
    var raw: UInt64 = 0

    static let size = 16

    private static let begun: UInt64 = 0x1111_1111_1111_1111

    /// The lowest bits of the tokens in `mask`, one bit of which is a token.
    private static func spread(_ mask: UInt16) -> UInt64 {
        var bits = UInt64(mask)
        bits = (bits | bits << 24) & 0x0000_00FF_0000_00FF
        bits = (bits | bits << 12) & 0x000F_000F_000F_000F
        bits = (bits | bits << 6) & 0x0303_0303_0303_0303
        return (bits | bits << 3) & begun
    }

    /// Gathers the lowest bits of all tokens.
    private static func gather(_ bits: UInt64) -> UInt16 {
        var bits = bits & begun
        bits = (bits | bits >> 3) & 0x0303_0303_0303_0303
        bits = (bits | bits >> 6) & 0x000F_000F_000F_000F
        bits = (bits | bits >> 12) & 0x0000_00FF_0000_00FF
        return UInt16(truncatingIfNeeded: bits | bits >> 24)
    }

    // MARK: What it says

    var begun: UInt16 { Self.gather(raw) }
    var ended: UInt16 { Self.gather(raw >> 1) }
    var killed: UInt16 { Self.gather(raw >> 2) }
    var failed: UInt16 { Self.gather(raw >> 3) }
    var settled: UInt16 { ended | killed }
    /// Those whose result is in its slot.
    var kept: UInt16 { ended & ~failed }

    // MARK: Transitions, as bits to set or to clear

    static func beginning(_ mask: UInt16) -> UInt64 { spread(mask) }
    static func ending(_ mask: UInt16, failed: UInt16) -> UInt64 { spread(mask) << 1 | spread(failed) << 3 }

    /// Those of `mask` that are not settled, as killed; those that have begun only where `executing`.
    func killing(_ mask: UInt16, executing: Bool) -> (next: BatchWord, killed: UInt16) {
        let now = mask & ~settled & (executing ? .max : ~begun)
        return (BatchWord(raw: raw | Self.spread(now) << 2), now)
    }

    /// The bits to clear so that those of `mask` can be begun by another worker; those killed meanwhile stay begun.
    func givingBack(_ mask: UInt16) -> (next: BatchWord, given: UInt16) {
        let given = mask & ~killed
        return (BatchWord(raw: raw & ~Self.spread(given)), given)
    }

    func state(of place: Int) -> (isBegun: Bool, hasEnded: Bool, isKilled: Bool, hasFailed: Bool) {
        let bits = raw >> UInt64(place * 4)
        return (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0, bits & 8 != 0)
    }
}
