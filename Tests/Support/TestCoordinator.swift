//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import Coordinator
internal import Foundation

/// Makes and starts a coordinator for one test, runs `body` with it, and stops it.
///
/// Tests pass it on as `on:`; nothing relies on the process default, since tests run beside each other.
public func withTestCoordinator<Result>(
    _ configure: (inout Configuration) -> Void = { _ in },
    isolation: isolated (any Actor)? = #isolation,
    _ body: (OperationsCoordinator) async throws -> Result
) async throws -> Result {
    let coordinator = try makeCoordinator(configure)
    try await coordinator.start()
    do {
        let result = try await body(coordinator)
        await coordinator.stop()
        return result
    } catch {
        await coordinator.stop(timeout: .zero)
        throw error
    }
}

/// Makes a coordinator that has not been started.
public func makeCoordinator(_ configure: (inout Configuration) -> Void = { _ in }) throws -> OperationsCoordinator {
    var configuration = Configuration()
    // Bodies that stand at a gate are blocked: others would be let in beside them after a while.
    configuration.adaptation = .off
    configure(&configuration)
    return try OperationsCoordinator(configuration)
}

extension OperationsCoordinator {
    /// As `stop(timeout:)`, with more patience than its default: how busy the machine is decides nothing.
    @discardableResult
    public func stop() async -> StopReport { await stop(timeout: .seconds(240)) }
}

extension Configuration {
    /// A machine of `count` cores with one CPU each, whatever the real one is; its workers are not pinned.
    ///
    /// - Parameter count: 1…64.
    public mutating func pretend(domains count: Int) {
        root = FakeRoot.root(cores: count)
        pinMode = .none
    }
}

/// Trees with just enough of `/sys` in them to be a machine, one for each number of cores.
private enum FakeRoot {
    static func root(cores: Int) -> String {
        let root = NSTemporaryDirectory() + "tokengate-tests-\(getuid())-\(cores)"
        let files = FileManager.default
        let system = root + "/sys/devices/system/cpu"
        func write(_ text: String, _ path: String) {
            let folder = (path as NSString).deletingLastPathComponent
            try? files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            // Atomically: tests run beside each other and write the same.
            try? text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        for cpu in 0..<cores {
            write("\(cpu)\n", system + "/cpu\(cpu)/topology/core_id")
            write("\(cpu)\n", system + "/cpu\(cpu)/topology/thread_siblings_list")
            write("0\n", system + "/cpu\(cpu)/topology/physical_package_id")
        }
        write("0-\(cores - 1)\n", system + "/online")
        return root
    }
}
