//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Long bodies, more of them than there are processors.
///
/// The submitter keeps a fixed number under way and is held back while that many are: waits grow to the length of the
/// queue, and not beyond.
struct SeriesLoad: Load {
    private static let windowPerDomain = 16

    func run(in stage: Stage) async throws -> Findings {
        var random = stage.dice()
        let sightings = stage.sightings
        // About 10 ms of one processor.
        let body = TaskTokenGuard("long_body", weight: .heavy, on: stage.coordinator) { (seed: UInt64) in
            sightings.note()
            return Operations.hashChain(seed: seed, length: 75_000)
        }
        let seeds = (0..<4).map { _ in random.next() }
        let answers = seeds.map { Operations.hashChain(seed: $0, length: 75_000) }
        let window = Self.windowPerDomain * stage.domains
        var findings = Findings()
        var results = ResultCheck()
        var under: [(token: TaskToken<UInt64>, answer: UInt64)] = []
        var oldest = 0
        var heldBack = Duration.zero
        var deepest: UInt64 = 0
        repeat {
            while under.count - oldest < window {
                let choice = Int.random(in: 0..<seeds.count, using: &random)
                under.append((body(seeds[choice]), answers[choice]))
                findings.tokens += 1
            }
            deepest = max(deepest, stage.coordinator.statistics().counts.queued)
            let start = ContinuousClock.now
            results.add(await under[oldest].token.result, expected: under[oldest].answer)
            heldBack += ContinuousClock.now - start
            oldest += 1
            if oldest == 1_024 {
                under.removeFirst(oldest)
                oldest = 0
            }
        } while !stage.isOver
        for index in oldest..<under.count {
            results.add(await under[index].token.result, expected: under[index].answer)
        }
        findings.remark =
            "never more than \(window) under way, up to \(deepest) of them queued; "
            + "the submitter was held back for \(Wording.time(heldBack))"
        findings.promises = [results.promise]
        return findings
    }
}
