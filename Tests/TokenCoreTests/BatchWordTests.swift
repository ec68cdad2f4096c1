//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing

@testable import TokenCore

/// The word of sixteen tokens, by itself.
@Suite struct BatchWordTests {
    @Test(
        "C1 whatever is done to sixteen tokens, each is settled once, by its body or by a kill, and the others are as they were"
    )
    func everyToken() {
        for place in 0..<16 {
            let mask = UInt16(1) << UInt16(place)
            var word = BatchWord()
            #expect(word.begun == 0 && word.settled == 0)
            word.raw |= BatchWord.beginning(mask)
            #expect(word.begun == mask && word.settled == 0)
            let (spared, none) = word.killing(mask, executing: false)
            #expect(none == 0 && spared == word)
            let (killed, now) = word.killing(.max, executing: true)
            #expect(now == .max && killed.killed == .max && killed.begun == mask)
            #expect(killed.killing(.max, executing: true).killed == 0)
            word.raw |= BatchWord.ending(mask, failed: 0)
            #expect(word.ended == mask && word.kept == mask && word.failed == 0)
            #expect(word.killing(.max, executing: true).killed == ~mask)
            #expect(word.state(of: place) == (true, true, false, false))
            var failed = BatchWord(raw: BatchWord.beginning(.max))
            failed.raw |= BatchWord.ending(mask, failed: mask)
            #expect(failed.failed == mask && failed.kept == 0 && failed.settled == mask)
        }
    }

    @Test("What a worker gives back is as it was before it began, but for what was killed meanwhile")
    func givingBack() {
        for mask in stride(from: UInt16(0), through: .max, by: 257) {
            for dead in stride(from: UInt16(0), through: .max, by: 4369) {
                let begun = BatchWord(raw: BatchWord.beginning(mask))
                let (next, given) = begun.killing(dead, executing: true).next.givingBack(mask)
                #expect(given == mask & ~dead)
                #expect(next.begun == mask & dead && next.killed == dead)
            }
        }
    }

    @Test("The parts of a range are in its groups, in order, and make it up")
    func parts() {
        for first in 0..<40 {
            for end in first..<70 {
                var (range, seen) = (first..<end, [Int]())
                while !range.isEmpty {
                    let part = BatchCore.part(of: range)
                    seen += (0..<16).filter { part.tokens & 1 << $0 != 0 }.map { part.group * 16 + $0 }
                    range = (range.lowerBound + part.tokens.nonzeroBitCount)..<range.upperBound
                }
                #expect(seen == Array(first..<end))
            }
        }
    }
}
