//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CAffinity
import Synchronization

/// What the process may use of the machine, cut into core domains.
///
/// A plain value, read once: read it again to see hotplug, a changed cpuset or quota.
///
/// ```swift
/// let machine = try Machine.current()
/// print(machine.allowed, machine.quotaCPUs ?? 0, machine.domains)   // {0-3} 1.5 [{0-1}, {2-3}]
/// ```
public struct Machine: Sendable, Hashable {
    /// What the machine is.
    public let topology: Topology
    /// The CPUs the process may use: online, in its affinity mask, in its cpuset, and in the subset asked for.
    public let allowed: CPUSet
    /// The quota of the process's control groups in CPUs, or nil without one.
    public let quotaCPUs: Double?
    /// The control groups' limits, for their throttling counts.
    public let limits: CgroupLimits
    /// The core domains, number 1 at index 0: each the allowed CPUs of one physical core.
    ///
    /// Never empty. Performance cores come first, then order is by package, node and lowest CPU; `offset` turns that order. There are
    /// at most as many as the quota allows, rounded up.
    public let domains: [CPUSet]

    /// Reads the machine.
    ///
    /// - Parameters:
    ///   - root: The directory that stands for `/`; default the running machine. Below another root the affinity mask
    ///     is not known: that tree's cgroup files for its recorded process decide, else what is online.
    ///   - subset: The CPUs to keep to, so that processes can share a machine; nil (default) keeps all.
    ///   - offset: How many cores to pass over before domain 1, counted round and round; default 0. With a quota, two
    ///     processes pick different cores by different offsets.
    /// - Returns: The machine, with at least one domain.
    /// - Throws: ``AffinityError``: `topologyUnavailable` or `malformedFile` from ``Topology/read(root:)``;
    ///   `emptyCPUSet` or `cpuNotAllowed` for a subset that is empty or names CPUs the process may not use;
    ///   `invalidArgument` for a negative offset. May be called from any thread; blocks on file reads.
    public static func current(
        root: String = "/", subset: CPUSet? = nil, offset: Int = 0
    ) throws(AffinityError) -> Machine {
        let topology = try Topology.read(root: root)
        let mask = SystemTree(root: root).isReal ? processMask() : nil
        return try Machine(
            topology: topology, mask: mask, limits: CgroupLimits.read(root: root), subset: subset, offset: offset)
    }

    /// Cuts a known topology into domains, as ``current(root:subset:offset:)`` does with what it has read.
    ///
    /// For machines whose `/sys` cannot be read: pass ``Topology/fallback(allowed:)``.
    ///
    /// - Parameters:
    ///   - topology: What the machine is.
    ///   - mask: The process's affinity mask, or nil where it is not known.
    ///   - limits: The control groups' limits; default none.
    ///   - subset: The CPUs to keep to, or nil.
    ///   - offset: How many cores to pass over before domain 1.
    /// - Throws: ``AffinityError`` as ``current(root:subset:offset:)`` does for `subset` and `offset`.
    public init(
        topology: Topology, mask: CPUSet?, limits: CgroupLimits = .none, subset: CPUSet? = nil, offset: Int = 0
    ) throws(AffinityError) {
        guard offset >= 0 else { throw AffinityError(.invalidArgument, "offset \(offset) is negative") }

        var allowed = Self.allowed(of: topology.online, mask, limits)
        if let subset {
            guard !subset.isEmpty else { throw AffinityError(.emptyCPUSet, "the subset of CPUs is empty") }
            let missing = subset.subtracting(allowed)
            guard missing.isEmpty else {
                throw AffinityError(
                    .cpuNotAllowed, "CPUs \(missing.listFormat) are not among those allowed: \(allowed.listFormat)")
            }
            allowed = subset
        }

        func rank(_ core: Topology.Core) -> (Int, Int, Int, Int) {
            (core.kind == .efficiency ? 1 : 0, core.package, core.node, core.cpus.first ?? 0)
        }
        let usable = topology.cores.sorted { rank($0) < rank($1) }.map { $0.cpus.intersection(allowed) }
            .filter { !$0.isEmpty }
        let turned = usable.isEmpty ? [] : usable[(offset % usable.count)...] + usable[..<(offset % usable.count)]

        self.topology = topology
        self.allowed = allowed
        self.limits = limits
        quotaCPUs = limits.quotaCPUs
        let cap = limits.quotaCPUs.map { Int(Swift.min(Swift.max(1, $0.rounded(.up)), 65_536)) } ?? .max
        domains = turned.isEmpty ? [allowed] : Array(turned.prefix(cap))
    }

    /// What the process may use of what is online.
    ///
    /// Each limit that would leave nothing contradicts what the process is: it runs, so it has a CPU.
    private static func allowed(of online: CPUSet, _ mask: CPUSet?, _ limits: CgroupLimits) -> CPUSet {
        var allowed = online
        for limit in [mask, limits.cpuset] {
            guard let limit else { continue }
            let left = allowed.intersection(limit)
            if !left.isEmpty { allowed = left }
        }
        return allowed
    }

    /// Reads what may change while a process runs: which CPUs it may use, and its quota.
    ///
    /// The mask is that of the main thread and of the calling one together: either alone may have been narrowed for a purpose of
    /// its own. Costs some ten file reads, whatever the number of CPUs. Nil where what is online cannot be read.
    package static func limits(root: String) -> (allowed: CPUSet, quotaCPUs: Double?)? {
        let tree = SystemTree(root: root)
        guard let online = try? TopologyReader(tree: tree).readOnline() else { return nil }
        let limits = CgroupLimits.read(root: root)
        var mask = tree.isReal ? processMask() : nil
        if let main = mask, let own = try? LinuxAffinity().affinity() { mask = main.union(own) }
        return (allowed(of: online, mask, limits), limits.quotaCPUs)
    }

    /// The number of the domain on a core, from 1, or nil where the core has none.
    public func domainNumber(of core: Topology.Core) -> Int? {
        core.cpus.intersection(allowed).first.flatMap(domainNumber(ofCPU:))
    }

    /// The number of the domain that holds a CPU, from 1, or nil where none does.
    public func domainNumber(ofCPU cpu: Int) -> Int? {
        domains.firstIndex { $0.contains(cpu) }.map { $0 + 1 }
    }

    /// The mask the process had when this was first used, or nil where the system does not tell.
    ///
    /// It is the main thread's, and is taken before TokenGate pins any thread. Threads and processes inherit the mask
    /// of the thread that starts them: see ``CurrentThread/withOriginalAffinity(system:body:)``.
    public static let originalMask: CPUSet? = try? LinuxAffinity().affinity(ofThread: tga_main_tid())

    /// Set once the main thread set its own mask through us: from then on its mask is not the process's.
    private static let mainThreadNarrowed = Atomic(false)

    /// To be called before the calling thread's mask is set.
    static func noteNarrowing() {
        _ = originalMask
        if tga_current_tid() == tga_main_tid() { mainThreadNarrowed.store(true, ordering: .relaxed) }
    }

    /// The process's mask now, so that a mask changed from outside is seen.
    private static func processMask() -> CPUSet? {
        let original = originalMask
        if mainThreadNarrowed.load(ordering: .relaxed) { return original }
        return (try? LinuxAffinity().affinity(ofThread: tga_main_tid())) ?? original
    }
}
