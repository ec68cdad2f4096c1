//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// More calls than there is room for: the caller waits, the new one is refused, or the oldest goes.

import Foundation
import TokenGate

/// What became of each token: its number, or a dash for one that had no place.
func outcome(_ tokens: [TaskToken<Int>]) async -> String {
    await gather(tokens).map { (try? $0.get()).map(String.init) ?? "-" }.joined(separator: " ")
}

/// An ordinary thread's program: it is blocked until there is room.
func produce(with load: TaskTokenGuard<Int, Int>) throws -> Int {
    let tokens = try (1...100).map { try load.submitBlocking($0, timeout: .seconds(60)) }
    return try waitForAll(tokens).reduce(0) { try $0 + $1.get() }
}

try await withCoordinator { coordinator in
    // The default: a producer that is too fast waits for a place. A plain call does not wait, and is refused.
    let load = TaskTokenGuard("load", options: OperationOptions(capacity: 4)) { (row: Int) in row }
    var tokens: [TaskToken<Int>] = []
    for row in 1...100 { tokens.append(try await load.submit(row)) }
    print("submit:", try await gather(tokens).reduce(0) { try $0 + $1.get() })

    let sum = try await withCheckedThrowingContinuation { done in
        Thread.detachNewThread { done.resume(with: Result { try produce(with: load) }) }
    }
    print("submitBlocking:", sum)

    // While it is paused all places are taken by the first four.
    func six(_ policy: OverloadPolicy) async throws -> String {
        let options = OperationOptions(capacity: 4, overload: policy)
        let operation = TaskTokenGuard("six.\(policy)", options: options) { (number: Int) in number }
        coordinator.pause()
        let tokens = (1...6).map { operation($0) }
        coordinator.resume()
        return await outcome(tokens)
    }
    print("suspend, called without waiting:", try await six(.suspend))
    print("reject:", try await six(.reject))
    // Half of the capacity is on its way to the workers; of the others the oldest make room.
    print("dropOldest:", try await six(.dropOldest))
}

// The same for all that is alive in a coordinator, whatever its operation. What a body submits always comes in.
var small = Configuration()
small.capacity = 4
small.overload = .reject
try await withCoordinator(small) { coordinator in
    let leaf = TaskTokenGuard("leaf") { (number: Int) in number }
    let tree = TaskTokenGuard("tree") { (leaves: Int) async throws in
        try await gather((1...leaves).map { leaf($0) }).reduce(0) { try $0 + $1.get() }
    }
    print("a tree of ten where four may live:", try await tree(10).value)

    coordinator.pause()
    let tokens = (1...6).map { leaf($0) }
    coordinator.resume()
    print("six from outside:", await outcome(tokens))
    if let places = coordinator.statistics().admission {
        print("of \(places.capacity) places \(places.inUse) in use, \(places.rejected) tokens rejected")
    }
}
