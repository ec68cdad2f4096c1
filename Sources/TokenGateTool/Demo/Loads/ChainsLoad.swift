//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Chains of steps: a step is submitted when the one before it is done, and works on what that one returned.
///
/// Many chains are under way at once.
struct ChainsLoad: Load {
    private static let chains = 64
    private static let steps = 24

    func run(in stage: Stage) async throws -> Findings {
        let sightings = stage.sightings
        let step = TaskTokenGuard("chain_step", on: stage.coordinator) { (log: StepLog, number: Int, value: UInt64) in
            sightings.note()
            log.note(number)
            return Self.step(number, value)
        }
        var findings = Findings()
        var results = ResultCheck()
        var disorder = 0
        var rounds = 0
        repeat {
            var random = stage.dice("\(rounds)")
            let starts = (0..<Self.chains).map { _ in random.next() }
            let found = await withTaskGroup(of: (ResultCheck, Int).self) { group in
                for start in starts {
                    group.addTask {
                        let log = StepLog()
                        var value = start
                        var check = ResultCheck()
                        do {
                            for number in 0..<Self.steps { value = try await step(log, number, value).value }
                            check.add(.success(value), expected: (0..<Self.steps).reduce(start) { Self.step($1, $0) })
                        } catch {
                            check.add(.failure(error), expected: 0)
                        }
                        return (check, log.disorder(of: Self.steps))
                    }
                }
                return await group.reduce((ResultCheck(), 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
            }
            results = results + found.0
            disorder += found.1
            rounds += 1
            findings.tokens += Self.chains * Self.steps
        } while !stage.isOver
        findings.remark =
            "\(Wording.count(rounds * Self.chains)) chains of \(Self.steps) steps, \(Self.chains) chains at a time"
        findings.promises = [
            results.promise,
            Promise("C1", "the steps of a chain run in order", checked: findings.tokens, broken: disorder),
        ]
        return findings
    }

    private static func step(_ number: Int, _ value: UInt64) -> UInt64 {
        Operations.hashChain(seed: value ^ UInt64(number), length: 8)
    }
}

/// The steps of one chain as they ran.
///
/// No lock: a chain runs one step at a time, and this is how a break would show.
private final class StepLog: @unchecked Sendable {
    private var numbers: [Int] = []

    func note(_ number: Int) { numbers.append(number) }

    /// How many of so many steps are out of place.
    func disorder(of count: Int) -> Int {
        (0..<max(count, numbers.count)).count { $0 >= numbers.count || numbers[$0] != $0 }
    }
}
