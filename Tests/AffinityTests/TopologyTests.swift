//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Foundation
import TestSupport
import Testing

@Suite("The topology is read from real trees, traps included")
struct TopologyTests {
    private func lists(_ cores: [Topology.Core]) -> [String] { cores.map(\.cpus.listFormat) }

    @Test("a plain machine: packages, nodes, cores with siblings, caches")
    func plain() throws {
        let machine = try FakeMachine()
        try machine.online("0-7").node(0, "0-3").node(1, "4-7")
        for core in 0..<4 {
            let package = core / 2
            try machine.core(
                "\(core * 2)-\(core * 2 + 1)", id: core % 2, package: package, packageCPUs: package == 0 ? "0-3" : "4-7"
            )
        }
        for cpu in 0..<8 {
            try machine.cpu(cpu, "cache/index0/level", "1").cpu(cpu, "cache/index0/type", "Data")
                .cpu(cpu, "cache/index0/size", "32K")
                .cpu(cpu, "cache/index0/shared_cpu_list", "\(cpu / 2 * 2)-\(cpu / 2 * 2 + 1)")
                .cpu(cpu, "cache/index3/level", "3").cpu(cpu, "cache/index3/type", "Unified")
                .cpu(cpu, "cache/index3/size", "16M").cpu(cpu, "cache/index3/shared_cpu_map", cpu < 4 ? "0f" : "f0")
        }
        let topology = try Topology.read(root: machine.root)
        #expect(topology.online.listFormat == "0-7")
        #expect(topology.packages.map(\.id) == [0, 1])
        #expect(topology.nodes.map(\.cpus.listFormat) == ["0-3", "4-7"])
        #expect(lists(topology.cores) == ["0-1", "2-3", "4-5", "6-7"])
        #expect(topology.cores.map(\.package) == [0, 0, 1, 1] && topology.cores.map(\.node) == [0, 0, 1, 1])
        #expect(topology.cores.allSatisfy { $0.kind == .uniform })
        #expect(topology.caches.map(\.level) == [1, 1, 1, 1, 3, 3])
        #expect(topology.caches.first?.size == 32_768 && topology.caches.first?.contents == .data)
        #expect(topology.caches.last?.cpus.listFormat == "4-7" && topology.caches.last?.size == 16 << 20)
        #expect(topology.core(ofCPU: 5)?.cpus.listFormat == "4-5" && topology.core(ofCPU: 9) == nil)
    }

    @Test("trap: files that end in NUL")
    func nul() throws {
        let machine = try FakeMachine()
        try machine.file("sys/devices/system/cpu/online", "0-1\n\0")
            .file("sys/devices/system/cpu/cpu0/topology/core_cpus_list", "0-1\0")
            .file("sys/devices/system/cpu/cpu0/topology/physical_package_id", "3\n\0\0")
            .file("sys/devices/system/cpu/cpu0/topology/package_cpus", "00000003\n\0")
        let topology = try Topology.read(root: machine.root)
        #expect(lists(topology.cores) == ["0-1"] && topology.packages.map(\.id) == [3])
    }

    @Test("trap: old trees with comma-grouped masks, thread_siblings, and no list anywhere")
    func oldMasks() throws {
        let machine = try FakeMachine()
        try machine.file("sys/devices/system/cpu/present", "0-1,32-33\n")
        for cpu in [0, 1, 32, 33] {
            try machine.cpu(cpu, "topology/thread_siblings", cpu % 2 == 0 ? "00000001,00000001" : "00000002,00000002")
                .cpu(cpu, "topology/core_siblings", "00000003,00000003")
                .cpu(cpu, "topology/physical_package_id", "0")
        }
        try machine.file("sys/devices/system/node/node0/cpumap", "00000003,00000003\n")
        let topology = try Topology.read(root: machine.root)
        #expect(lists(topology.cores) == ["0,32", "1,33"])
        #expect(topology.packages.count == 1 && topology.nodes.map(\.cpus.listFormat) == ["0-1,32-33"])
    }

    @Test("trap: without `online`, what is present and not offline; without that, the cpuN folders")
    func noOnline() throws {
        let machine = try FakeMachine()
        for cpu in [0, 2, 5] { try machine.cpu(cpu, "topology/core_id", "\(cpu)") }
        try machine.cpu(5, "online", "0").directory("sys/devices/system/cpu/cpu9").directory(
            "sys/devices/system/cpu/cpufreq")
        #expect(try Topology.read(root: machine.root).online.listFormat == "0,2")
        try machine.file("sys/devices/system/cpu/present", "0-5\n")
        #expect(try Topology.read(root: machine.root).online.listFormat == "0,2")
    }

    @Test("trap: a core without any sibling file is told by node, package and core id together")
    func coreIDs() throws {
        let machine = try FakeMachine()
        try machine.online("0-7").node(0, "0-7")
        for cpu in 0..<8 {  // two packages of two cores of two threads; core ids repeat
            try machine.cpu(cpu, "topology/physical_package_id", "\(cpu / 4)")
                .cpu(cpu, "topology/core_id", "\(cpu / 2 % 2)")
        }
        let topology = try Topology.read(root: machine.root)
        #expect(lists(topology.cores) == ["0-1", "2-3", "4-5", "6-7"])
        #expect(topology.packages.map(\.cpus.listFormat) == ["0-3", "4-7"])
    }

    @Test("trap: package ids of -1")
    func packageMinusOne() throws {
        let machine = try FakeMachine()
        try machine.online("0-3").node(0, "0-3")
        for cpu in 0..<4 { try machine.core("\(cpu)", id: -1, package: -1, packageCPUs: cpu < 2 ? "0-1" : "2-3") }
        let topology = try Topology.read(root: machine.root)
        #expect(topology.packages.map(\.id) == [0, 1] && topology.cores.map(\.package) == [0, 0, 1, 1])

        let bare = try FakeMachine()
        try bare.online("0-1")
        for cpu in 0..<2 { try bare.cpu(cpu, "topology/physical_package_id", "-1").cpu(cpu, "topology/core_id", "-1") }
        #expect(try Topology.read(root: bare.root).packages.count == 1)
        #expect(try Topology.read(root: bare.root).cores.count == 2)
    }

    @Test("trap: package ids that repeat across nodes, with masks and without", arguments: [true, false])
    func repeatedPackages(_ masks: Bool) throws {
        let machine = try FakeMachine()
        try machine.online("0-3").node(0, "0-1").node(4, "2-3")
        for cpu in 0..<4 {
            try machine.cpu(cpu, "topology/physical_package_id", "0").cpu(cpu, "topology/core_id", "\(cpu % 2)")
            if masks { try machine.cpu(cpu, "topology/core_siblings", cpu < 2 ? "3" : "c") }
        }
        let topology = try Topology.read(root: machine.root)
        #expect(topology.packages.map(\.cpus.listFormat) == ["0-1", "2-3"])
        #expect(topology.packages.map(\.id) == [0, 1] && topology.cores.map(\.package) == [0, 0, 1, 1])
        #expect(topology.cores.count == 4)
    }

    @Test("one package may hold several nodes")
    func nodesInOnePackage() throws {
        let machine = try FakeMachine()
        try machine.online("0-3").node(0, "0-1").node(1, "2-3")
        for cpu in 0..<4 {
            try machine.cpu(cpu, "topology/physical_package_id", "0").cpu(cpu, "topology/core_id", "\(cpu)")
        }
        #expect(try Topology.read(root: machine.root).packages.count == 1)
    }

    @Test("trap: sparse node ids, and nodes without CPUs")
    func nodes() throws {
        let machine = try FakeMachine.uniform(cores: 2)
        try machine.node(0, "").node(8, "0-1").node(252, "").file("sys/devices/system/node/online", "0,8,252\n")
        let topology = try Topology.read(root: machine.root)
        #expect(topology.nodes.map(\.id) == [0, 8, 252] && topology.nodes.map(\.cpus.count) == [0, 2, 0])
        #expect(topology.cores.map(\.node) == [8, 8])
    }

    @Test("a kernel without NUMA has one node")
    func noNUMA() throws {
        let machine = try FakeMachine()
        try machine.online("0-1")
        #expect(try Topology.read(root: machine.root).nodes.map(\.cpus.listFormat) == ["0-1"])
    }

    @Test("trap: SMT that differs per core, 8 of 16 siblings offline")
    func halfOffline() throws {
        let machine = try FakeMachine.uniform(cores: 16, threads: 2)
        try machine.online("0-15," + (8..<16).map { "\($0 * 2)" }.joined(separator: ","))
        let topology = try Topology.read(root: machine.root)
        #expect(topology.cores.count == 16)
        #expect(topology.cores.map(\.cpus.count) == Array(repeating: 2, count: 8) + Array(repeating: 1, count: 8))
    }

    @Test("trap: hybrid Intel has no cpu_capacity, only another maximum frequency; favoured cores are no kind")
    func hybridFrequency() throws {
        let machine = try FakeMachine.uniform(cores: 6)
        for (cpu, frequency) in [5_800_000, 5_600_000, 5_600_000, 5_600_000, 4_300_000, 4_300_000].enumerated() {
            try machine.cpu(cpu, "cpufreq/cpuinfo_max_freq", "\(frequency)")
        }
        let kinds = try Topology.read(root: machine.root).cores.map(\.kind)
        #expect(kinds == [.performance, .performance, .performance, .performance, .efficiency, .efficiency])
        for cpu in 4..<6 { try machine.cpu(cpu, "cpufreq/cpuinfo_max_freq", "5600000") }
        #expect(try Topology.read(root: machine.root).cores.allSatisfy { $0.kind == .uniform })
    }

    @Test("hybrid Intel's monitoring units list their CPUs")
    func hybridUnits() throws {
        let machine = try FakeMachine.uniform(cores: 4)
        try machine.file("sys/devices/cpu_core/cpus", "0-1\n").file("sys/devices/cpu_atom/cpus", "2-3\n")
        #expect(
            try Topology.read(root: machine.root).cores.map(\.kind) == [
                .performance, .performance, .efficiency, .efficiency,
            ])
    }

    @Test("trap: ARM clusters are no cores, and capacity tells the kinds")
    func armClusters() throws {
        let machine = try FakeMachine.uniform(cores: 8)
        for cpu in 0..<8 {
            try machine.cpu(cpu, "topology/cluster_cpus_list", cpu < 4 ? "0-3" : "4-7")
                .cpu(cpu, "cpu_capacity", cpu < 4 ? "250" : cpu < 7 ? "750" : "1024")
        }
        let topology = try Topology.read(root: machine.root)
        #expect(topology.cores.count == 8)
        #expect(topology.cores.filter { $0.kind == .performance }.map { $0.cpus.first } == [4, 5, 6, 7])
    }

    @Test("trap: CPU numbers that are neither dense nor small")
    func sparseCPUs() throws {
        let machine = try FakeMachine()
        try machine.online("3,1030-1031,4000")
        try machine.core("1030-1031", id: 7, packageCPUs: "1030-1031,4000")
        #expect(lists(try Topology.read(root: machine.root).cores) == ["3", "1030-1031", "4000"])
    }

    @Test("siblings that contradict each other still give each CPU exactly one core")
    func contradictions() throws {
        let machine = try FakeMachine()
        try machine.online("0-3")
        for (cpu, list) in [(0, "0-2"), (1, "1-3"), (2, "0"), (3, "garbage")] {
            try machine.cpu(cpu, "topology/core_cpus_list", list)
        }
        #expect(lists(try Topology.read(root: machine.root).cores) == ["0-2", "3"])
    }

    @Test("C12: an absent /sys is a typed error that names it, and the fallback has one core per CPU")
    func absent() throws {
        let machine = try FakeMachine()
        let error = try #require(throws: AffinityError.self) { try Topology.read(root: machine.root) }
        #expect(error.code == .topologyUnavailable && error.message.contains(machine.root))
        let missing = try #require(throws: AffinityError.self) { try Topology.read(root: "/no/such/root") }
        #expect(missing.code == .topologyUnavailable && missing.message.contains("/no/such/root"))

        let fallback = Topology.fallback(allowed: try CPUSet(list: "2,5"))
        #expect(lists(fallback.cores) == ["2", "5"] && fallback.packages.count == 1 && fallback.nodes.count == 1)
        #expect(Topology.fallback(allowed: CPUSet()).cores.count == 1)
    }

    @Test("C12: a damaged list of online CPUs is a typed error that names file and text")
    func damaged() throws {
        let machine = try FakeMachine().online("0-three")
        let error = try #require(throws: AffinityError.self) { try Topology.read(root: machine.root) }
        #expect(error.code == .malformedFile)
        #expect(error.message.contains("cpu/online") && error.message.contains("three"))
    }

    @Test("this machine can be read, and every online CPU has its place")
    func thisMachine() throws {
        let topology = try Topology.read()
        #expect(topology.cores.reduce(CPUSet()) { $0.union($1.cpus) } == topology.online)
        #expect(topology.cores.reduce(0) { $0 + $1.cpus.count } == topology.online.count)
        #expect(topology.packages.reduce(CPUSet()) { $0.union($1.cpus) } == topology.online)
        #expect(topology.nodes.reduce(CPUSet()) { $0.union($1.cpus) } == topology.online)
    }
}
