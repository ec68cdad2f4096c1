//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// How many may be inside, how many may be alive, and who goes first.

import Synchronization
import TokenGate

/// Counts who is inside, and the most there ever were.
final class Room: Sendable {
    private let counts = Mutex((inside: 0, most: 0))

    func enter() { counts.withLock { $0 = ($0.inside + 1, max($0.most, $0.inside + 1)) } }
    func leave() { counts.withLock { $0.inside -= 1 } }
    var most: Int { counts.withLock { $0.most } }
}

/// A door, and who went through it in which order.
final class Door: Sendable {
    private let state = Mutex((isOpen: false, order: [String]()))

    func open() { state.withLock { $0.isOpen = true } }
    var isOpen: Bool { state.withLock { $0.isOpen } }
    func pass(_ name: String) { state.withLock { $0.order.append(name) } }
    var order: [String] { state.withLock { $0.order } }
}

// At most three of a hundred queries at a time: the others wait without a thread.
try await withCoordinator { coordinator in
    let room = Room()
    let query = TaskTokenGuard("query", storage: .insane, options: OperationOptions(concurrency: 3)) { (number: Int) in
        room.enter()
        defer { room.leave() }
        return number * number
    }
    let sum = try await gather((1...100).map { query($0) }).reduce(0) { try $0 + $1.get() }
    print("queries:", sum, room.most <= 3 ? "never more than 3 at once" : "\(room.most) at once")

    // From now on one at a time, whoever calls it; a body that waits lends its place, so it may call itself.
    try coordinator.setConcurrencyLimit(1, of: "factorial")
    @Sendable func factorial(_ number: Int) throws -> Int { number == 0 ? 1 : try number * again(number - 1).wait() }
    @Sendable func again(_ number: Int) -> TaskToken<Int> { TaskTokenGuard("factorial", factorial)(number) }
    print("factorial:", try await again(10).value)

    // Two uploads of each user at a time.
    let users = ["ann", "bob"].map { _ in Room() }
    let upload = TaskTokenGuard("upload", locality: .sticky(atOnce: 2) { (user: Int) in user }) { (user: Int) async in
        users[user].enter()
        await Task.yield()
        users[user].leave()
    }
    _ = await gather((0..<40).map { upload($0 % 2) })
    print("uploads:", users.allSatisfy { $0.most <= 2 } ? "never more than 2 of a user" : "too many")
}

// One core, so that tokens stand in line: the urgent go first.
var configuration = Configuration()
configuration.maximumDomains = 1
configuration.adaptation = .off
configuration.agingTime = .seconds(60)
try await withCoordinator(configuration) { coordinator in
    let door = Door()
    let first = TaskTokenGuard("first") { (_: Int) in
        while !door.isOpen { _ = CurrentThread.tid() }
    }(0)
    while first.state != .executing { await Task.yield() }
    let tokens = [TokenPriority.low, .normal, .high].map { priority in
        TaskTokenGuard("line", options: OperationOptions(priority: priority)) { (_: Int) in
            door.pass(priority.description)
        }(0)
    }

    // Two may be alive; who comes on top is told at once.
    let options = OperationOptions(capacity: 2, overload: .reject)
    let bounded = TaskTokenGuard("bounded", options: options) { (number: Int) in number }
    let (one, two, three) = (bounded(1), bounded(2), bounded(3))
    if case .failure(let error as TokenError)? = three.resultIfSettled { print("the third:", error.code) }

    door.open()
    await first.settled()
    _ = await gather(tokens)
    print("order:", door.order.joined(separator: ", "))
    print("the others:", try await one.value, try await two.value)
}
