//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing
import TokenCore

/// Known answers, computed by another implementation (Python's hashlib) from the documented bytes.
@Suite struct SeedTests {
    struct Answer: Sendable {
        let origin: UInt64
        let sequence: UInt64
        let calls: [String]
        let digest: String
    }

    static let answers = [
        Answer(
            origin: 1, sequence: 1, calls: ["child_op"],
            digest: "b0932515a9007e4273804adfe108871c2a608cf1f075f480921edc3491bdbb04"),
        Answer(
            origin: 0, sequence: 0, calls: [],
            digest: "72c342346b91ef7e0c107de7f31fc211aeabcf964156013624a9b16c32ea2213"),
        Answer(
            origin: 0x0123_4567_89AB_CDEF, sequence: 0xFEDC_BA98_7654_3210, calls: ["a", "b", "c"],
            digest: "315d028d0e8400f892517c77257d6766421af507b1f62b5d484c84dc4433595f"),
        Answer(
            origin: .max, sequence: .max, calls: ["gr\u{F6}\u{DF}e", "\u{65E5}\u{672C}\u{8A9E}", "e\u{301}"],
            digest: "245779cf1531706a0df1af6507ac5440fd25cc12458063f91c11a7c0023cab90"),
        Answer(
            origin: 1, sequence: 1, calls: ["ab", "c"],
            digest: "5f9f1705ff6152c9888ef18e28f814512539167848eafe7337f0755ef2bd5311"),
        Answer(
            origin: 1, sequence: 1, calls: ["a", "bc"],
            digest: "b913a2c351d2cf55e59d863625bbb616c945f0bd43b814a413d8786386152dcc"),
        Answer(
            origin: 1, sequence: 1, calls: ["\u{E9}"],
            digest: "3addbb2a7158568d357c18cfa9c1cfd92cf107c5e3c63a0abdc9d4ecff9b518a"),
        Answer(
            origin: 1, sequence: 1, calls: ["e\u{301}"],
            digest: "2db1bf675ca6c2196217e9824b368b4c721242e7e837383a99ac6dbdfc679e1f"),
        Answer(
            origin: 7, sequence: 42, calls: [String(repeating: "x", count: 255)],
            digest: "52aee10e175e42ac4fd6ad48879677956acfb185ba7f589658cfb1930bfc1701"),
    ]

    @Test("C6 a seed is the SHA-256 of the documented bytes", arguments: answers)
    func knownAnswer(_ answer: Answer) {
        let lead = TokenID(origin: answer.origin, sequence: answer.sequence)
        let seed = Seed(lead: lead, externalCalls: answer.calls)
        #expect(seed.description == answer.digest)
        #expect(seed.bytes.count == 32)
        #expect(seed.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == answer.digest)
    }

    @Test("C6 a seed depends on the lead and on the calls in their order, and on nothing else")
    func distinct() {
        let lead = TokenID(origin: 3, sequence: 4)
        let seed = Seed(lead: lead, externalCalls: ["a", "b"])
        #expect(seed == Seed(lead: lead, externalCalls: ["a", "b"]))
        #expect(seed.hashValue == Seed(lead: lead, externalCalls: ["a", "b"]).hashValue)
        #expect(seed != Seed(lead: lead, externalCalls: ["b", "a"]))
        #expect(seed != Seed(lead: lead, externalCalls: ["a"]))
        #expect(seed != Seed(lead: TokenID(origin: 4, sequence: 3), externalCalls: ["a", "b"]))
    }

    @Test("A token's id reads as 32 hex digits, origin first")
    func tokenID() {
        #expect(TokenID(origin: 0xAB, sequence: 1).description == "00000000000000ab0000000000000001")
        #expect(TokenID(origin: .max, sequence: 0).description == "ffffffffffffffff0000000000000000")
    }
}
