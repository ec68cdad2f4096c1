//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser

/// The loads that the demo knows.
enum LoadName: String, CaseIterable, Sendable, Encodable, ExpressibleByArgument {
    case waves, mixed, burst, chains, series, storm, leads, storage, retry, breaker, adaptation

    /// What it does, in one line.
    var summary: String {
        switch self {
        case .waves: "doubling batches, 8 … 65,536 tokens, of four operations"
        case .mixed: "processor and file operations in random batches"
        case .burst: "thousands of tokens at once from many tasks, then silence"
        case .chains: "steps in order within a chain, chains beside each other"
        case .series: "long bodies, more than the machine can take: backpressure"
        case .storm: "sticky anchors hammered from tasks and threads"
        case .leads: "leads whose children have children, all in one domain"
        case .storage: "every storage tier full of file writes, processor tokens beside"
        case .retry: "bodies that fail as often as the seed says, and are run again"
        case .breaker: "an operation that fails, is blocked, and recovers"
        case .adaptation: "bodies that compute, then bodies that sleep, then bodies that compute"
        }
    }

    /// Whether it writes files.
    var needsDirectory: Bool { self == .mixed || self == .storage }

    /// A fresh load of that name.
    func makeLoad() -> any Load {
        switch self {
        case .waves: WavesLoad()
        case .mixed: MixedLoad()
        case .burst: BurstLoad()
        case .chains: ChainsLoad()
        case .series: SeriesLoad()
        case .storm: StormLoad()
        case .leads: LeadsLoad()
        case .storage: StorageLoad()
        case .retry: RetryLoad()
        case .breaker: BreakerLoad()
        case .adaptation: AdaptationLoad()
        }
    }
}

/// A load: it submits tokens until its time is up, waits for them all, and says what it found.
///
/// What it has begun it completes, however short the time: at least one batch.
protocol Load: Sendable {
    func run(in stage: Stage) async throws -> Findings
}

/// What a load found.
struct Findings: Sendable {
    /// Tokens it made, descendants included.
    var tokens = 0
    /// Of these, the ones that were to fail.
    var meantToFail = 0
    /// Of these, the ones that were refused: their bodies never ran.
    var refused = 0
    /// One line on what was special.
    var remark = ""
    /// The promises it checked.
    var promises: [Promise] = []
}
