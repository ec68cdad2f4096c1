//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import Foundation

/// The `tokengate` command: what its subcommands share.
@main
struct TokenGateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokengate",
        abstract: "Runs operations as tokens on pinned cores, and shows the machine they run on.",
        discussion: """
            EXIT CODES
              0   success
              64  wrong usage: an unknown option, a bad value
              66  the machine cannot be read
              1   anything else; demo: a promise was broken
              2   demo: it could not run
              130 demo: interrupted
            """,
        subcommands: [
            DemoCommand.self,
            TopologyCommand.self,
        ]
    )

    /// Runs the command; an error becomes one line on standard error and an exit code.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            if code == .success { exit(withError: error) }
            let text = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
            if !text.isEmpty { FileHandle.standardError.write(Data("tokengate: \(text)\n".utf8)) }
            Foundation.exit((error as? Failure)?.code ?? code.rawValue)
        }
    }
}

/// An error with an exit code of its own.
struct Failure: Error, CustomStringConvertible {
    /// The machine cannot be read: `EX_NOINPUT` of sysexits(3).
    static let noInput: Int32 = 66

    let code: Int32
    let description: String
}
