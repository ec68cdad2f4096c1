//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser

extension TokenGateCommand {
    /// Runs the command.
    ///
    /// What is wrong with the command line is said in one line on standard error, then exit code 64.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            let lines = message(for: error).split(whereSeparator: \.isNewline)
            writeToStandardError("tokengate: \(lines.joined(separator: " ")) (see --help)\n")
            exit(withError: ExitCode.validationFailure)
        }
    }
}
