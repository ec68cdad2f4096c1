//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// What a body knows of where it came from: the caller's task-locals where it asks for them; its seed and its core always,
// across every suspension.

import TokenGate

enum Trace {
    @TaskLocal static var id: String?
}

/// Where a body is.
struct Place: Sendable, Hashable {
    var seed = TokenContext.current?.seed
    var domain = TokenContext.current?.domain
}

try await withCoordinator { _ in
    // Task-locals end at a queue, unless the operation has them brought along.
    let plain = TaskTokenGuard("plain") { (_: Int) in Trace.id }
    let captured = OperationOptions(context: .captured)
    let traced = TaskTokenGuard("traced", options: captured) { (_: Int) in Trace.id }
    let tracedAsync = TaskTokenGuard("traced.async", options: captured) { (_: Int) async in
        await Task.yield()
        async let child = Trace.id  // child tasks have it as well
        return await child
    }
    let tokens = Trace.$id.withValue("request 7") { [plain(0), traced(0), tracedAsync(0)] }
    for token in tokens { print("\(token.operationType):", try await token.value ?? "nothing") }

    // An async body frees its worker while it is suspended, and comes back to its own core.
    let steps = TaskTokenGuard("steps", locality: .sticky("ledger")) { (count: Int) async in
        var places: Set<Place> = [Place()]
        for _ in 0..<count {
            await Task.yield()
            places.insert(Place())
        }
        return places.count
    }
    print("a hundred suspensions on", try await steps(100).value, "core")

    // A lead's seed goes through its awaits to all that is submitted below it.
    let leaf = TaskTokenGuard("leaf") { (_: Int) in Place() }
    let tree = TaskTokenGuard("tree", locality: .lead(externalCalls: ["leaf"])) { (leaves: Int) async throws in
        let before = Place()
        let below = try await gather((0..<leaves).map { leaf($0) }).map { try $0.get() }
        return Set([before, Place()] + below)
    }
    let places = try await tree(10).value
    print("a lead and its ten leaves in", places.count, "place, with", places.first?.seed == nil ? "no seed" : "a seed")
}
