//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#if canImport(FoundationEssentials)
    public import struct FoundationEssentials.UUID
#else
    public import struct Foundation.UUID
#endif

/// A value that can name a sticky anchor.
///
/// A key becomes bytes by its own documented encoding, the same in every process, version and language; never through
/// `Hashable`, whose hash differs from process to process.
///
/// | type | bytes |
/// |---|---|
/// | `String`, `Substring` | UTF-8, as given (no normalisation) |
/// | integers up to 64 bits | 8 bytes, little-endian two's complement (so `Int32(5)` and `Int(5)` are one key) |
/// | `UUID` | its 16 bytes in RFC 9562 order |
/// | `[UInt8]` | as they are |
///
/// ```swift
/// struct UserID: AnchorKey {
///     let raw: Int64
///     func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { raw.withAnchorBytes(body) }
/// }
/// ```
public protocol AnchorKey: Sendable {
    /// Calls `body` once with the key's bytes, which are valid during the call only.
    func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R
}

extension String: AnchorKey {
    /// UTF-8.
    public func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        var copy = self
        return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension Substring: AnchorKey {
    /// UTF-8.
    public func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        var copy = self
        return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

extension Array: AnchorKey where Element == UInt8 {
    /// The bytes themselves.
    public func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withUnsafeBytes { body($0) } }
}

extension UUID: AnchorKey {
    /// The 16 bytes, in the order of RFC 9562.
    public func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withUnsafeBytes(of: uuid) { body($0) }
    }
}

extension FixedWidthInteger where Self: Sendable {
    /// 8 bytes, little-endian two's complement.
    public func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withUnsafeBytes(of: UInt64(truncatingIfNeeded: self).littleEndian) { body($0) }
    }
}

extension Int: AnchorKey {}
extension Int8: AnchorKey {}
extension Int16: AnchorKey {}
extension Int32: AnchorKey {}
extension Int64: AnchorKey {}
extension UInt: AnchorKey {}
extension UInt8: AnchorKey {}
extension UInt16: AnchorKey {}
extension UInt32: AnchorKey {}
extension UInt64: AnchorKey {}
