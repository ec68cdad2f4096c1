//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// What one token is at, what it comes to, and what became of the last ones; and a wait that ends with its task.

import Foundation
import TokenGate

struct Sour: Error, CustomStringConvertible { let description = "sour" }

var configuration = Configuration()
configuration.historyCapacity = 100
try await withCoordinator(configuration) { coordinator in
    let squeeze = TaskTokenGuard("squeeze") { (lemons: Int) throws -> Int in
        if lemons == 2 { throw Sour() }
        return lemons * 10
    }
    coordinator.pause()
    let token = squeeze(1)
    if let obstacle = token.status().waitsFor { print("it waits for", obstacle) }

    // Whoever gives up ends his own wait; the token goes on.
    let wait = Task { try await token.value }
    wait.cancel()
    do {
        print(try await wait.value)
    } catch is CancellationError {
        print("cancelled; the token is", token.state)
    }

    let (states, told) = AsyncStream.makeStream(of: TokenState.self)
    token.onStateChange { state in
        told.yield(state)
        if state.isTerminal { told.finish() }
    }
    coordinator.resume()
    for await state in states { print(state) }

    _ = await squeeze(2).result
    // A record is there a moment after its token is seen settled.
    while try coordinator.history(limit: 2).count < 2 { await Task.yield() }
    for record in try coordinator.history(limit: 2) {
        print(record.operationType, record.state, record.error ?? "without error")
    }
    // The same as JSON. It writes to a disk, so it is the work of a storage thread.
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("history-\(UUID()).json")
    defer { try? FileManager.default.removeItem(at: file) }
    let dump = TaskTokenGuard("dump", storage: .moderate) { (path: String) throws in
        try coordinator.dumpHistory(to: path, limit: 2)
    }
    print("records in the file:", try await dump(file.path).value)
    let written = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
    for case let record as [String: Any] in written?["executions"] as? [Any] ?? [] {
        print(record["operation_type"] ?? "none", "succeeded:", record["success"] as? Bool ?? false)
    }
}
