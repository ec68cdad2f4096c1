//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Foundation

/// A gate that bodies stand at until a test opens it, and that counts who has come.
///
/// Bodies block in `pass()`, as a body that computes would keep its thread. A test that forgets to open would hang for
/// ever, so the gate gives up after `limit` and says so through `timedOut`.
public final class Gate: @unchecked Sendable {
    // All protected by `condition`.
    private let condition = NSCondition()
    private var isOpenNow = false
    private var arrivals = 0
    private var present = 0
    private var mostPresent = 0
    private var gaveUp = 0

    /// How long anything here waits at most: generous, since no test is decided by it.
    public static let limit: Double = 240

    /// Makes a gate, closed unless said otherwise.
    public init(open: Bool = false) { isOpenNow = open }

    /// Blocks the calling thread until the gate is open.
    public func pass() {
        condition.lock()
        defer { condition.unlock() }
        arrivals += 1
        present += 1
        mostPresent = max(mostPresent, present)
        condition.broadcast()
        let deadline = Date(timeIntervalSinceNow: Self.limit)
        while !isOpenNow {
            if !condition.wait(until: deadline), !isOpenNow {
                gaveUp += 1
                break
            }
        }
        present -= 1
    }

    /// Lets everyone through, now and from now on.
    public func open() {
        condition.lock()
        isOpenNow = true
        condition.broadcast()
        condition.unlock()
    }

    /// How many have come so far, whether or not they went through.
    public var arrived: Int { read { arrivals } }

    /// How many stand at the gate at this moment.
    public var standing: Int { read { present } }

    /// The most that stood at the gate at once.
    public var peak: Int { read { mostPresent } }

    /// Those who were not let through in time: a test that sees one has failed.
    public var timedOut: Int { read { gaveUp } }

    /// Waits until `count` have come, without blocking a thread of the cooperative pool; false when they do not come.
    @discardableResult
    public func waitForArrivals(_ count: Int = 1) async -> Bool { await eventually { self.arrived >= count } }

    private func read<Value>(_ value: () -> Value) -> Value {
        condition.lock()
        defer { condition.unlock() }
        return value()
    }
}

/// Polls until `condition` holds; false when it does not within a generous limit.
///
/// For conditions that must come about in the end; how long that takes decides nothing.
public func eventually(
    within limit: Duration = .seconds(240), _ condition: @Sendable () async -> Bool
) async -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    var pause = Duration.microseconds(50)
    while await !condition() {
        if clock.now >= deadline { return await condition() }
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(5))
    }
    return true
}

/// Runs `body` on a thread of its own, as blocking callers do, and awaits what it returns.
public func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}
