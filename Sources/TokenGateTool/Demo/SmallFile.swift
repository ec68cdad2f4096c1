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

/// Whole small files, by system calls that block: the work that storage tokens are for.
enum SmallFile {
    /// Writes a file, replacing what is there.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DemoFailure("cannot write '\(path)': \(systemMessage(errno))") }
        defer { close(file) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { writeBytes(file, UnsafeRawBufferPointer(rebasing: $0[offset...])) }
            guard written > 0 else { throw DemoFailure("cannot write '\(path)': \(systemMessage(errno))") }
            offset += written
        }
    }

    /// Reads a file of at most `limit` bytes.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw DemoFailure("cannot read '\(path)': \(systemMessage(errno))") }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var length = 0
        while length < limit {
            let count = bytes.withUnsafeMutableBytes {
                readBytes(file, UnsafeMutableRawBufferPointer(rebasing: $0[length...]))
            }
            guard count >= 0 else { throw DemoFailure("cannot read '\(path)': \(systemMessage(errno))") }
            if count == 0 { break }
            length += count
        }
        bytes.removeLast(limit - length)
        return bytes
    }

    /// Removes a file.
    static func remove(_ path: String) { unlink(path) }
}

/// Calls again after an interrupting signal.
private func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

// `SmallFile` has functions of these names itself.
private func writeBytes(_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    retrying { write(file, bytes.baseAddress, bytes.count) }
}

private func readBytes(_ file: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    retrying { read(file, bytes.baseAddress, bytes.count) }
}
