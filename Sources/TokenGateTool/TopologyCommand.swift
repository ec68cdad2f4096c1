//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import Foundation
import TokenGate

/// `tokengate topology`: what the machine is, and what the process may use.
struct TopologyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology",
        abstract: "Shows what the machine is and what the process may use.",
        discussion: """
            A core domain is one physical core that the process may use; domains are numbered from 1. Below another root, \
            what is allowed is what that tree's cgroup files say for its recorded process, else what is online.

            EXIT CODES
              0   success
              64  wrong usage: an unknown option, a bad value
              66  the machine cannot be read
            """
    )

    @Option(help: ArgumentHelp("Read the machine recorded below this directory.", valueName: "dir"))
    var root = "/"

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw Failure(code: Failure.noInput, description: "root '\(root)' is not a directory")
        }
        let machine: Machine
        do {
            machine = try Machine.current(root: root)
        } catch {
            throw Failure(code: Failure.noInput, description: error.message)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(machine), as: UTF8.self))
        } else {
            print(TopologyReport(machine: machine).table)
        }
    }
}
