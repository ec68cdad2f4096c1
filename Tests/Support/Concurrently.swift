//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Foundation
internal import Synchronization
internal import TokenCore

/// Runs `body` on `count` threads of their own, which all begin together; returns when all have ended.
public func concurrently(_ count: Int, _ body: @escaping @Sendable (_ index: Int) -> Void) async {
    let ready = Tally()
    await withTaskGroup(of: Void.self) { group in
        for index in 0..<count {
            group.addTask {
                try? await onThread {
                    ready.add()
                    while ready.value < count { sched_yield() }
                    body(index)
                }
            }
        }
    }
}

/// A counter that any thread may move.
public final class Tally: Sendable {
    private let count = Atomic<Int>(0)

    /// Starts at zero.
    public init() {}

    /// Adds; answers the new value.
    @discardableResult
    public func add(_ amount: Int = 1) -> Int { count.add(amount, ordering: .sequentiallyConsistent).newValue }

    /// The value now.
    public var value: Int { count.load(ordering: .sequentiallyConsistent) }
}

/// A list that any thread may append to.
public final class Journal<Element: Sendable>: Sendable {
    private let list = Guarded<[Element]>([])

    /// Starts empty.
    public init() {}

    /// Appends.
    public func note(_ element: Element) { list.withLock { $0.append(element) } }

    /// What was appended, in order.
    public var all: [Element] { list.withLock { $0 } }

    /// How much was appended.
    public var count: Int { list.withLock { $0.count } }
}

/// Random numbers from a seed that is printed, so that a failure can be run again: set `TOKENGATE_TEST_SEED` to it.
public struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    /// Draws a seed, or takes the one from the environment, and prints it.
    ///
    /// - Parameter test: the name that is printed with it.
    public init(for test: String) {
        let given = ProcessInfo.processInfo.environment["TOKENGATE_TEST_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 1...UInt64.max)
        print("\(test): seed \(seed)")
        state = seed
    }

    /// Goes on from a number that was drawn before, for a thread of its own.
    public init(seed: UInt64) { state = seed }

    /// SplitMix64.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
