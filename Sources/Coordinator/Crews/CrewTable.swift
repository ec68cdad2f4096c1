//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity

/// The crews of all domains and their ready bits, reached without touching a reference count: every submission and every
/// look for work goes through here, from all threads at once.
///
/// Filled once, read-only after. The engine owns the crews and frees the table.
struct CrewTable: @unchecked Sendable {
    private let crews: UnsafeMutablePointer<Unmanaged<Crew>>
    private let bits: UnsafeMutablePointer<ReadyBits>
    /// Where a standard worker that has nothing to do looks around by itself every now and then.
    let dozing: ReadyBits
    /// Where a standard worker is looking out for work, awake: it sees what is pushed there, at once.
    let warm: ReadyBits
    /// Which domains are not used now: their crews are ready for nobody.
    let retired: ReadyBits
    let domains: Int
    /// The domain of each CPU, -1 for those of none; empty where threads are not pinned.
    private let domainOfCPU: UnsafeMutableBufferPointer<Int32>

    init(_ domains: [Engine.Domain], arePinned: Bool) {
        self.domains = domains.count
        let cpus = arePinned ? (domains.compactMap { $0.cpus.max() }.max() ?? -1) + 1 : 0
        domainOfCPU = .allocate(capacity: cpus)
        domainOfCPU.initialize(repeating: -1)
        if arePinned {
            for (index, domain) in domains.enumerated() { for cpu in domain.cpus { domainOfCPU[cpu] = Int32(index) } }
        }
        let kinds = CrewKind.count
        crews = .allocate(capacity: domains.count * kinds)
        bits = .allocate(capacity: kinds)
        dozing = ReadyBits(domains: domains.count)
        warm = ReadyBits(domains: domains.count)
        retired = ReadyBits(domains: domains.count)
        for kind in CrewKind.allCases {
            (bits + kind.rawValue).initialize(to: ReadyBits(domains: domains.count))
            for (index, domain) in domains.enumerated() {
                (crews + index * kinds + kind.rawValue).initialize(to: .passUnretained(domain[kind]))
            }
        }
    }

    func destroy() {
        for kind in CrewKind.allCases { bits[kind.rawValue].destroy() }
        bits.deallocate()
        dozing.destroy()
        warm.destroy()
        retired.destroy()
        domainOfCPU.deallocate()
        crews.deallocate()
    }

    /// The crew of a kind in a domain; unretained, valid as long as the engine.
    subscript(domain: Int, kind: CrewKind) -> Unmanaged<Crew> { crews[domain * CrewKind.count + kind.rawValue] }

    /// Which domains' crews of a kind a wake-up would put to work.
    func ready(_ kind: CrewKind) -> ReadyBits { bits[kind.rawValue] }

    /// The first domain from one on whose crew of a kind can start, and does not look for work by itself.
    func asleep(_ kind: CrewKind, from start: Int) -> Int? {
        ready(kind).first(from: start, but: kind == .standard ? dozing : nil)
    }

    /// The domain on whose CPUs the caller runs at this moment; nil where it is none, or not known.
    var domainOfCaller: Int? {
        guard !domainOfCPU.isEmpty, let cpu = CurrentThread.cpu() else { return nil }
        return domain(ofCPU: cpu)
    }

    /// The domain that a CPU belongs to; nil where it is none, or threads are not pinned.
    func domain(ofCPU cpu: Int) -> Int? {
        guard domainOfCPU.indices.contains(cpu), domainOfCPU[cpu] >= 0 else { return nil }
        return Int(domainOfCPU[cpu])
    }
}
