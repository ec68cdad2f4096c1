//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CBenchSupport
internal import CBenchTBB
internal import Foundation

/// Where a run was taken.
package struct Environment: Codable, Sendable {
    package let processor: String
    package let cpus: Int
    package let kernel: String
    package let swift: String
    /// Versions of the peers that are here.
    package let peers: [String: String]
    package let date: String

    static func current() -> Environment {
        var peers = resolvedVersions()
        if let version = bench_tbb_version() { peers["oneTBB"] = String(cString: version) }
        for program in PeerProgram.allCases {
            for (name, version) in program.versions { peers[name] = version }
        }
        return Environment(
            processor: processor(), cpus: Int(bench_cpu_count()), kernel: line(of: "/proc/sys/kernel/osrelease"),
            swift: swiftVersion(), peers: peers, date: Date().ISO8601Format())
    }

    /// One line for the head of the output.
    package var summary: String {
        let versions = peers.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return ([processor, "\(cpus) CPUs", "Linux \(kernel)", swift] + versions).joined(separator: " · ")
    }

    private static func line(of path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? "unknown"
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func processor() -> String {
        let fields = line(of: "/proc/cpuinfo").split(separator: "\n").map { $0.split(separator: ":", maxSplits: 1) }
        let model = fields.first { $0.first?.hasPrefix("model name") == true }?.last
        return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    }

    /// The compiler that the driver found; the program itself cannot tell.
    private static func swiftVersion() -> String {
        ProcessInfo.processInfo.environment["TOKENGATE_BENCH_SWIFT"] ?? "Swift, version unknown"
    }

    /// What `Package.resolved` says, where the package still lies where it was built.
    private static func resolvedVersions() -> [String: String] {
        struct Resolved: Decodable {
            struct Pin: Decodable {
                struct State: Decodable { let version: String? }
                let identity: String
                let state: State
            }
            let pins: [Pin]
        }
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../Package.resolved")
        guard let data = try? Data(contentsOf: file),
            let resolved = try? JSONDecoder().decode(Resolved.self, from: data)
        else { return [:] }
        let pins = resolved.pins.filter { $0.identity == "swift-nio" }
        return Dictionary(uniqueKeysWithValues: pins.map { ($0.identity, $0.state.version ?? "unknown") })
    }
}
