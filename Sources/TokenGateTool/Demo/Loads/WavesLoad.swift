//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Doubling batches, 8 … 65,536 tokens, of the four operations in turn; each batch is gathered before the next begins.
struct WavesLoad: Load {
    private static let sizes = (3...16).map { 1 << $0 }

    func run(in stage: Stage) async throws -> Findings {
        var random = stage.dice()
        let drill = Drill(Workbook(size: .small, using: &random), on: stage)
        var findings = Findings()
        var results = ResultCheck()
        var largest = 0
        var fastest = 0.0
        var rounds = 0
        repeat {
            rounds += 1
            for size in Self.sizes {
                let start = ContinuousClock.now
                let tasks = (0..<size).map { _ in drill.submit(Int.random(in: 0..<drill.count, using: &random)) }
                results.add(await gather(tasks.map(\.token)), expected: tasks.map(\.answer))
                fastest = max(fastest, Double(size) / max(1e-9, (ContinuousClock.now - start).inSeconds))
                findings.tokens += size
                largest = max(largest, size)
                if stage.isOver { break }
            }
        } while !stage.isOver
        findings.remark =
            "batches 8 … \(Wording.count(largest)), \(Wording.counted(rounds, "round")), "
            + "fastest batch \(Wording.count(Int(fastest))) tokens/s"
        findings.promises = [results.promise]
        return findings
    }
}
