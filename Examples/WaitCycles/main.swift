//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Two bodies that wait for each other: told by an event, instead of silence.

import Synchronization
import TokenGate

/// The two, known to both.
final class Table: Sendable {
    private let seats = Mutex<[TaskToken<Void>]>([])

    func seat(_ token: TaskToken<Void>) { seats.withLock { $0.append(token) } }
    var tokens: [TaskToken<Void>] { seats.withLock { $0 } }
}

var configuration = Configuration()
configuration.waitCycleTime = .milliseconds(20)

try await withCoordinator(configuration) { coordinator in
    let events = coordinator.events
    let table = Table()
    let philosopher = TaskTokenGuard("philosopher") { (neighbour: Int) async throws in
        while table.tokens.count < 2 { await Task.yield() }
        try await table.tokens[neighbour].value
    }
    for neighbour in [1, 0] { table.seat(philosopher(neighbour)) }
    for await event in events {
        guard case .waitCycle(let links) = event.kind else { continue }
        print(links.count, "wait in a circle:")
        for link in links { print("  \(link.operationType) waits in its \(link.reason.rawValue)") }
        break
    }
    // One of the two is given up; the other goes on with that.
    table.tokens[0].kill()
    for token in table.tokens {
        if case .failure(let error as TokenError) = await token.result { print(error.code) }
    }
}
