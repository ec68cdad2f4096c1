//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import Testing
import TokenCore

/// The documented bytes of each kind of anchor key: what other processes, versions and languages rely on.
@Suite struct AnchorKeyTests {
    private func bytes(_ key: some AnchorKey) -> [UInt8] { key.withAnchorBytes { Array($0) } }

    @Test("C5 a string's key is its UTF-8, not normalised")
    func strings() {
        #expect(bytes("") == [])
        #expect(bytes("abc") == [0x61, 0x62, 0x63])
        #expect(bytes("\u{E9}") == [0xC3, 0xA9])
        #expect(bytes("e\u{301}") == [0x65, 0xCC, 0x81])
        #expect(bytes("\u{1F600}") == [0xF0, 0x9F, 0x98, 0x80])
        #expect(bytes("a\u{0}b") == [0x61, 0, 0x62])
        let text = "key=value"
        #expect(bytes(text.dropFirst(4)) == Array("value".utf8))
        #expect(bytes(text.dropFirst(4)) == bytes("value"))
    }

    @Test("C5 an integer's key is 8 bytes, little-endian two's complement, whatever its width")
    func integers() {
        #expect(bytes(0) == [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(bytes(5) == [5, 0, 0, 0, 0, 0, 0, 0])
        #expect(bytes(-1) == [UInt8](repeating: 255, count: 8))
        #expect(bytes(Int64.min) == [0, 0, 0, 0, 0, 0, 0, 0x80])
        #expect(bytes(UInt64.max) == [UInt8](repeating: 255, count: 8))
        #expect(bytes(UInt64(0x0102_0304_0506_0708)) == [8, 7, 6, 5, 4, 3, 2, 1])
        let five: [[UInt8]] = [
            bytes(Int8(5)), bytes(Int16(5)), bytes(Int32(5)), bytes(Int64(5)), bytes(UInt(5)), bytes(UInt8(5)),
            bytes(UInt16(5)), bytes(UInt32(5)), bytes(UInt64(5)),
        ]
        #expect(five.allSatisfy { $0 == bytes(5) })
        let negative: [[UInt8]] = [bytes(Int8(-2)), bytes(Int16(-2)), bytes(Int32(-2)), bytes(Int64(-2))]
        #expect(negative.allSatisfy { $0 == bytes(-2) })
    }

    @Test("C5 a UUID's key is its 16 bytes in the order they are written")
    func uuids() throws {
        let uuid = try #require(UUID(uuidString: "00112233-4455-6677-8899-AABBCCDDEEFF"))
        #expect(bytes(uuid) == (0..<16).map { UInt8($0 * 0x11) })
    }

    @Test("C5 raw bytes are their own key")
    func raw() {
        #expect(bytes([UInt8]()) == [])
        #expect(bytes([0, 255, 7] as [UInt8]) == [0, 255, 7])
    }

    @Test("C5 a type of one's own is the key it says it is")
    func own() {
        struct UserID: AnchorKey {
            let raw: Int64
            func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { raw.withAnchorBytes(body) }
        }
        #expect(bytes(UserID(raw: 77)) == bytes(77))
    }
}
