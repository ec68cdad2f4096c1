//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// C11: tokens that are in a thread's hand, between two lists, while a stop goes by.
@Suite("C11 tokens carried across a stop")
struct C11CarriedTests {
    @Test("C11 a token that died on its way to a closed crew gives back what it holds")
    func deadOnItsWay() async throws {
        weak var left: AnyTaskToken?
        let engine = try await stoppedEngine()
        do {
            let token = AnyTaskToken(plan: try writerPlan())
            token.transition { $0.holding() }
            left = token
            let granted = engine.tier(.slow).permits.withLock { $0.acquire(.token(.passUnretained(token))) }
            try #require(granted)
            token.holdings.insert(.permit)
            token.settle(for: .coordinatorStopped)
            engine.deliver(.passRetained(token), engine.operations.record(token.operation))
        }
        #expect(engine.tier(.slow).permits.withLock { $0.inUse } == 0)
        #expect(left == nil)
    }

    @Test("C11 a token that an ancestor runs while another thread carries it keeps what it holds until that body ends")
    func runMeanwhile() async throws {
        let engine = try await stoppedEngine()
        let token = AnyTaskToken(plan: try writerPlan())
        token.transition { $0.admitting() }
        let granted = engine.tier(.slow).permits.withLock { $0.acquire(.token(.passUnretained(token))) }
        try #require(granted)
        token.holdings.insert(.permit)
        try #require(token.begin())
        token.settle(for: .coordinatorStopped)
        engine.deliver(.passRetained(token), engine.operations.record(token.operation))
        #expect(engine.tier(.slow).permits.withLock { $0.inUse } == 1)
        engine.returnHoldings(token)
        #expect(engine.tier(.slow).permits.withLock { $0.inUse } == 0)
    }

    private func writerPlan() throws -> TokenPlan {
        TokenPlan(operation: try .named("c11_carried"), tags: TokenTags(storage: .slow))
    }

    private func stoppedEngine() async throws -> Engine {
        var configuration = Configuration()
        configuration.pretend(domains: 1)
        let engine = try Engine(configuration)
        try await engine.start()
        _ = await engine.stop(timeout: .zero)
        return engine
    }
}
