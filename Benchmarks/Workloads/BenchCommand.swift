//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import BenchmarkHarness
import Foundation

/// `tokengate-bench`: runs workloads, prints tables, writes one JSON file.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokengate-bench",
        abstract: "Runs the same work through TokenGate and its peers, interleaved, and compares.",
        discussion: "Exits with 1 when a contender failed or its checksum differs."
    )

    @Option(name: .long, help: "A workload to run, again for more; all but the optional ones when left out.")
    var workload: [String] = []

    @Option(name: .long, help: "Measured repetitions of each contender.")
    var repeats = 7

    @Option(name: .long, help: "Only contenders whose name contains this, ignoring case.")
    var contender: String?

    @Option(name: .long, help: "Where to write the JSON file.")
    var json: String?

    @Flag(name: .long, help: "Small sizes: shows that all works, measures little.")
    var quick = false

    @Flag(name: .long, help: "List the workloads.")
    var list = false

    static var workloads: [any Workload] {
        [
            W1(), W1b(), W2Blocking(), W2Async(), W3(), W4(), W5(), Leads(), GrowthTokens(), GrowthSubmitters(),
            GrowthAnchors(), GrowthLeases(), Idle(), Original(),
        ]
    }

    func validate() throws {
        if repeats < 1 { throw ValidationError("--repeats \(repeats) is less than 1") }
        let known = Set(Self.workloads.map(\.name))
        if let stranger = workload.first(where: { !known.contains($0) }) {
            throw ValidationError("--workload \(stranger) is none of \(known.sorted().joined(separator: ", "))")
        }
    }

    func run() async throws {
        if list {
            for each in Self.workloads { print("\(each.name)\(each.isOptional ? " (when named)" : ""): \(each.title)") }
            return
        }
        let chosen = Self.workloads.filter { workload.isEmpty ? !$0.isOptional : workload.contains($0.name) }
        var runner = Runner(repeats: repeats, scale: Scale(isQuick: quick)) { [contender] name in
            contender.map { name.localizedCaseInsensitiveContains($0) } ?? true
        }
        print(runner.results.environment.summary)
        print(
            "\(repeats) repetitions\(quick ? ", quick" : ""); median (min–max); ours : it above 1 × means ours is ahead"
        )
        for each in chosen { await runner.run(each) }
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try encoder.encode(runner.results).write(to: URL(fileURLWithPath: json))
        }
        for failure in runner.results.failures {
            FileHandle.standardError.write(Data("error: \(failure)\n".utf8))
        }
        if !runner.results.failures.isEmpty { throw ExitCode(1) }
    }
}
