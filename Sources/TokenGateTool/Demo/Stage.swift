//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// What a load works with: a coordinator of its own, its time, its dice, its directory.
struct Stage: Sendable {
    let coordinator: OperationsCoordinator
    /// Where bodies note what they see.
    let sightings: Sightings
    /// How much time there is, from `start`.
    let budget: Duration
    let start: ContinuousClock.Instant
    /// A directory for files: there for the loads that need one, and empty.
    let directory: String
    private let seed: UInt64
    private let load: LoadName

    init(
        _ load: LoadName, coordinator: OperationsCoordinator, sightings: Sightings, budget: Duration, seed: UInt64,
        directory: String
    ) {
        self.load = load
        self.coordinator = coordinator
        self.sightings = sightings
        self.budget = budget
        self.seed = seed
        self.directory = directory
        start = .now
    }

    /// Time since the load began.
    var elapsed: Duration { .now - start }

    /// Whether no further round is to begin: the time is up, someone pressed Ctrl-C, or the coordinator
    /// was stopped.
    var isOver: Bool { elapsed >= budget || Interruption.isRequested || coordinator.isDraining }

    /// Dice of the load, or of a named part of it: the same for the same seed, whatever other parts draw.
    func dice(_ part: String = "") -> SplitMix64 { SplitMix64(seed: seed, stream: "\(load.rawValue)/\(part)") }

    /// The number of core domains.
    var domains: Int { coordinator.domainCount }
}
