//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Finds the folders of a process's control groups: `proc/self/cgroup` says which groups, `proc/self/mountinfo` where
/// their file systems are mounted.
struct CgroupPaths {
    enum Version: Sendable { case v1, v2 }

    enum Controller: String, Sendable, CaseIterable { case cpu, cpuset }

    /// One hierarchy and, of it, the process's own group and every visible ancestor.
    struct Hierarchy {
        var version: Version
        var controllers: Set<Controller>
        /// The own group first, the mount point last.
        var folders: [String]
    }

    private struct Mount {
        var version: Version
        /// The group that the mount point shows, as the process's namespace names it: `/`, `/docker/x`, `/../..`.
        var root: String
        var point: String
        var controllers: Set<Controller>
    }

    /// A group's path with its leading `..` counted: a group outside the namespace is named from the namespace's root.
    private struct GroupPath {
        var above = 0
        var names: [Substring] = []

        init(_ path: String) {
            for part in path.split(separator: "/") where part != "." {
                if part != ".." {
                    names.append(part)
                } else if names.isEmpty {
                    above += 1
                } else {
                    names.removeLast()
                }
            }
        }

        /// What leads from `root` down to this group; nil where the group is not below it.
        ///
        /// Where the root lies above
        /// the namespace, the names between the two are not known, so only the root itself can be shown. It also stands
        /// in for a group that lies above all that is mounted: a process moved into a container meets its limits.
        func below(_ root: GroupPath) -> [Substring]? {
            if root.above != above, root.names.isEmpty { return [] }
            guard root.above == above, names.starts(with: root.names) else { return nil }
            return Array(names.dropFirst(root.names.count))
        }
    }

    let tree: SystemTree
    let process: String

    func hierarchies() -> [Hierarchy] {
        let mounts = readMounts()
        return readGroups().compactMap { version, controllers, path in
            let group = GroupPath(path)
            let chains = mounts.filter { mount in
                mount.version == version && (version == .v2 || !mount.controllers.isDisjoint(with: controllers))
            }
            .compactMap { mount in group.below(GroupPath(mount.root)).map { folders(mount.point, $0) } }
            // One file system may be mounted several times; the mount that shows the most tells the most.
            guard let folders = chains.max(by: { $0.count < $1.count }), !folders.isEmpty else { return nil }
            return Hierarchy(version: version, controllers: controllers, folders: folders)
        }
    }

    /// The existing folders from the group up to the mount point.
    private func folders(_ point: String, _ names: [Substring]) -> [String] {
        (0...names.count).reversed().map { count in
            ([point == "/" ? "" : point] + names.prefix(count).map(String.init)).joined(separator: "/")
        }
        .filter { tree.isDirectory($0.isEmpty ? "/" : $0) }
    }

    /// The groups of the process: version, controllers of interest, path.
    private func readGroups() -> [(Version, Set<Controller>, String)] {
        guard let text = tree.text("proc/\(process)/cgroup") else {
            // Kernels before control groups had cpusets alone.
            let path = tree.text("proc/\(process)/cpuset")?.split(whereSeparator: \.isNewline).first
            return path.map { [(.v1, [.cpuset], String($0)), (.v2, [.cpuset], String($0))] } ?? []
        }
        return text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            var path = String(fields[2])
            if path.hasSuffix(" (deleted)") { path.removeLast(" (deleted)".count) }
            if fields[0] == "0", fields[1].isEmpty { return (.v2, Set(Controller.allCases), path) }
            let controllers = Set(fields[1].split(separator: ",").compactMap { Controller(rawValue: String($0)) })
            return controllers.isEmpty ? nil : (.v1, controllers, path)
        }
    }

    private func readMounts() -> [Mount] {
        if let text = tree.text("proc/\(process)/mountinfo") {
            return text.split(whereSeparator: \.isNewline).compactMap(mountInfo)
        }
        // A recorded tree may have only the older table, which does not tell the mount's root.
        guard let text = tree.text("proc/\(process)/mounts") ?? tree.text("proc/mounts") else { return [] }
        return text.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 4 else { return nil }
            return mount(type: fields[2], root: "/", point: fields[1], options: fields[3])
        }
    }

    /// Reads a line such as `36 35 98:0 /root /point options tags - type source superOptions`.
    private func mountInfo(_ line: Substring) -> Mount? {
        let fields = line.split(separator: " ")
        guard fields.count >= 8, let dash = fields.dropFirst(6).firstIndex(of: "-"), dash + 1 < fields.count else {
            return nil
        }
        return mount(type: fields[dash + 1], root: fields[3], point: fields[4], options: fields.last ?? "")
    }

    private func mount(type: Substring, root: Substring, point: Substring, options: Substring) -> Mount? {
        let root = Self.unescaped(root)
        let point = Self.unescaped(point)
        switch type {
        case "cgroup2":
            return Mount(version: .v2, root: root, point: point, controllers: Set(Controller.allCases))
        case "cgroup":
            let controllers = Set(options.split(separator: ",").compactMap { Controller(rawValue: String($0)) })
            return Mount(version: .v1, root: root, point: point, controllers: controllers)
        case "cpuset":
            return Mount(version: .v1, root: root, point: point, controllers: [.cpuset])
        default:
            return nil
        }
    }

    /// A mount table's path with `\040` and its like turned back.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3, let code = UInt8(String(rest.prefix(3)) ?? "", radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
