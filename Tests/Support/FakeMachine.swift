//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Foundation

/// A tree in a temporary directory that stands for `/`: a machine made of files, removed when the value goes.
package final class FakeMachine: Sendable {
    /// The directory that stands for `/`.
    package let root: String

    /// Makes an empty tree.
    package init() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "fake-machine-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        root = directory.path
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// Writes a file, making its directories; `text` is written as it is.
    @discardableResult
    package func file(_ path: String, _ text: String) throws -> FakeMachine {
        let url = URL(filePath: root).appending(path: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        return self
    }

    /// Makes a directory.
    @discardableResult
    package func directory(_ path: String) throws -> FakeMachine {
        try FileManager.default.createDirectory(
            at: URL(filePath: root).appending(path: path), withIntermediateDirectories: true)
        return self
    }

    /// Writes a file of a CPU's folder.
    @discardableResult
    package func cpu(_ cpu: Int, _ path: String, _ text: String) throws -> FakeMachine {
        try file("sys/devices/system/cpu/cpu\(cpu)/\(path)", text + "\n")
    }

    /// Writes `online`.
    @discardableResult
    package func online(_ list: String) throws -> FakeMachine {
        try file("sys/devices/system/cpu/online", list + "\n")
    }

    /// Writes a NUMA node.
    @discardableResult
    package func node(_ id: Int, _ list: String) throws -> FakeMachine {
        try file("sys/devices/system/node/node\(id)/cpulist", list + "\n")
    }

    /// Writes the topology folder of every CPU of a core, as kernels from 5.7 on do.
    @discardableResult
    package func core(_ list: String, id: Int, package: Int = 0, packageCPUs: String) throws -> FakeMachine {
        for cpu in try CPUSet(list: list) {
            try self.cpu(cpu, "topology/core_cpus_list", list)
            try self.cpu(cpu, "topology/package_cpus_list", packageCPUs)
            try self.cpu(cpu, "topology/core_id", "\(id)")
            try self.cpu(cpu, "topology/physical_package_id", "\(package)")
        }
        return self
    }

    /// A machine of one package: `cores` cores of `threads` neighbouring CPUs each.
    package static func uniform(cores: Int, threads: Int = 1) throws -> FakeMachine {
        let machine = try FakeMachine()
        let all = "0-\(cores * threads - 1)"
        try machine.online(all).node(0, all)
        for core in 0..<cores {
            let first = core * threads
            try machine.core(
                threads == 1 ? "\(first)" : "\(first)-\(first + threads - 1)", id: core, packageCPUs: all)
        }
        return machine
    }

    /// Puts the recorded process into a version 2 group, mounted at `/sys/fs/cgroup`.
    @discardableResult
    package func cgroup2(_ path: String, mountRoot: String = "/") throws -> FakeMachine {
        try file("proc/self/cgroup", "0::\(path)\n")
        try file(
            "proc/self/mountinfo",
            """
            22 1 0:21 / /proc rw,nosuid - proc proc rw
            30 23 0:26 \(mountRoot) /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate

            """
        )
        return try directory("sys/fs/cgroup")
    }
}
