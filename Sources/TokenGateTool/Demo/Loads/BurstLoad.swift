//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Thousands of tokens at once from four tasks, then silence, so that workers fall asleep; then the next burst.
struct BurstLoad: Load {
    private static let submitters = 4
    private static let tokensEach = 2_500

    func run(in stage: Stage) async throws -> Findings {
        var random = stage.dice()
        let drill = Drill(Workbook(size: .small, using: &random), on: stage)
        var findings = Findings()
        var results = ResultCheck()
        var bursts = 0
        var slowest = Duration.zero
        repeat {
            let start = ContinuousClock.now
            let burst = bursts
            let found = await withTaskGroup(of: ResultCheck.self) { group in
                for submitter in 0..<Self.submitters {
                    var random = stage.dice("\(burst)/\(submitter)")
                    let choices = (0..<Self.tokensEach).map { _ in Int.random(in: 0..<drill.count, using: &random) }
                    group.addTask {
                        let tasks = choices.map(drill.submit)
                        var check = ResultCheck()
                        check.add(await gather(tasks.map(\.token)), expected: tasks.map(\.answer))
                        return check
                    }
                }
                return await group.reduce(ResultCheck(), +)
            }
            results = results + found
            slowest = max(slowest, ContinuousClock.now - start)
            bursts += 1
            findings.tokens += Self.submitters * Self.tokensEach
            try? await Task.sleep(for: .milliseconds(Int.random(in: 5...25, using: &random)))
        } while !stage.isOver
        findings.remark =
            "\(Wording.counted(bursts, "burst")) of \(Wording.count(Self.submitters * Self.tokensEach)) tokens "
            + "from \(Self.submitters) tasks, the slowest done in \(Wording.time(slowest))"
        findings.promises = [results.promise]
        return findings
    }
}
