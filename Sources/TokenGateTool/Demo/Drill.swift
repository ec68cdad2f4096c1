//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// The four operations as guards over a workbook.
struct Drill: Sendable {
    private let workbook: Workbook
    private let guards: [TaskTokenGuard<Int, UInt64>]

    /// How many exercises there are to choose from.
    var count: Int { workbook.exercises.count }

    init(_ workbook: Workbook, on stage: Stage) {
        self.workbook = workbook
        let sightings = stage.sightings
        guards = Workbook.Subject.allCases.map { subject in
            TaskTokenGuard(subject.rawValue, weight: subject.weight, on: stage.coordinator) { (index: Int) in
                sightings.note()
                return workbook.exercises[index].solve()
            }
        }
    }

    /// Submits an exercise; answers its token, and what it must come to.
    func submit(_ index: Int) -> (token: TaskToken<UInt64>, answer: UInt64) {
        let position = Workbook.Subject.allCases.firstIndex(of: workbook.exercises[index].subject) ?? 0
        return (guards[position](index), workbook.answers[index])
    }
}

/// Compares results with what direct calls gave.
struct ResultCheck: Sendable {
    private(set) var checked = 0
    private(set) var wrong = 0
    private(set) var firstError: String?
    /// The first file that could not be used: the environment's fault, not TokenGate's.
    private(set) var obstacle: DemoFailure?

    mutating func add(_ results: [Result<UInt64, any Error>], expected: [UInt64]) {
        for (result, answer) in zip(results, expected) { add(result, expected: answer) }
    }

    mutating func add(_ result: Result<UInt64, any Error>, expected: UInt64) {
        checked += 1
        switch result {
        case .success(let value): if value != expected { wrong += 1 }
        case .failure(let error):
            wrong += 1
            if firstError == nil { firstError = "\(error)" }
            if obstacle == nil { obstacle = error as? DemoFailure }
        }
    }

    static func + (left: ResultCheck, right: ResultCheck) -> ResultCheck {
        var sum = left
        sum.checked += right.checked
        sum.wrong += right.wrong
        sum.firstError = left.firstError ?? right.firstError
        sum.obstacle = left.obstacle ?? right.obstacle
        return sum
    }

    /// The promise it stands for.
    var promise: Promise {
        Promise("C1", "every result is that of a direct call", checked: checked, broken: wrong, note: firstError)
    }
}
