//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGateMacros

/// Something that must hold, and what was seen of it.
struct Check: Sendable {
    let statement: String
    private(set) var checked = 0
    private(set) var broken = 0

    init(_ statement: String) { self.statement = statement }

    /// Adds observations, and those of them that contradict it.
    mutating func add(_ observations: Int, broken: Int) {
        checked += observations
        self.broken += broken
    }
}

/// Calls decorated functions in rounds, and compares.
struct DecoratedLoad: Sendable {
    private static let callsEach = 400
    private static let accountCount = 16

    private(set) var results = Check("C1   every result is that of a direct call")
    private(set) var order = Check("C5   deposits of an account run one at a time, in the order of the calls")
    private(set) var homes = Check("C5   deposits of an account run in one core domain")
    private(set) var families = Check("C6   a lead's members run in its core domain, with its seed")
    private(set) var attempts = Check("C1   a body is run again as often as it failed, as the same token")
    private(set) var books = Check("C1   every call was one token, and each settled")
    private(set) var calls = 0
    private(set) var rounds = 0
    private let accounts = (0..<accountCount).map(Account.init)
    private var balances = [Int](repeating: 0, count: accountCount)
    private var random: Dice

    init(seed: UInt64) { random = Dice(state: seed) }

    /// What was checked.
    var checks: [Check] { [results, attempts, books, order, homes, families] }

    /// Calls for so long, at least one round.
    mutating func run(for time: Duration, on coordinator: OperationsCoordinator) async {
        let start = ContinuousClock.now
        repeat {
            await compute()
            await deposit()
            await gatherFamilies()
            await tryAgain()
            rounds += 1
        } while .now - start < time
        let counts = coordinator.statistics().counts
        books.add(calls, broken: abs(calls - Int(clamping: counts.submitted)) + Int(clamping: counts.live))
    }

    private mutating func compute() async {
        let seeds = (0..<Self.callsEach).map { _ in random.next() }
        let plain = seeds.map { mix($0) }
        let twice = seeds.map { mixTwice($0) }
        let given = seeds.map { same($0) }
        calls += 4 * seeds.count  // that within `mixTwice` included
        compare(await gather(plain), seeds.map { mixed($0, times: 20) })
        compare(await gather(twice), seeds.map { mixed(mixed($0, times: 20), times: 20) })
        compare(await gather(given), seeds)
    }

    private mutating func compare(_ found: [Result<UInt64, any Error>], _ wanted: [UInt64]) {
        results.add(found.count, broken: zip(found, wanted).count { (try? $0.0.get()) != $0.1 })
    }

    private mutating func deposit() async {
        var tokens: [TaskToken<Int>] = []
        var wanted: [Int] = []
        for _ in 0..<Self.callsEach {
            let index = Int.random(in: 0..<accounts.count, using: &random)
            let amount = Int.random(in: 1...9, using: &random)
            balances[index] += amount
            tokens.append(accounts[index].deposit(amount))
            wanted.append(balances[index])
        }
        calls += tokens.count
        let moved = accounts.reduce(0) { $0 - $1.moved }
        let found = await gather(tokens)
        order.add(found.count, broken: zip(found, wanted).count { (try? $0.0.get()) != $0.1 })
        homes.add(found.count, broken: accounts.reduce(moved) { $0 + $1.moved })
    }

    private mutating func gatherFamilies() async {
        let size = 6
        let tokens = (0..<20).map { _ in family(size) }
        calls += tokens.count * (1 + size)
        for (token, result) in zip(tokens, await gather(tokens)) {
            let seed = Seed(lead: token.id, externalCalls: ["member"])
            let places = (try? result.get()) ?? []
            let strangers = places.count { $0.domain != places.first?.domain || $0.seed != seed }
            families.add(1 + size, broken: strangers + 1 + size - places.count)
        }
    }

    private mutating func tryAgain() async {
        let failures = (0..<100).map { _ in Int.random(in: 0..<4, using: &random) }
        let tokens = failures.map { stubborn(failing: $0) }
        calls += tokens.count
        let found = await gather(tokens)
        for ((token, result), failures) in zip(zip(tokens, found), failures) {
            let isRight = (try? result.get()) == failures + 1 && token.attempts == failures + 1
            attempts.add(1, broken: isRight ? 0 : 1)
        }
    }
}

/// SplitMix64.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
