//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// What `tokengate topology` prints.
///
/// The keys are a promise to scripts: exactly these, absent values as null.
struct TopologyReport: Encodable {
    struct Node: Encodable {
        let id: Int
        let cpus: [Int]
    }

    struct Core: Encodable {
        let domain: Int?
        let package: Int
        let node: Int
        let kind: String
        let cpus: [Int]

        enum CodingKeys: String, CodingKey { case domain, package, node, kind, cpus }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(domain, forKey: .domain)  // null where nil: encodeIfPresent would leave it out
            try container.encode(package, forKey: .package)
            try container.encode(node, forKey: .node)
            try container.encode(kind, forKey: .kind)
            try container.encode(cpus, forKey: .cpus)
        }
    }

    let machine: Machine
    let cores: [Core]

    enum CodingKeys: String, CodingKey { case online, allowed, packages, numaNodes, cores, quotaCPUs, domains }

    init(_ machine: Machine) {
        self.machine = machine
        cores = machine.topology.cores.map { core in
            Core(
                domain: machine.domainNumber(of: core), package: core.package, node: core.node,
                kind: core.kind.rawValue, cpus: Array(core.cpus))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Array(machine.topology.online), forKey: .online)
        try container.encode(Array(machine.allowed), forKey: .allowed)
        try container.encode(machine.topology.packages.count, forKey: .packages)
        try container.encode(
            machine.topology.nodes.map { Node(id: $0.id, cpus: Array($0.cpus)) }, forKey: .numaNodes)
        try container.encode(cores, forKey: .cores)
        try container.encode(machine.quotaCPUs, forKey: .quotaCPUs)
        try container.encode(machine.domains.count, forKey: .domains)
    }

    /// The report for people.
    var table: String {
        func shown(_ cpus: CPUSet) -> String { cpus.isEmpty ? "none" : cpus.listFormat }
        var lines = [
            "online CPUs   \(shown(machine.topology.online))",
            "allowed CPUs  \(shown(machine.allowed))",
            "quota         \(machine.quotaCPUs.map { "\($0) CPUs" } ?? "none")",
            "packages      \(machine.topology.packages.count)",
        ]
        for node in machine.topology.nodes { lines.append("NUMA node \(node.id)   \(shown(node.cpus))") }
        lines += ["core domains  \(machine.domains.count)", ""]

        var rows = [["domain", "package", "node", "kind", "cpus"]]
        for (core, described) in zip(cores, machine.topology.cores) {
            rows.append([
                core.domain.map(String.init) ?? "-", "\(core.package)", "\(core.node)", core.kind,
                described.cpus.listFormat,
            ])
        }
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var line = Substring(cells.joined(separator: "  "))
            while line.last == " " { line.removeLast() }
            lines.append(String(line))
        }
        return lines.joined(separator: "\n")
    }
}
