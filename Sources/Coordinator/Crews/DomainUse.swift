//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity

/// What becomes of a domain when what the process may use has changed.
struct DomainUse: Equatable {
    /// The CPUs for its threads.
    var cpus: CPUSet
    /// Why it is retired; nil where it is used.
    var reason: String?

    /// Decides for all domains, from the front.
    ///
    /// A domain without an allowed CPU goes. A quota leaves as many of the others as it has CPUs, rounded up. At least one stays. Threads of those that go run on the CPUs of those that stay.
    static func of(_ domains: [CPUSet], allowed: CPUSet, quotaCPUs: Double?) -> [DomainUse] {
        let most = quotaCPUs.map { Int(min(max(1, $0.rounded(.up)), 65_536)) } ?? .max
        var uses: [DomainUse] = []
        var left = CPUSet()
        var used = 0
        for cpus in domains {
            let rest = cpus.intersection(allowed)
            if rest.isEmpty {
                uses.append(DomainUse(cpus: cpus, reason: "its CPUs, \(cpus.listFormat), are offline or not allowed"))
            } else if used >= most {
                uses.append(DomainUse(cpus: cpus, reason: "the quota is \(quotaCPUs ?? 0) CPUs"))
            } else {
                used += 1
                left = left.union(rest)
                uses.append(DomainUse(cpus: rest, reason: nil))
            }
        }
        if used == 0, !uses.isEmpty {
            // What is read contradicts that the process runs; or it was moved to CPUs that are in no domain.
            left = allowed.isEmpty ? domains[0] : allowed
            uses[0] = DomainUse(cpus: left, reason: nil)
        }
        for index in uses.indices where uses[index].reason != nil { uses[index].cpus = left }
        return uses
    }
}
