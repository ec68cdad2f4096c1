//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

extension TopologyReader {
    /// The performance CPUs of a hybrid machine, or nil where all CPUs are of one kind.
    ///
    /// Asked in this order: the performance-monitoring units, which on hybrid Intel list their CPUs; the scheduler's
    /// `cpu_capacity`; the maximum frequency.
    func performanceCPUs(online: CPUSet) -> CPUSet? {
        let fast = (tree.list("sys/devices/cpu_core/cpus") ?? CPUSet()).intersection(online)
        let slow = ["cpu_atom", "cpu_lowpower"].reduce(CPUSet()) {
            $0.union(tree.list("sys/devices/\($1)/cpus") ?? CPUSet())
        }
        if !fast.isEmpty, !slow.intersection(online).isEmpty { return fast }

        let types = "\(Self.cpuRoot)/types"
        let core = tree.names(types).filter { $0.hasPrefix("intel_core") || $0 == "cpu_core" }
        let named = core.reduce(CPUSet()) { $0.union(tree.cpus("\(types)/\($1)", [("cpulist", "cpumap")]) ?? CPUSet()) }
            .intersection(online)
        if !named.isEmpty, named != online { return named }

        return upperClass(online) { tree.integer("\(directory($0))/cpu_capacity") }
            ?? upperClass(online) { tree.integer("\(directory($0))/cpufreq/cpuinfo_max_freq") }
    }

    /// The CPUs above the widest relative gap between the values, or nil where a value is missing or no gap reaches a
    /// tenth: cores of one kind differ by a few percent (favoured cores), cores of two kinds by far more.
    private func upperClass(_ online: CPUSet, value: (Int) -> Int?) -> CPUSet? {
        var values: [Int: Int] = [:]
        for cpu in online {
            guard let value = value(cpu), value > 0 else { return nil }
            values[cpu] = value
        }
        let steps = Set(values.values).sorted()
        let gaps = zip(steps, steps.dropFirst()).map { (ratio: Double($1) / Double($0), above: $1) }
        guard let widest = gaps.max(by: { $0.ratio < $1.ratio }), widest.ratio >= 1.1 else { return nil }
        var fast = CPUSet()
        for (cpu, value) in values where value >= widest.above { fast.set(cpu) }
        return fast
    }

    func readCaches(online: CPUSet) -> [Topology.Cache] {
        var caches: Set<Topology.Cache> = []
        for cpu in online {
            let folder = "\(directory(cpu))/cache"
            for index in tree.numbers(folder, prefix: "index") {
                let cache = "\(folder)/index\(index)"
                guard let level = tree.integer("\(cache)/level"), level > 0 else { continue }
                var cpus = (tree.cpus(cache, [("shared_cpu_list", "shared_cpu_map")]) ?? CPUSet()).intersection(online)
                cpus.set(cpu)
                // Each CPU that shares the cache describes it; its lowest speaks for all.
                guard cpus.first == cpu else { continue }
                let type = tree.fields("\(cache)/type")?.first.map { $0.lowercased() }
                caches.insert(
                    Topology.Cache(
                        level: level,
                        contents: type.flatMap { Topology.Cache.Contents(rawValue: $0) } ?? .unknown,
                        size: tree.fields("\(cache)/size")?.first.flatMap(Self.bytes),
                        cpus: cpus
                    )
                )
            }
        }
        return caches.sorted {
            ($0.level, $0.contents.rawValue, $0.cpus.first ?? 0) < ($1.level, $1.contents.rawValue, $1.cpus.first ?? 0)
        }
    }

    /// `32K` as bytes.
    private static func bytes(_ text: Substring) -> Int? {
        let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let factor = text.last.flatMap { units[$0] }
        guard let number = Int(factor == nil ? text : text.dropLast()), number >= 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
        return overflow ? nil : bytes
    }
}
