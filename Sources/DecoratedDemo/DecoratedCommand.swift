//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import Dispatch
import TokenGateMacros

/// `tokengate-decorated`: what decorated functions do, and cost.
///
/// A program of its own, so that the `tokengate` command needs no swift-syntax.
@main
struct DecoratedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokengate-decorated", abstract: "Decorated functions at work.",
        subcommands: [RunCommand.self, CountCommand.self], defaultSubcommand: RunCommand.self)
}

/// `run`, which is what it does when nothing is said: the demo's load of decorated functions.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Calls functions that are decorated with @TaskTokenGuard, and checks what TokenGate promises.",
        discussion: """
            Plain and async bodies, a method whose calls are ordered by its instance's key, leads, retries, a generic \
            function: every result is compared with that of a direct call.

            EXIT CODES
              0    every promise was kept
              1    a promise was broken
              2    no coordinator could be started
              64   bad usage
            """)

    @Option(parsing: .unconditional, help: "Time in seconds: above 0, at most 86400.")
    var seconds = 2.0

    @Option(parsing: .unconditional, help: "Where inputs come from. Default: drawn, and shown.")
    var seed: UInt64?

    func validate() throws {
        guard seconds > 0, seconds <= 86_400 else {
            throw ValidationError("--seconds \(seconds): it must be a number above 0 and at most 86400")
        }
    }

    // Not an async command: its main thread would end, and tools that count instructions do not bear that.
    func run() throws {
        let (seconds, seed) = (seconds, seed ?? UInt64.random(in: 0..<1_000_000))
        let done = DispatchSemaphore(value: 0)
        let outcome = Outcome()
        Task {
            outcome.load = await Self.run(DecoratedLoad(seed: seed), for: .seconds(seconds))
            done.signal()
        }
        done.wait()
        guard let load = outcome.load else { throw ExitCode(2) }
        print("decorated: \(load.calls) calls in \(load.rounds) rounds, seed \(seed)\n")
        for check in load.checks {
            let found = check.broken == 0 ? "\(check.checked) checked" : "\(check.broken) of \(check.checked) broken"
            print("\(check.broken == 0 ? "✓" : "✗") \(check.statement)  (\(found))")
        }
        let isKept = load.checks.allSatisfy { $0.broken == 0 }
        print(isKept ? "\nAll promises kept." : "\nPromises were broken.")
        if !isKept { throw ExitCode(1) }
    }

    /// Nil, and said, where there is no coordinator to be had.
    private static func run(_ load: DecoratedLoad, for time: Duration) async -> DecoratedLoad? {
        var load = load
        do {
            let coordinator = try OperationsCoordinator()
            try await coordinator.start()
            // Decorated functions go where a guard without a coordinator goes.
            coordinator.makeDefault()
            await load.run(for: time, on: coordinator)
            await coordinator.stop()
            return load
        } catch {
            print("tokengate-decorated: \(error)")
            return nil
        }
    }

    /// What the task hands to the main thread; the semaphore lies between the two accesses.
    private final class Outcome: @unchecked Sendable {
        var load: DecoratedLoad?
    }
}
