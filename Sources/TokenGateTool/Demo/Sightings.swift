//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TokenGate

/// What bodies see of themselves: counts by domain, and whether the processor they run on is one of the domain's.
///
/// Every field is an atomic or constant, so bodies on any thread may note what they see.
final class Sightings: Sendable {
    /// One domain's counts.
    private final class Place: Sendable {
        let cpus: CPUSet
        let bodies = Atomic<Int>(0)
        let strays = Atomic<Int>(0)

        init(cpus: CPUSet) { self.cpus = cpus }
    }

    private let places: [Place]
    private let outside = Atomic<Int>(0)

    init(domains: [CPUSet]) { places = domains.map(Place.init) }

    /// Notes that a body runs, here and now.
    ///
    /// - Returns: the number of the domain it runs in; 0 outside of bodies.
    @discardableResult
    func note() -> Int {
        guard let domain = TokenContext.current?.domain, places.indices.contains(domain - 1) else {
            outside.add(1, ordering: .relaxed)
            return 0
        }
        let place = places[domain - 1]
        place.bodies.add(1, ordering: .relaxed)
        if let cpu = CurrentThread.cpu(), !place.cpus.contains(cpu) { place.strays.add(1, ordering: .relaxed) }
        return domain
    }

    /// Bodies seen in each domain, from the front.
    var bodiesByDomain: [Int] { places.map { $0.bodies.load(ordering: .relaxed) } }

    /// Bodies seen in all.
    var bodies: Int { bodiesByDomain.reduce(0, +) + outside.load(ordering: .relaxed) }

    /// Bodies seen on a processor that is not of their domain, or in no domain at all.
    var strays: Int {
        places.reduce(outside.load(ordering: .relaxed)) { $0 + $1.strays.load(ordering: .relaxed) }
    }
}
