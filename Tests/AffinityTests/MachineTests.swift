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

@Suite("What the process may use, cut into core domains")
struct MachineTests {
    private func domains(_ machine: Machine) -> [String] { machine.domains.map(\.listFormat) }

    @Test("a domain is a physical core: siblings included, restricted to what is allowed")
    func perCore() throws {
        let machine = try FakeMachine.uniform(cores: 4, threads: 2).cgroup2("/a")
        try machine.file("sys/fs/cgroup/a/cpuset.cpus.effective", "1-3,6\n")
        let read = try Machine.current(root: machine.root)
        #expect(read.allowed.listFormat == "1-3,6")
        #expect(domains(read) == ["1", "2-3", "6"])
        #expect(read.topology.cores.map { read.domainNumber(of: $0) } == [1, 2, nil, 3])
        #expect(read.domainNumber(ofCPU: 3) == 2 && read.domainNumber(ofCPU: 0) == nil)
    }

    @Test("below an injected root without groups, allowed is what is online")
    func onlineOnly() throws {
        let machine = try FakeMachine.uniform(cores: 3)
        let read = try Machine.current(root: machine.root)
        #expect(read.allowed.listFormat == "0-2" && read.quotaCPUs == nil)
        #expect(domains(read) == ["0", "1", "2"])
    }

    @Test(
        "the quota caps the number of domains, rounded up, never to zero",
        arguments: [
            ("1000 100000", 1), ("100000 100000", 1), ("150000 100000", 2), ("200000 100000", 2), ("9900000 100000", 4),
            ("9000000000000000000 1", 4),
        ])
    func quota(_ text: String, _ count: Int) throws {
        let machine = try FakeMachine.uniform(cores: 4, threads: 2).cgroup2("/")
        try machine.file("sys/fs/cgroup/cpu.max", text + "\n")
        let read = try Machine.current(root: machine.root)
        #expect(read.domains.count == count && read.allowed.count == 8)
        #expect(domains(read).first == "0-1")
    }

    @Test("performance cores come first, the rest by package, node and lowest CPU")
    func order() throws {
        let machine = try FakeMachine.uniform(cores: 4).cgroup2("/")
        for cpu in 0..<4 { try machine.cpu(cpu, "cpu_capacity", cpu < 2 ? "400" : "1024") }
        #expect(domains(try Machine.current(root: machine.root)) == ["2", "3", "0", "1"])
        try machine.file("sys/fs/cgroup/cpu.max", "200000 100000\n")
        #expect(domains(try Machine.current(root: machine.root)) == ["2", "3"])

        let crossed = try FakeMachine()
        try crossed.online("0-3").node(0, "0-3")
        for cpu in 0..<4 {
            try crossed.core("\(cpu)", id: cpu / 2, package: cpu % 2, packageCPUs: cpu % 2 == 0 ? "0,2" : "1,3")
        }
        #expect(domains(try Machine.current(root: crossed.root)) == ["0", "2", "1", "3"])
    }

    @Test("two processes pick different cores by subset or by offset")
    func sharing() throws {
        let machine = try FakeMachine.uniform(cores: 4).cgroup2("/")
        let root = machine.root
        #expect(domains(try Machine.current(root: root, subset: CPUSet(list: "2-3"))) == ["2", "3"])
        try machine.file("sys/fs/cgroup/cpu.max", "200000 100000\n")
        #expect(domains(try Machine.current(root: root, offset: 0)) == ["0", "1"])
        #expect(domains(try Machine.current(root: root, offset: 2)) == ["2", "3"])
        #expect(domains(try Machine.current(root: root, offset: 7)) == ["3", "0"])
    }

    @Test("C12: a bad subset or offset is refused by name")
    func badOptions() throws {
        let machine = try FakeMachine.uniform(cores: 2)
        func error(_ body: () throws -> Machine) throws -> AffinityError {
            try #require(throws: AffinityError.self) { _ = try body() }
        }
        let absent = try error { try Machine.current(root: machine.root, subset: CPUSet(list: "1,9")) }
        #expect(absent.code == .cpuNotAllowed && absent.message.contains("9"))
        #expect(try error { try Machine.current(root: machine.root, subset: CPUSet()) }.code == .emptyCPUSet)
        let offset = try error { try Machine.current(root: machine.root, offset: -1) }
        #expect(offset.code == .invalidArgument && offset.message.contains("-1"))
    }

    @Test("online is not allowed: the mask counts, and one that contradicts the rest does not leave zero domains")
    func mask() throws {
        let topology = Topology.fallback(allowed: try CPUSet(list: "0-3"))
        #expect(domains(try Machine(topology: topology, mask: CPUSet(list: "1,3,9"))) == ["1", "3"])
        #expect(domains(try Machine(topology: topology, mask: CPUSet(list: "9"))).count == 4)
    }

    @Test("this process: allowed is within its mask, and there is at least one domain, each within allowed")
    func thisProcess() throws {
        let machine = try Machine.current()
        let mask = try #require(Machine.originalMask)
        #expect(machine.allowed.isSubset(of: mask) && !machine.allowed.isEmpty)
        #expect(!machine.domains.isEmpty)
        #expect(machine.domains.allSatisfy { !$0.isEmpty && $0.isSubset(of: machine.allowed) })
    }
}
