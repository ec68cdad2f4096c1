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

/// A fresh directory for the files of a run, removed afterwards with all that is in it.
struct ScratchDirectory {
    let path: String

    /// Makes one inside `parent`, or inside the system's temporary directory.
    ///
    /// - Throws: `DemoFailure`, naming the directory.
    init(inside parent: String?) throws(DemoFailure) {
        let base = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let name = parent == nil ? "the temporary directory" : "--directory"
        guard !base.isEmpty else { throw DemoFailure("\(name) '' is empty") }
        var status = stat()
        guard stat(base, &status) == 0 else {
            throw DemoFailure("\(name) '\(base)' cannot be used: \(systemMessage(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw DemoFailure("\(name) '\(base)' cannot be used: \(systemMessage(ENOTDIR))")
        }
        var template = Array((base + "/tokengate-demo-XXXXXX").utf8CString)
        let isMade = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.map { mkdtemp($0) != nil } ?? false
        }
        guard isMade else {
            throw DemoFailure("\(name) '\(base)' cannot be written to: \(systemMessage(errno))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes it.
    ///
    /// The demo's files lie flat in it.
    func remove() {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != "." && name != ".." { unlink(path + "/" + name) }
            }
            closedir(directory)
        }
        rmdir(path)
    }
}
