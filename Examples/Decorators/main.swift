//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// A Py-TokenGate program as its users know it: a call of a decorated function is a submission, and returns its token at once.

import TokenGateMacros

@TaskTokenGuard("string_ops", weight: .light)
func stringOp(_ text: String) -> TaskToken<String> { text.uppercased() }

@TaskTokenGuard("child_op")
func childOp(_ number: Int) -> TaskToken<Int> { number * number }

@TaskTokenGuard("lead_op", weight: .heavy, externalCalls: ["child_op"])
func leadOp(_ number: Int) -> TaskToken<Int> {
    let children = (0..<4).map { childOp(number + $0) }  // in the lead's core domain, with its seed
    return try waitForAll(children).reduce(0) { try $0 + $1.get() }
}

@TaskTokenGuard("read_slowly", storage: .slow)
func readSlowly(_ name: String, times: Int = 2) -> TaskToken<String> {
    try await Task.sleep(for: .milliseconds(1))  // so its body is an async one; the function is not
    return String(repeating: name, count: times)
}

@TaskTokenGuard("fails")
func fails(_ number: Int) -> TaskToken<Int> { throw TokenError(.invalidArgument, "\(number), as it should") }

// What a guard may ask for, a decorator may.
@TaskTokenGuard(
    "shaky", options: OperationOptions(retry: RetryPolicy(attempts: 3, backOff: .constant(.milliseconds(1)))))
func shaky(_ number: Int) -> TaskToken<Int> {
    guard let attempt = TokenContext.current?.attempt, attempt == 3 else {
        throw TokenError(.invalidArgument, "not yet")
    }
    return number
}

struct Account: Sendable {
    let id: Int
    let journal: Journal

    // All deposits of one account in one core domain, one after the other, in the order of the calls.
    @TaskTokenGuard("deposit", anchorBy: \Account.id, ordered: true)
    func deposit(_ amount: Int) -> TaskToken<Int> { journal.add(amount) }
}

try await withCoordinator { coordinator in
    for token in ["hello", "token", "gate"].map(stringOp) { print(try await token.value) }
    print(try await leadOp(1).value)
    print(try await readSlowly("ha").value)
    do { print(try await fails(7).value) } catch { print("the body threw:", error) }
    let third = shaky(5)
    print(try await third.value, "in attempt", third.attempts)

    let account = Account(id: 42, journal: Journal())
    let balances = await gather((1...100).map { account.deposit($0) })
    print(try balances.map { try $0.get() } == (1...100).map { $0 * ($0 + 1) / 2 } ? "in order" : "out of order")
    print(coordinator.statistics().counts.settled, "tokens settled")
}
