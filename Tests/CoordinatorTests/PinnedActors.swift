//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Coordinator
import TestSupport
import TokenCore

/// Where a piece of code ran.
struct Whereabouts: Sendable {
    let thread = CurrentThread.name()
    let cpu = CurrentThread.cpu()
    let id = TokenContext.current?.id

    /// Whether that was on a thread for light and medium tokens of a domain.
    func isIn(_ domain: Int) -> Bool { thread.hasPrefix("tg\(domain)-standard".prefix(15)) }
}

/// An actor on an anchor's core.
actor PinnedActor {
    nonisolated let executor: AnchorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private(set) var count = 0

    init(_ executor: AnchorExecutor) { self.executor = executor }

    @discardableResult
    func add() -> Int {
        count += 1
        return count
    }

    /// Looks around, leaves its core in every way there is, and looks again after each.
    func journey() async throws -> [Whereabouts] {
        var seen = [Whereabouts()]
        await Task.yield()
        seen.append(Whereabouts())
        try await Task.sleep(for: .microseconds(50))
        seen.append(Whereabouts())
        await MainActor.run {}
        seen.append(Whereabouts())
        _ = await aside()
        seen.append(Whereabouts())
        async let child = aside()
        _ = await child
        seen.append(Whereabouts())
        return seen
    }

    /// Waits for a token, suspended.
    func value(of token: TaskToken<Int>) async throws -> Int { try await token.value }

    /// Waits for a token, and blocks its thread meanwhile.
    func blockingValue(of call: @Sendable () -> TaskToken<Int>) throws -> Int { try call().wait() }

    func pass(_ gate: Gate) { gate.pass() }

    func run<Result: Sendable>(_ body: @Sendable (isolated PinnedActor) throws -> Result) rethrows -> Result {
        try body(self)
    }
}

/// A nonisolated function.
func aside() async -> Whereabouts {
    await Task.yield()
    return Whereabouts()
}

/// An actor without an executor of its own.
actor PlainActor {
    private(set) var count = 0

    func look() -> Whereabouts {
        count += 1
        return Whereabouts()
    }
}

/// A number that nothing protects: thread sanitizer, or the sum, tells when two touch it at once.
final class Unprotected: @unchecked Sendable {
    private(set) var count = 0
    private var isInside = false
    private(set) var meetings = 0

    func add() {
        if isInside { meetings += 1 }
        isInside = true
        count += 1
        isInside = false
    }
}
