//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CAffinity

/// A system call that failed: which one, and its `errno`.
public struct SystemCallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The call, as its manual page is named: `sched_setaffinity`.
    public let call: String
    /// The `errno` it left.
    public let errno: Int32

    /// Names a failed call.
    public init(_ call: String, errno: Int32) {
        self.call = call
        self.errno = errno
    }

    /// `sched_setaffinity: Operation not permitted (errno 1)`.
    public var description: String { "\(call): \(Self.words(for: errno)) (errno \(errno))" }

    /// The C locale's words for an `errno`.
    static func words(for errno: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress else { return "error" }
            tga_describe_errno(errno, base, buffer.count)
            return String(cString: base)
        }
    }
}
