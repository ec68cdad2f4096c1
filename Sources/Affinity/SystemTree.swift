//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CAffinity

/// Small files and directories below a root, which is `/` on a real machine and any directory in a test.
struct SystemTree: Sendable {
    /// The root without its trailing slashes: empty for `/`.
    let root: String

    /// No file read here is larger: lists and masks of 65,536 CPUs stay far below, mount tables may be long.
    private static let limit = 4 << 20

    init(root: String) {
        var root = Substring(root.isEmpty ? "." : root)
        while root.hasSuffix("/") { root.removeLast() }
        self.root = String(root)
    }

    /// Whether this is the running machine.
    var isReal: Bool { root.isEmpty }

    /// The absolute path of `path`, which is relative to the root.
    func path(_ path: String) -> String { path.hasPrefix("/") ? root + path : root + "/" + path }

    /// The text of a file up to its first NUL, or nil where it cannot be read.
    func text(_ path: String) -> String? {
        var capacity = 4096
        while true {
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                result = buffer.withMemoryRebound(to: CChar.self) {
                    tga_read_file(self.path(path), $0.baseAddress, capacity)
                }
                count = Swift.max(0, result)
            }
            if result < 0 { return nil }
            if result < capacity || capacity >= Self.limit {
                return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            capacity *= 8
        }
    }

    /// A file's words, or nil where it cannot be read.
    func fields(_ path: String) -> [Substring]? {
        text(path)?.split(whereSeparator: \.isWhitespace)
    }

    /// The number a file holds, or nil where there is none.
    func integer(_ path: String) -> Int? {
        fields(path)?.first.flatMap { Int($0) }
    }

    /// The set a file in list format holds, or nil where the file is missing or damaged.
    func list(_ path: String) -> CPUSet? {
        text(path).flatMap { try? CPUSet(list: $0) }
    }

    /// The first of these files that holds a set: `list` in list format, `mask` in mask format.
    func cpus(_ directory: String, _ names: [(list: String?, mask: String)]) -> CPUSet? {
        for name in names {
            if let listName = name.list, let set = list("\(directory)/\(listName)"), !set.isEmpty { return set }
            if let text = text("\(directory)/\(name.mask)"), let set = try? CPUSet(mask: text), !set.isEmpty {
                return set
            }
        }
        return nil
    }

    /// The names in a directory, in no order; empty where it cannot be read.
    func names(_ path: String) -> [String] {
        final class Names { var list: [String] = [] }
        let names = Names()
        _ = tga_list_directory(self.path(path), Unmanaged.passUnretained(names).toOpaque()) { context, name in
            guard let context, let name else { return }
            Unmanaged<Names>.fromOpaque(context).takeUnretainedValue().list.append(String(cString: name))
        }
        return withExtendedLifetime(names) { names.list }
    }

    /// The numbers behind `prefix` among the names of a directory, ascending: `cpu0`, `cpu7` give 0 and 7.
    func numbers(_ path: String, prefix: String) -> [Int] {
        names(path).compactMap { name in
            guard name.hasPrefix(prefix) else { return nil }
            let digits = name.dropFirst(prefix.count)
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return Int(digits)
        }
        .sorted()
    }

    /// Whether a directory exists and can be listed.
    func isDirectory(_ path: String) -> Bool {
        tga_list_directory(self.path(path), nil) { _, _ in } == 0
    }
}
