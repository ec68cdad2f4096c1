//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// While a token of an anchor is alive, every token of that anchor runs in the same core domain. An ordered anchor also runs
// one token at a time, in the order of submission, so what it touches needs no lock of its own.

import TokenGate

struct Deposit: Sendable {
    var user: Int
    var amount: Int
}

struct Receipt: Sendable {
    var balance: Int
    var domain: Int
}

let accounts = Accounts()
let deposit = TaskTokenGuard("deposit", locality: .sticky(ordered: true) { (d: Deposit) in d.user }) { (d: Deposit) in
    Receipt(balance: accounts.add(d.amount, to: d.user), domain: TokenContext.current?.domain ?? 0)
}

try await withCoordinator { _ in
    // Three users, interleaved: each user's deposits keep their order, users do not wait for each other.
    let tokens = (1...100).flatMap { amount in (1...3).map { deposit(Deposit(user: $0, amount: amount)) } }
    let receipts = try await gather(tokens).map { try $0.get() }

    for user in 1...3 {
        let own = receipts.enumerated().filter { $0.offset % 3 == user - 1 }.map(\.element)
        let inOrder = own.map(\.balance) == (1...100).map { $0 * ($0 + 1) / 2 }
        let domains = Set(own.map(\.domain)).count
        print("user \(user): \(own.last?.balance ?? 0) after \(own.count) deposits")
        print("    in order: \(inOrder), core domains: \(domains)")
    }

    // A key of no bytes names nothing: the token settles at once with an error that says so.
    let nameless = TaskTokenGuard("nameless", locality: .sticky { (key: String) in key }) { (key: String) in key }
    do {
        print(try await nameless("").value)
    } catch {
        print(error)
    }
}
