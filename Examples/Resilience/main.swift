//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// What an operation may ask for: retries, timeouts, a breaker; and one call: a delay, others to come after, a key.

import TokenGate

struct Unreachable: Error {}

try await withCoordinator { coordinator in
    // Tried again, as the same token, without a worker in between.
    let fetch = TaskTokenGuard(
        "fetch", options: OperationOptions(retry: RetryPolicy(attempts: 4, backOff: .constant(.milliseconds(1))))
    ) { (page: Int) throws -> String in
        if (TokenContext.current?.attempt ?? 1) < 3 { throw Unreachable() }
        return "page \(page)"
    }
    let token = fetch(7)
    print(try await token.value, "after", token.attempts, "attempts")

    // Out of time: the token settles, and its body is asked to end.
    let slow = TaskTokenGuard("slow", options: OperationOptions(runTimeout: .milliseconds(5))) { (_: Int) in
        while TokenContext.current?.isCancelled == false {}
    }
    do {
        try await slow(0).value
    } catch let error as TokenError where error.code == .timedOut {
        print("slow:", error.code)
    }

    // One call after others, later, and once however often it is asked for.
    let report = TaskTokenGuard("report") { (title: String) in "report of \(title)" }
    coordinator.pause()  // so that the first is alive when it is asked for again
    let pages = [fetch(1), fetch(2)]
    let first = report.with(delay: .milliseconds(1), after: pages, key: "daily")("today")
    let again = report.with(key: "daily")("today")
    coordinator.resume()
    print(try await first.value, first === again ? "(one token for two calls)" : "(two tokens)")

    // An operation that fails nearly always is kept from its callers.
    let breaker = CircuitBreaker(minimumRuns: 5, coolDown: .seconds(60))
    let broken = TaskTokenGuard("broken", options: OperationOptions(breaker: breaker)) { (_: Int) throws in
        throw Unreachable()
    }
    for number in 0..<5 { await broken(number).settled() }
    if case .failure(let error as TokenError)? = broken(5).resultIfSettled { print("broken:", error.code) }
    if let reputation = try coordinator.reputation(of: "broken") {
        print("broken:", reputation.health, reputation.failures.first?.count ?? 0, "of", reputation.runs)
    }
}
