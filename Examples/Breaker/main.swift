//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Keeping callers from what is broken: by hand, and by a breaker that tries again when it has cooled down.

import Synchronization
import TokenGate

struct Down: Error {}

try await withCoordinator { coordinator in
    // By hand: calls settle at once, nothing runs.
    let mail = TaskTokenGuard("mail") { (to: String) in "mailed \(to)" }
    try coordinator.block("mail")
    if case .failure(let error as TokenError)? = mail("ann").resultIfSettled { print("mail:", error.code) }
    try coordinator.unblock("mail")
    print("mail:", try await mail("ann").value)

    // By itself: all of four runs failed, so it opens. A while later one call may try.
    let isDown = Atomic(true)
    let breaker = CircuitBreaker(failureRate: 0.5, minimumRuns: 4, coolDown: .milliseconds(20), probes: 1)
    let charge = TaskTokenGuard("charge", options: OperationOptions(breaker: breaker)) { (cents: Int) throws in
        if isDown.load(ordering: .relaxed) { throw Down() }
        return cents
    }
    let changes = Task { [events = coordinator.events] in
        for await event in events {
            switch event.kind {
            case .breakerOpened(let operation, _): print(operation, "opened")
            case .breakerHalfOpen(let operation): print(operation, "half open: one may try")
            case .breakerClosed(let operation):
                print(operation, "closed")
                return
            default: break
            }
        }
    }
    for cents in 1...4 { await charge(cents).settled() }

    // What it depends on is up again. Callers that come too early are refused at once, and the one that tries closes it.
    isDown.store(false, ordering: .relaxed)
    var tried = charge(100)
    while case .failure(let error as TokenError) = await tried.result, error.code == .operationBlocked {
        try await Task.sleep(for: .milliseconds(5))
        tried = charge(100)
    }
    await changes.value
    print("charge:", try await tried.value)
}
