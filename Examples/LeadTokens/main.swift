//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// A lead claims a core domain for itself and for everything that is submitted while it runs, by it or by a descendant: they
// all carry its seed and run where it runs, until the last of them is settled.

import TokenGate

struct Visit: Sendable {
    var seed: Seed?
    var domain: Int?

    static var here: Visit { Visit(seed: TokenContext.current?.seed, domain: TokenContext.current?.domain) }
}

let leaf = TaskTokenGuard("leaf", weight: .light) { (_: Int) in [Visit.here] }
let branch = TaskTokenGuard("branch") { (n: Int) throws in
    try [Visit.here] + waitForAll((0..<n).map { leaf($0) }).flatMap { try $0.get() }
}
// A body may wait for tokens that it submitted: blocking like `branch`, or async like `tree`.
let tree = TaskTokenGuard("tree", weight: .heavy, locality: .lead(externalCalls: ["branch"])) { (n: Int) async throws in
    try await [Visit.here] + gather((0..<n).map { _ in branch(n) }).flatMap { try $0.get() }
}

try await withCoordinator { coordinator in
    let token = tree(3)
    let visits = try await token.value
    let (seeds, domains) = (Set(visits.map(\.seed)), Set(visits.map(\.domain)))
    print("\(visits.count) bodies, seeds: \(seeds.count), core domains: \(domains.count)")

    // Anyone can recompute a seed from the lead's id and its call list.
    print("seed recomputed:", Seed(lead: token.id, externalCalls: ["branch"]) == token.seed)

    let forest = try await gather((1...20).map { _ in tree(2) }).map { try $0.get() }
    let apart = forest.filter { Set($0.map(\.seed)).count > 1 || Set($0.map(\.domain)).count > 1 }
    print("\(forest.count) trees, torn apart: \(apart.count)")
    print("leases left: \(coordinator.statistics().openLeases)")
}
