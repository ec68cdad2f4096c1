//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The crews of all domains and their ready bits, reached without touching a reference count: every submission and every
/// look for work goes through here, from all threads at once.
///
/// Filled once, read-only after. The engine owns the crews and frees the table.
struct CrewTable: @unchecked Sendable {
    private let crews: UnsafeMutablePointer<Unmanaged<Crew>>
    private let bits: UnsafeMutablePointer<ReadyBits>
    let domains: Int

    init(_ domains: [Engine.Domain]) {
        self.domains = domains.count
        let kinds = CrewKind.allCases.count
        crews = .allocate(capacity: domains.count * kinds)
        bits = .allocate(capacity: kinds)
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
        crews.deallocate()
    }

    /// The crew of a kind in a domain; unretained, valid as long as the engine.
    subscript(domain: Int, kind: CrewKind) -> Unmanaged<Crew> { crews[domain * 3 + kind.rawValue] }

    /// Which domains' crews of a kind a wake-up would put to work.
    func ready(_ kind: CrewKind) -> ReadyBits { bits[kind.rawValue] }
}
