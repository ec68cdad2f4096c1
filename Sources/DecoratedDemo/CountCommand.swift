//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import TokenGateMacros

/// `count`: makes a known number of calls, for tools that count instructions.
///
/// Run it with two numbers and take the difference: what starting and stopping costs vanishes. The coordinator is not started,
/// so what is counted is the submission, and that the token is killed.
struct CountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Makes calls that wait until they are killed, for counting.")

    /// How the function is made an operation.
    enum Way: String, CaseIterable, Sendable, ExpressibleByArgument { case `guard`, decorated, perCall = "per-call" }

    @Option(help: "A guard in a constant, a decorated function, or one whose guard is made by each call: \(Self.ways).")
    var way: Way

    @Option(help: "How many calls: 1 and more.")
    var calls: Int

    private static let ways = Way.allCases.map(\.rawValue).joined(separator: ", ")

    func validate() throws {
        guard calls > 0 else { throw ValidationError("--calls \(calls): it must be 1 or more") }
    }

    func run() throws {
        let coordinator = try OperationsCoordinator()
        coordinator.makeDefault()
        let tokens =
            switch way {
            case .guard: (0..<calls).map { nextByGuard($0) }
            case .decorated: (0..<calls).map { next($0) }
            case .perCall: (0..<calls).map { nextOfAny($0) }
            }
        coordinator.killAll()
        print("\(tokens.count { $0.isSettled }) of \(calls) tokens settled")
    }
}

private let nextByGuard = TaskTokenGuard("next_guard") { (number: Int) in number &+ 1 }

@TaskTokenGuard("next_decorated")
private func next(_ number: Int) -> TaskToken<Int> { number &+ 1 }

@TaskTokenGuard("next_per_call")
private func nextOfAny<Number: FixedWidthInteger & Sendable>(_ number: Number) -> TaskToken<Number> { number &+ 1 }
