//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Again, with growing pauses: what is worth it, how often, for how long; and what the token tells meanwhile.

import TokenGate

enum Trouble: Error { case busy, wrongPassword }

try await withCoordinator { coordinator in
    // Pauses of up to 1, 2 and 4 ms: each is shortened at random, so that many that failed together do not come back together.
    let patience = RetryPolicy(attempts: 5, backOff: .exponential(from: .milliseconds(1), upTo: .milliseconds(50)))
    let fetch = TaskTokenGuard("fetch", options: OperationOptions(retry: patience)) { (page: Int) throws in
        if (TokenContext.current?.attempt ?? 1) < 4 { throw Trouble.busy }
        return "page \(page)"
    }

    // One token for all attempts, so its states come once each.
    coordinator.pause()
    let page = fetch(7)
    let status = page.status()
    print("fetch:", status.state, "for", status.waitsFor.map { "\($0)" } ?? "nothing")
    let (states, told) = AsyncStream.makeStream(of: TokenState.self)
    page.onStateChange { state in
        told.yield(state)
        if state.isTerminal { told.finish() }
    }
    coordinator.resume()
    for await state in states { print("fetch:", state) }
    print("fetch:", try await page.value, "after", page.status().attempts, "attempts")

    // An error that another attempt does not mend ends it at once.
    let choosy = RetryPolicy(attempts: 5, isRetryable: { error in error as? Trouble == .busy })
    let login = TaskTokenGuard("login", options: OperationOptions(retry: choosy)) { (user: String) throws in
        throw Trouble.wrongPassword
    }
    let session = login("ann")
    if case .failure(let error) = await session.result { print("login:", error, "after", session.attempts, "attempt") }

    // The second attempt would begin after an hour, past the deadline: nobody waits for it.
    let hasty = RetryPolicy(attempts: 5, backOff: .constant(.seconds(3_600)), jitter: 0, deadline: .seconds(60))
    let quote = TaskTokenGuard("quote", options: OperationOptions(retry: hasty)) { (share: String) throws in
        throw Trouble.busy
    }
    let price = quote("TG")
    if case .failure(let error) = await price.result { print("quote:", error, "after", price.attempts, "attempt") }
}
