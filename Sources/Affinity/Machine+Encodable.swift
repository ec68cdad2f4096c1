//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The keys are a promise to scripts: exactly these, absent values as null.
///
/// `online` [cpu], `allowed` [cpu], `packages` n, `numaNodes` [{`id`, `cpus`}], `cores` [{`domain`, `package`, `node`, `kind`,
/// `cpus`}], `quotaCPUs` number or null, `domains` n.
extension Machine: Encodable {
    private enum Keys: String, CodingKey { case online, allowed, packages, numaNodes, cores, quotaCPUs, domains }

    private struct Node: Encodable {
        let id: Int
        let cpus: [Int]
    }

    private struct Core: Encodable {
        enum Keys: String, CodingKey { case domain, package, node, kind, cpus }

        let core: Topology.Core
        let domain: Int?

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(domain, forKey: .domain)  // null where nil: encodeIfPresent would leave it out
            try container.encode(core.package, forKey: .package)
            try container.encode(core.node, forKey: .node)
            try container.encode(core.kind, forKey: .kind)
            try container.encode(Array(core.cpus), forKey: .cpus)
        }
    }

    /// One object with those keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(Array(topology.online), forKey: .online)
        try container.encode(Array(allowed), forKey: .allowed)
        try container.encode(topology.packages.count, forKey: .packages)
        try container.encode(topology.nodes.map { Node(id: $0.id, cpus: Array($0.cpus)) }, forKey: .numaNodes)
        try container.encode(topology.cores.map { Core(core: $0, domain: domainNumber(of: $0)) }, forKey: .cores)
        try container.encode(quotaCPUs, forKey: .quotaCPUs)
        try container.encode(domains.count, forKey: .domains)
    }
}
