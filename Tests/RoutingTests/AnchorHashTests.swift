//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing
import TokenCore

@Suite("An anchor's hash is XXH3-64 of the key's documented bytes")
struct AnchorHashTests {
    // The empty input, "a" and "abc" are computed by hand from the specification; the rest was read off libxxhash 0.8.
    @Test(
        "strings are UTF-8",
        arguments: [
            ("", 0x2D06_8005_38D3_94C2), ("a", 0xE6C6_32B6_1E96_4E1F), ("abc", 0x78AF_5F94_892F_3950),
            ("user:42", 0x9FC1_E605_FA71_74AA),
        ] as [(String, UInt64)]
    )
    func strings(key: String, hash: UInt64) {
        #expect(AnchorHash(key).rawValue == hash)
        #expect(AnchorHash(key[...]).rawValue == hash)
        #expect(AnchorHash(Array(key.utf8)).rawValue == hash)
    }

    @Test("integers are 8 bytes, little-endian, whatever their width")
    func integers() {
        #expect(AnchorHash(5).rawValue == 0x8E03_E9AA_39AA_A78C)
        #expect(AnchorHash(Int8(5)) == AnchorHash(UInt64(5)))
        #expect(AnchorHash(-1).rawValue == 0x5111_C7E4_7D78_4413)
        #expect(AnchorHash(Int16(-1)) == AnchorHash(UInt64.max))
    }

    @Test("raw bytes are hashed as they are, short and long")
    func bytes() {
        #expect(AnchorHash((0..<100).map { UInt8($0) }).rawValue == 0x004E_4F92_1A64_BD1C)
        #expect(AnchorHash((0...255).map { UInt8($0) }).rawValue == 0x9408_A443_3B95_2D71)
        #expect(AnchorHash(bytes: UnsafeRawBufferPointer(start: nil, count: 0)) == AnchorHash(""))
    }
}
