//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser

/// `tokengate demo`: real work under real loads, with every promise checked.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Runs loads on this machine and checks what TokenGate promises.",
        discussion: """
            Each load gets a fresh coordinator, sized to the machine, and runs until its time is up; a batch that has \
            begun is completed. Every result is compared with that of a direct call.

            LOADS
            \(LoadName.allCases.map { "  " + $0.rawValue.padded(to: 12) + $0.summary }.joined(separator: "\n"))

            Decorated functions have a program of their own, which needs swift-syntax: make demo-decorated.

            The same seed draws the same inputs in the same order; how far a run gets in its time is up to the machine.
            The table goes to standard output, progress to standard error. Ctrl-C ends the run early, in good \
            order; pressed again, at once.

            EXIT CODES
              0    every promise was kept
              1    a promise was broken
              2    it could not run: a bad directory, no threads, …
              64   bad usage
              130  interrupted
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The load to run: \(LoadChoice.names).", valueName: "load"),
        transform: LoadChoice.init)
    var load = LoadChoice.all

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Time for each load, in seconds: above 0, at most 86400.", valueName: "seconds"),
        transform: Seconds.init)
    var seconds = Seconds.standard

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Where inputs come from: 0 to 18446744073709551615. Default: drawn, and shown.", valueName: "seed"),
        transform: DemoCommand.parseSeed)
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "An existing directory for the files of the loads 'storage' and 'mixed'. They lie in a fresh folder there, "
                + "which is removed afterwards. Default: the system's temporary directory.", valueName: "directory"))
    var directory: String?

    @Flag(help: "Print one JSON object on standard output, and nothing else.")
    var json = false

    func run() async throws {
        Interruption.listen()
        let run = DemoRun(
            loads: load.loads, budget: seconds.duration, seed: seed ?? UInt64.random(in: 0..<1_000_000),
            directory: directory, progress: json ? Progress(style: .silent) : .suited)
        let report: DemoReport
        do {
            report = try await run.report()
        } catch {
            writeToStandardError("tokengate demo: \(error)\n")
            throw ExitCode(2)
        }
        let isWritten = writeToStandardOutput(try json ? ReportJSON(report).text() : ReportText(report: report).text)
        if !isWritten { writeToStandardError("tokengate demo: standard output cannot be written to\n") }
        if !report.isKept { throw ExitCode(1) }
        if report.isInterrupted { throw ExitCode(130) }
        if !isWritten { throw ExitCode(2) }
    }

    private static func parseSeed(_ text: String) throws -> UInt64 {
        guard let seed = UInt64(text) else {
            throw ValidationError("it must be a whole number from 0 to \(UInt64.max)")
        }
        return seed
    }
}

/// One load or all of them.
enum LoadChoice: Sendable {
    case all
    case one(LoadName)

    /// What may be asked for.
    static let names = (LoadName.allCases.map(\.rawValue) + ["all"]).joined(separator: ", ")

    init(_ text: String) throws {
        if text == "all" {
            self = .all
        } else if let load = LoadName(rawValue: text) {
            self = .one(load)
        } else {
            throw ValidationError("it must be one of \(Self.names)")
        }
    }

    var loads: [LoadName] {
        switch self {
        case .all: LoadName.allCases
        case .one(let load): [load]
        }
    }
}

/// A time that a user may ask for.
struct Seconds: Sendable {
    static let standard = Seconds(duration: .seconds(2))
    private static let limit = 86_400.0

    let duration: Duration

    private init(duration: Duration) { self.duration = duration }

    init(_ text: String) throws {
        guard let value = Double(text), value > 0, value <= Self.limit else {
            throw ValidationError("it must be a number above 0 and at most 86400")
        }
        duration = .seconds(value)
    }
}

extension String {
    /// Filled up with spaces.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
