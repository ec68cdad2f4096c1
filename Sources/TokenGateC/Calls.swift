//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CForeign
internal import CTokenGate

/// Does what a function of the API does, unless it may not be called here and now; tells the caller why it failed.
@inline(__always)
func attempt(
    _ error: UnsafeMutablePointer<tg_error>? = nil, _ work: () throws(Failure) -> Void
) -> tg_status {
    if tgf_was_forked() { return fail(Failure(TG_E_FORKED, "called in a child of fork()"), error) }
    if let error, error.pointee.struct_size < ErrorLayout.least { return tg_status(TG_E_STRUCT_SIZE) }
    do {
        try work()
        return tg_status(TG_OK)
    } catch let failure {
        return fail(failure, error)
    }
}

private enum ErrorLayout {
    static let message = MemoryLayout<tg_error>.offset(of: \.message) ?? 16
    /// Up to the message: less has no room for what went wrong.
    static let least = message
    /// The next field: up to there the message may go.
    static let cause = MemoryLayout<tg_error>.offset(of: \.cause) ?? 256
    /// Whether a structure of so many bytes has it.
    static func hasCause(_ size: Int) -> Bool { size >= MemoryLayout<tg_error>.size }
}

@inline(never)
func fail(_ failure: Failure, _ error: UnsafeMutablePointer<tg_error>?) -> tg_status {
    guard let error, error.pointee.struct_size >= ErrorLayout.least else { return failure.status }
    error.pointee.status = failure.status
    error.pointee.body_status = failure.bodyStatus
    if ErrorLayout.hasCause(error.pointee.struct_size) { error.pointee.cause = failure.cause }
    let room = min(error.pointee.struct_size, ErrorLayout.cause) - ErrorLayout.message
    if room > 0 {
        let target = UnsafeMutableRawPointer(error) + ErrorLayout.message
        copyText(failure.message, to: UnsafeMutableRawBufferPointer(start: target, count: room))
    }
    return failure.status
}

/// Writes as much of a text as there is room for, and a NUL after it; there is room for that.
func copyText(_ text: String, to target: UnsafeMutableRawBufferPointer) {
    var bytes = Array(text.utf8.prefix(target.count - 1))
    // Cut off between characters, not within one.
    if bytes.count < text.utf8.count {
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last & 0x80 != 0 { bytes.removeLast() }
    }
    target.copyBytes(from: bytes)
    target[bytes.count] = 0
}

/// A pointer that must not be NULL.
@inline(__always)
func required<Pointee>(
    _ pointer: UnsafeMutablePointer<Pointee>?, _ name: StaticString
) throws(Failure) -> UnsafeMutablePointer<Pointee> {
    guard let pointer else { throw .null("\(name)") }
    return pointer
}

@inline(__always)
func required<Pointee>(
    _ pointer: UnsafePointer<Pointee>?, _ name: StaticString
) throws(Failure) -> UnsafePointer<Pointee> {
    guard let pointer else { throw .null("\(name)") }
    return pointer
}

/// Text from C: UTF-8 that ends in NUL.
func text(_ pointer: UnsafePointer<CChar>?, _ name: StaticString) throws(Failure) -> String {
    let bytes = try required(pointer, name)
    guard let text = String(validatingCString: bytes) else {
        throw Failure(TG_E_INVALID_ARGUMENT, "\(name) is no UTF-8")
    }
    return text
}

/// A time to wait: zero and more; nil for `TG_FOREVER`.
func duration(_ nanoseconds: Int64, _ name: StaticString) throws(Failure) -> Duration? {
    guard nanoseconds >= 0 else { throw Failure(TG_E_INVALID_ARGUMENT, "\(name) \(nanoseconds) is negative") }
    return nanoseconds == .max ? nil : .nanoseconds(nanoseconds)
}

/// What the user lends us until it is destroyed: once, when the last reference is gone.
final class Owned: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
    private let destroy: tg_destroy

    private init(_ pointer: UnsafeMutableRawPointer?, _ destroy: @escaping tg_destroy) {
        self.pointer = pointer
        self.destroy = destroy
    }

    /// Nil where there is nothing to be done in the end.
    @inline(__always)
    static func of(_ pointer: UnsafeMutableRawPointer?, _ destroy: tg_destroy?) -> Owned? {
        if let pointer, let destroy { Owned(pointer, destroy) } else { nil }
    }

    deinit { destroy(pointer) }
}

/// A string that the caller frees with `tg_string_free`.
func copied(_ text: String) -> UnsafeMutablePointer<CChar> {
    var text = text
    return text.withUTF8 { bytes in
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        UnsafeMutableRawPointer(copy).copyMemory(
            from: bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!, byteCount: bytes.count)
        copy[bytes.count] = 0
        return copy
    }
}

@c @implementation
package func tg_string_free(_ string: UnsafeMutablePointer<CChar>?) { string?.deallocate() }
