//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// What `tokengate topology` prints for people; for scripts it prints the machine as JSON.
struct TopologyReport {
    let machine: Machine

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
        for core in machine.topology.cores {
            rows.append([
                machine.domainNumber(of: core).map(String.init) ?? "-", "\(core.package)", "\(core.node)",
                core.kind.rawValue, core.cpus.listFormat,
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
