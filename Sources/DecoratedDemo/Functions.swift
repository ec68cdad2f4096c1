//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TokenGateMacros

// The decorated functions of the demo. Each is what a program would write; `mixed` is the work, called directly for comparison.

/// Some work whose result is easily compared.
func mixed(_ seed: UInt64, times: Int) -> UInt64 {
    var value = seed
    for _ in 0..<times {
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value ^= value >> 27
    }
    return value
}

@TaskTokenGuard("mix", weight: .light)
func mix(_ seed: UInt64, times: Int = 20) -> TaskToken<UInt64> { mixed(seed, times: times) }

/// Its body awaits: it runs as an async one.
@TaskTokenGuard("mix_twice")
func mixTwice(_ seed: UInt64) -> TaskToken<UInt64> {
    let first = try await mix(seed).value
    await Task.yield()
    return mixed(first, times: 20)
}

/// All that it submits runs in its core domain, with its seed.
@TaskTokenGuard("family", weight: .heavy, externalCalls: ["member"])
func family(_ size: Int) -> TaskToken<[Place]> {
    let members = (0..<size).map { _ in member() }
    return try [.here] + waitForAll(members).map { try $0.get() }
}

@TaskTokenGuard("member")
func member() -> TaskToken<Place> { .here }

/// Where a body is, and whose seed it carries.
struct Place: Sendable {
    let domain: Int
    let seed: Seed?

    static var here: Place { Place(domain: TokenContext.current?.domain ?? 0, seed: TokenContext.current?.seed) }
}

struct Fault: Error {}

/// Fails as often as it is told before it returns.
@TaskTokenGuard("stubborn", options: OperationOptions(retry: RetryPolicy(attempts: 4, backOff: .none)))
func stubborn(failing times: Int) -> TaskToken<Int> {
    let attempt = TokenContext.current?.attempt ?? 0
    if attempt <= times { throw Fault() }
    return attempt
}

/// An account whose deposits come one after the other, in one core domain, because its number is their key.
final class Account: @unchecked Sendable {
    let number: Int
    private let home = Atomic<Int>(0)
    private let movedCount = Atomic<Int>(0)

    // Deliberately without protection: the anchor's order is what keeps bodies apart.
    private var balance = 0

    init(number: Int) { self.number = number }

    @TaskTokenGuard("deposit", anchorBy: \Account.number, ordered: true)
    func deposit(_ amount: Int) -> TaskToken<Int> {
        let domain = TokenContext.current?.domain ?? 0
        let (isFirst, first) = home.compareExchange(expected: 0, desired: domain, ordering: .relaxed)
        if !isFirst, first != domain { movedCount.add(1, ordering: .relaxed) }
        let before = balance
        _ = mixed(UInt64(amount), times: 5)
        balance = before + amount
        return balance
    }

    /// Deposits that ran in another core domain than the first.
    var moved: Int { movedCount.load(ordering: .relaxed) }
}

/// A generic function: each call makes its guard anew, and it is one operation all the same.
@TaskTokenGuard("same")
func same<Value: Sendable>(_ value: Value) -> TaskToken<Value> { value }
