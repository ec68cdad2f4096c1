//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Dispatch
internal import Foundation

/// A program in another language that holds several contenders; `c` is TokenGate through its C API.
///
/// It is called as `program WORKLOAD CONTENDER NUMBER…`, warms up, measures once, and prints one line: the checksum,
/// then the workload's metrics in their order. The driver builds it into the folder that `TOKENGATE_BENCH_PEERS` names,
/// with a file `NAME.versions` (lines of name, tab, version) beside it, or `NAME.skipped` that says why there is none.
package enum PeerProgram: String, CaseIterable, Sendable {
    case go, rust, python, c

    private func file(_ suffix: String) -> String {
        let folder = ProcessInfo.processInfo.environment["TOKENGATE_BENCH_PEERS"] ?? "."
        return "\(folder)/\(rawValue)\(suffix)"
    }

    private func text(_ suffix: String) -> String? {
        (try? String(contentsOfFile: file(suffix), encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    var path: String { file("-peer") }

    var absence: String? {
        if FileManager.default.isExecutableFile(atPath: path) { return nil }
        return text(".skipped") ?? "the \(rawValue) program was not built; `make bench` builds it"
    }

    var versions: [(String, String)] {
        guard absence == nil, let text = text(".versions") else { return [] }
        return text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "\t")
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
    }
}

/// A contender in another process.
package struct ExternalPeer<Input: Sendable>: Contender {
    package let name: String
    package let standing: Standing
    let program: PeerProgram
    let arguments: @Sendable (Input) -> [String]

    /// - Parameters:
    ///   - name: its name in the table.
    ///   - standing: a reference where the program does the work without a runtime.
    ///   - arguments: workload, contender and numbers for the program.
    package init(
        _ name: String, _ program: PeerProgram, _ standing: Standing = .peer,
        arguments: @escaping @Sendable (Input) -> [String]
    ) {
        self.name = name
        self.standing = standing
        self.program = program
        self.arguments = arguments
    }

    package var absence: String? { program.absence }

    package func measure(_ input: Input) async throws -> Sample {
        let arguments = arguments(input)
        return try await onOwnThread { try run(arguments) }
    }

    private func run(_ arguments: [String]) throws -> Sample {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program.path)
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        // Nothing runs unbounded: a peer that hangs is ended, and fails.
        let watchdog = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 300, execute: watchdog)
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        watchdog.cancel()
        let words = text.split(whereSeparator: \.isWhitespace)
        guard process.terminationStatus == 0, let first = words.first, let checksum = UInt64(first) else {
            throw PeerFailure(description: "exit status \(process.terminationStatus), printed '\(text.prefix(200))'")
        }
        return Sample(checksum: checksum, values: words.dropFirst().compactMap { Double($0) })
    }
}

/// Why a contender gave no sample.
package struct PeerFailure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}
