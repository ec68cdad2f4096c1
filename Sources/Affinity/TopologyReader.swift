//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Puts a ``Topology`` together from the files of a tree.
///
/// Every set read is first cut to the online CPUs, and every CPU ends in exactly one core, package and node, whatever
/// the files say: where they contradict each other, the lower CPU's file wins.
struct TopologyReader {
    static let cpuRoot = "sys/devices/system/cpu"
    static let nodeRoot = "sys/devices/system/node"

    let tree: SystemTree

    func directory(_ cpu: Int) -> String { "\(Self.cpuRoot)/cpu\(cpu)" }

    func read() throws(AffinityError) -> Topology {
        let online = try readOnline()
        let nodes = readNodes(online: online)
        let nodeOf = Self.owners(nodes.map { ($0.id, $0.cpus) })
        func node(_ cpu: Int) -> Int { nodeOf[cpu] ?? nodes.first?.id ?? 0 }

        let coreSets = readCores(online: online, node: node)
        let packages = readPackages(online: online, coreSets: coreSets, node: node)
        let packageOf = Self.owners(packages.map { ($0.id, $0.cpus) })
        let performance = performanceCPUs(online: online)

        let cores = coreSets.map { cpus in
            let cpu = cpus.first ?? 0
            return Topology.Core(
                package: packageOf[cpu] ?? 0,
                node: node(cpu),
                kind: performance.map { $0.contains(cpu) ? .performance : .efficiency } ?? .uniform,
                cpus: cpus
            )
        }
        return Topology(
            online: online,
            packages: packages,
            nodes: nodes,
            cores: cores.sorted {
                ($0.package, $0.node, $0.cpus.first ?? 0) < ($1.package, $1.node, $1.cpus.first ?? 0)
            },
            caches: readCaches(online: online)
        )
    }

    /// `online`; where it is missing `present`, where that is missing the `cpuN` folders, less what says it is offline.
    func readOnline() throws(AffinityError) -> CPUSet {
        func named(_ name: String) throws(AffinityError) -> CPUSet? {
            let path = "\(Self.cpuRoot)/\(name)"
            guard let text = tree.text(path) else { return nil }
            do {
                let set = try CPUSet(list: text)
                return set.isEmpty ? nil : set
            } catch {
                throw AffinityError(.malformedFile, "\(tree.path(path)): \(error.message)", cause: error)
            }
        }
        if let online = try named("online") { return online }

        var folders = CPUSet()
        for cpu in tree.numbers(Self.cpuRoot, prefix: "cpu") where cpu <= CPUSet.maximumCPU { folders.set(cpu) }
        var online = try named("present") ?? folders
        // The kernel takes the topology folder of a CPU away with the CPU.
        let described = folders.filter { tree.isDirectory("\(directory($0))/topology") }
        for cpu in online where tree.integer("\(directory(cpu))/online") == 0 { online.remove(cpu) }
        if !described.isEmpty {
            for cpu in online where !described.contains(cpu) { online.remove(cpu) }
        }
        guard !online.isEmpty else {
            throw AffinityError(.topologyUnavailable, "no CPU is described in '\(tree.path(Self.cpuRoot))'")
        }
        return online
    }

    private func readNodes(online: CPUSet) -> [Topology.Node] {
        let ids = tree.numbers(Self.nodeRoot, prefix: "node")
        guard !ids.isEmpty else { return [Topology.Node(id: 0, cpus: online)] }
        var unclaimed = online
        var sets: [CPUSet] = []
        for id in ids {
            let told = tree.cpus("\(Self.nodeRoot)/node\(id)", [("cpulist", "cpumap")]) ?? CPUSet()
            let cpus = told.intersection(unclaimed)
            unclaimed = unclaimed.subtracting(cpus)
            sets.append(cpus)
        }
        // What no node claims may still name its node: cpuN/nodeM.
        for cpu in unclaimed {
            let named = tree.numbers(directory(cpu), prefix: "node").first.flatMap { ids.firstIndex(of: $0) }
            sets[named ?? 0].set(cpu)
        }
        return zip(ids, sets).map { Topology.Node(id: $0, cpus: $1) }
    }

    /// The physical cores, by lowest CPU: groups of SMT siblings.
    private func readCores(online: CPUSet, node: (Int) -> Int) -> [CPUSet] {
        var unclaimed = online
        var cores: [CPUSet] = []
        for cpu in online where unclaimed.contains(cpu) {
            let siblings = tree.cpus(
                "\(directory(cpu))/topology",
                [("core_cpus_list", "core_cpus"), ("thread_siblings_list", "thread_siblings")]
            )
            var core = (siblings ?? sameCoreID(cpu, among: unclaimed, node: node)).intersection(unclaimed)
            core.set(cpu)
            unclaimed = unclaimed.subtracting(core)
            cores.append(core)
        }
        return cores
    }

    /// Without sibling files: the CPUs that agree in node, package id and core id.
    ///
    /// A core id alone says nothing, since core ids repeat across packages.
    private func sameCoreID(_ cpu: Int, among cpus: CPUSet, node: (Int) -> Int) -> CPUSet {
        func id(_ cpu: Int, _ name: String) -> Int? { tree.integer("\(directory(cpu))/topology/\(name)") }
        var core = CPUSet(validated: cpu)
        guard let coreID = id(cpu, "core_id"), coreID >= 0 else { return core }
        let package = id(cpu, "physical_package_id")
        for other in cpus
        where id(other, "core_id") == coreID && id(other, "physical_package_id") == package
            && node(other) == node(cpu)
        {
            core.set(other)
        }
        return core
    }

    private func readPackages(online: CPUSet, coreSets: [CPUSet], node: (Int) -> Int) -> [Topology.Package] {
        var unclaimed = online
        var groups: [(id: Int, cpus: CPUSet)] = []
        var unmasked: [CPUSet] = []
        for core in coreSets {
            guard let cpu = core.first, unclaimed.contains(cpu) else { continue }
            let topology = "\(directory(cpu))/topology"
            let mask = tree.cpus(
                topology, [("package_cpus_list", "package_cpus"), ("core_siblings_list", "core_siblings")])
            guard let mask else {
                unmasked.append(core)
                continue
            }
            // A core is never torn: one that begins in this package is in it whole.
            let told = mask.intersection(unclaimed)
            let cpus = coreSets.reduce(core) { told.contains($1.first ?? -1) ? $0.union($1) : $0 }
            unclaimed = unclaimed.subtracting(cpus)
            groups.append((tree.integer("\(topology)/physical_package_id") ?? -1, cpus))
        }
        groups += packagesByID(unmasked.filter { unclaimed.contains($0.first ?? -1) }, node: node)
        groups.sort { ($0.cpus.first ?? 0) < ($1.cpus.first ?? 0) }

        let ids = groups.map(\.id)
        let usable = ids.allSatisfy { $0 >= 0 } && Set(ids).count == ids.count
        return groups.enumerated().map { Topology.Package(id: usable ? $1.id : $0, cpus: $1.cpus) }
            .sorted { $0.id < $1.id }
    }

    /// Without package masks: cores of one package id belong together, unless a core id comes twice under it in two
    /// nodes.
    ///
    /// Then the package ids repeat across nodes, and each node has a package of its own.
    private func packagesByID(_ cores: [CPUSet], node: (Int) -> Int) -> [(id: Int, cpus: CPUSet)] {
        struct Key: Hashable { var package: Int, node: Int }
        struct CoreKey: Hashable { var package: Int, core: Int }
        func id(_ core: CPUSet, _ name: String) -> Int {
            tree.integer("\(directory(core.first ?? 0))/topology/\(name)") ?? -1
        }
        var nodesOfCoreID: [CoreKey: Set<Int>] = [:]
        var repeating: Set<Int> = []
        for core in cores {
            let key = CoreKey(package: id(core, "physical_package_id"), core: id(core, "core_id"))
            guard key.core >= 0 else { continue }
            nodesOfCoreID[key, default: []].insert(node(core.first ?? 0))
            if nodesOfCoreID[key, default: []].count > 1 { repeating.insert(key.package) }
        }
        var groups: [Key: CPUSet] = [:]
        for core in cores {
            let package = id(core, "physical_package_id")
            let key = Key(package: package, node: repeating.contains(package) ? node(core.first ?? 0) : -1)
            groups[key] = groups[key, default: CPUSet()].union(core)
        }
        return groups.map { ($0.package, $1) }
    }

    /// The owner of each CPU.
    private static func owners(_ sets: [(Int, CPUSet)]) -> [Int: Int] {
        var owners: [Int: Int] = [:]
        for (id, cpus) in sets {
            for cpu in cpus { owners[cpu] = id }
        }
        return owners
    }
}
