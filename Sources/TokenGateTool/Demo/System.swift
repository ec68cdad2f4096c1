//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the system says about an error number.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

/// Lets the calling thread sleep.
func pauseThread(milliseconds: Int) {
    var left = timespec(tv_sec: milliseconds / 1_000, tv_nsec: milliseconds % 1_000 * 1_000_000)
    var remaining = left
    while nanosleep(&left, &remaining) != 0 && errno == EINTR { left = remaining }
}

/// Writes text to standard error, unbuffered; what cannot be written is lost.
func writeToStandardError(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// Writes text to standard output, whole, before it returns.
///
/// - Returns: false where the reader is gone or the disk is full.
@discardableResult
func writeToStandardOutput(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    var offset = 0
    while offset < bytes.count {
        let written = bytes[offset...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if written < 0 && errno != EINTR { return false }
        offset += max(0, written)
    }
    return true
}
