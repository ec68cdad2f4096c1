//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

@_spi(Stepping) import Coordinator
import TestSupport
import Testing
import TokenCore

/// A coordinator without threads, whose one worker is stepped.
@Suite struct SteppingTests {
    @Test("A stepped coordinator runs what is there when it is told to, on the caller's thread, and what that submits")
    func steps() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 1) }
        let child = TaskTokenGuard("step.child") { (n: Int) in n + 1 }
        let call = TaskTokenGuard("step.call", on: coordinator) { (n: Int) in (n, child(n)) }
        let early = call(0)
        try await coordinator.withSteps { step in
            let tokens = (1...9).map { call($0) }
            #expect(tokens.allSatisfy { $0.state == .admitted })
            #expect(step() == 20)
            #expect(step() == 0)
            for (index, token) in ([early] + tokens).enumerated() {
                let (n, child) = try #require(try token.resultIfSettled?.get())
                #expect(n == index)
                #expect(try child.resultIfSettled?.get() == index + 1)
            }
        }
        #expect(coordinator.statistics().counts.completed == 20)
        #expect(coordinator.statistics().domains.allSatisfy { $0.workers.isEmpty })
        await #expect(throws: TokenError.self) { try await coordinator.withSteps { _ in } }
        #expect(await coordinator.stop().isClean)
    }
}
