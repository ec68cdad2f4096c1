//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What the process's control group, and every ancestor of it, lets the process use.
///
/// Both versions are read, also side by side (hybrid mounts): the smallest quota on the way up counts, and so does the
/// intersection of the cpusets. A machine without control groups, or with unreadable ones, sets no limit.
///
/// Sources: cgroups(7), cpuset(7), the kernel's `admin-guide/cgroup-v2.rst` and `scheduler/sched-bwc.rst`.
public struct CgroupLimits: Sendable, Hashable {
    /// How often the quota stopped the process's group.
    public struct Throttling: Sendable, Hashable {
        /// Enforcement periods that have passed.
        public let periods: UInt64
        /// Periods in which the group was stopped.
        public let throttledPeriods: UInt64
        /// The time it was stopped in all, in nanoseconds, summed over CPUs.
        public let throttledNanoseconds: UInt64
    }

    /// The quota in CPUs, such as 1.5; nil without a limit.
    public let quotaCPUs: Double?
    /// The CPUs of the cpuset, or nil where none is told.
    public let cpuset: CPUSet?
    /// The folders that were looked at, the process's own group first, as they are seen below the root.
    public let groups: [String]

    private let statFile: String?
    private let tree: SystemTree

    /// No limits at all.
    public static let none = CgroupLimits(
        quota: nil, cpuset: nil, groups: [], statFile: nil, tree: SystemTree(root: "/"))

    private init(quota: Double?, cpuset: CPUSet?, groups: [String], statFile: String?, tree: SystemTree) {
        self.quotaCPUs = quota
        self.cpuset = cpuset
        self.groups = groups
        self.statFile = statFile
        self.tree = tree
    }

    /// Reads the limits of a process.
    ///
    /// - Parameters:
    ///   - root: The directory that stands for `/`; default the running machine.
    ///   - process: The process whose `proc` folder is read; default `self`, a number elsewhere.
    /// - Returns: The limits; ``none`` where nothing can be read. What is missing sets no limit, so this never throws.
    ///   May be called from any thread; blocks on file reads.
    public static func read(root: String = "/", process: String = "self") -> CgroupLimits {
        let tree = SystemTree(root: root)
        let hierarchies = CgroupPaths(tree: tree, process: process).hierarchies()

        var quota: (cpus: Double, folder: String)?
        var cpuset: CPUSet?
        var groups: [String] = []
        for hierarchy in hierarchies {
            for folder in hierarchy.folders where !groups.contains(folder) { groups.append(folder) }
            if hierarchy.controllers.contains(.cpu) {
                for folder in hierarchy.folders {
                    guard let found = Self.quota(tree, folder, hierarchy.version) else { continue }
                    if quota.map({ found < $0.cpus }) ?? true { quota = (found, folder) }
                }
            }
            if hierarchy.controllers.contains(.cpuset), let found = Self.cpuset(tree, hierarchy.folders) {
                cpuset = cpuset.map { $0.intersection(found) } ?? found
            }
        }
        let cpuFolders = hierarchies.filter { $0.controllers.contains(.cpu) }.flatMap(\.folders)
        let candidates = (quota.map { [$0.folder] } ?? []) + cpuFolders
        return CgroupLimits(
            quota: quota?.cpus,
            cpuset: cpuset,
            groups: groups,
            statFile: candidates.map { $0 + "/cpu.stat" }.first { tree.text($0)?.contains("nr_throttled") == true },
            tree: tree
        )
    }

    /// Reads now how often the group that sets the quota was stopped; without a quota, the process's own group.
    ///
    /// - Returns: nil where the system does not count it. May be called from any thread; one file read.
    public func throttling() -> Throttling? {
        guard let statFile, let text = tree.text(statFile) else { return nil }
        var values: [Substring: UInt64] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            if words.count == 2, let value = UInt64(words[1]) { values[words[0]] = value }
        }
        guard let throttled = values["nr_throttled"] else { return nil }
        let nanoseconds =
            values["throttled_time"]
            ?? values["throttled_usec"].map { $0.multipliedReportingOverflow(by: 1000) }
            .map { $0.overflow ? .max : $0.partialValue }
        return Throttling(
            periods: values["nr_periods"] ?? 0, throttledPeriods: throttled, throttledNanoseconds: nanoseconds ?? 0)
    }

    /// The quota that one group sets, in CPUs.
    private static func quota(_ tree: SystemTree, _ folder: String, _ version: CgroupPaths.Version) -> Double? {
        let quota: Int?
        let period: Int?
        switch version {
        case .v2:
            // "max 100000" or "150000 100000"
            let fields = tree.fields("\(folder)/cpu.max")
            quota = fields?.first.flatMap { Int($0) }
            period = fields?.dropFirst().first.flatMap { Int($0) } ?? 100_000
        case .v1:
            quota = tree.integer("\(folder)/cpu.cfs_quota_us")
            period = tree.integer("\(folder)/cpu.cfs_period_us") ?? 100_000
        }
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return Double(quota) / Double(period)
    }

    /// The CPUs a chain of groups leaves, own group first.
    ///
    /// A group lies inside its parent, so sets are intersected on the way up, but not beyond a partition root: what a
    /// partition owns is taken out of its ancestors' effective sets.
    private static func cpuset(_ tree: SystemTree, _ folders: [String]) -> CPUSet? {
        var result: CPUSet?
        for folder in folders {
            let names = ["cpuset.cpus.effective", "cpuset.effective_cpus", "effective_cpus", "cpuset.cpus", "cpus"]
            let told = names.lazy.compactMap { tree.list("\(folder)/\($0)") }.first { !$0.isEmpty }
            if let told {
                let both = result?.intersection(told) ?? told
                if !both.isEmpty { result = both }
            }
            if let kind = tree.fields("\(folder)/cpuset.cpus.partition")?.first, kind == "root" || kind == "isolated" {
                break
            }
        }
        return result
    }

    /// Limits are equal when they limit alike.
    public static func == (left: CgroupLimits, right: CgroupLimits) -> Bool {
        left.quotaCPUs == right.quotaCPUs && left.cpuset == right.cpuset && left.groups == right.groups
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(quotaCPUs)
        hasher.combine(cpuset)
        hasher.combine(groups)
    }
}
