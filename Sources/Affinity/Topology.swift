//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What the machine is: its online CPUs and how they hang together.
///
/// A plain value, read once; hotplug after that is not seen. What the process may *use* of it is ``Machine``'s matter.
/// Sources: the kernel's `Documentation/ABI/stable/sysfs-devices-system-cpu` and
/// `Documentation/admin-guide/cputopology.rst`.
public struct Topology: Sendable, Hashable {
    /// What kind of core a core is, on machines that have more than one.
    public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// A fast core of a hybrid machine.
        case performance
        /// A frugal core of a hybrid machine.
        case efficiency
        /// The only kind there is.
        case uniform
    }

    /// A physical core.
    public struct Core: Sendable, Hashable {
        /// The id of its package.
        public let package: Int
        /// The id of its NUMA node.
        public let node: Int
        /// Its kind.
        public let kind: Kind
        /// Its online CPUs: one, or several SMT siblings.
        public let cpus: CPUSet

        /// Describes a core.
        public init(package: Int, node: Int, kind: Kind, cpus: CPUSet) {
            self.package = package
            self.node = node
            self.kind = kind
            self.cpus = cpus
        }
    }

    /// A package: what sits in one socket.
    public struct Package: Sendable, Hashable {
        /// The kernel's id where every package has one of its own, else an ordinal from 0 by lowest CPU.
        public let id: Int
        /// Its online CPUs.
        public let cpus: CPUSet
    }

    /// A NUMA node.
    public struct Node: Sendable, Hashable {
        /// The kernel's id; ids may have gaps.
        public let id: Int
        /// Its online CPUs: none for a node that is memory alone (HBM, CXL, GPU).
        public let cpus: CPUSet
    }

    /// A cache.
    public struct Cache: Sendable, Hashable {
        /// What a cache holds.
        public enum Contents: String, Sendable, Hashable, Codable {
            /// Data alone.
            case data
            /// Instructions alone.
            case instruction
            /// Both.
            case unified
            /// Not told.
            case unknown
        }

        /// Its level, 1 being closest to the core.
        public let level: Int
        /// What it holds.
        public let contents: Contents
        /// Its size in bytes, or nil where it is not told.
        public let size: Int?
        /// The online CPUs that share it.
        public let cpus: CPUSet
    }

    /// The CPUs that are online.
    public let online: CPUSet
    /// The packages that have an online CPU, by id.
    public let packages: [Package]
    /// The NUMA nodes, by id; without NUMA one node 0 that holds every online CPU.
    public let nodes: [Node]
    /// The physical cores that have an online CPU, by package, node, then lowest CPU.
    public let cores: [Core]
    /// The caches, by level, contents, then lowest CPU; empty where they are not told.
    public let caches: [Cache]

    /// The topology to go on with where ``read(root:)`` fails: one package, one node, one core per CPU.
    ///
    /// - Parameter allowed: The CPUs, usually ``CurrentThread/affinity(system:)``. An empty set becomes CPU 0.
    public static func fallback(allowed: CPUSet) -> Topology {
        let online = allowed.isEmpty ? CPUSet(validated: 0) : allowed
        return Topology(
            online: online,
            packages: [Package(id: 0, cpus: online)],
            nodes: [Node(id: 0, cpus: online)],
            cores: online.map { Core(package: 0, node: 0, kind: .uniform, cpus: CPUSet(validated: $0)) },
            caches: []
        )
    }

    /// Reads the topology below a root.
    ///
    /// Reads `sys/devices/system/cpu` and `sys/devices/system/node`, each fact from the newest file that has it; old
    /// kernels, missing files and odd ids are coped with as `Docs/Affinity.md` says. Costs a few file reads per CPU:
    /// read once, keep the value. May be called from any thread; blocks on file reads.
    ///
    /// - Parameter root: The directory that stands for `/`; default the running machine.
    /// - Throws: ``AffinityError`` with code `topologyUnavailable` where no CPU is described, `malformedFile` where the
    ///   list of online CPUs cannot be understood.
    public static func read(root: String = "/") throws(AffinityError) -> Topology {
        try TopologyReader(tree: SystemTree(root: root)).read()
    }

    /// The core that holds the CPU, or nil where the CPU is not online.
    public func core(ofCPU cpu: Int) -> Core? { cores.first { $0.cpus.contains(cpu) } }
}
