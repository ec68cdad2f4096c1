//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Coordinator
import TestSupport
import Testing
import TokenCore

/// Derived tokens under a coordinator: waited for in bodies, and reached by control.
@Suite struct ControlDerivedTests {
    @Test("C9 a body may wait for a mapped or zipped token of its own, with one domain and one worker")
    func waitInBody() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let child = TaskTokenGuard("derived.child") { (n: Int) in n }
            let parent = TaskTokenGuard("derived.parent", on: coordinator) { (n: Int) throws in
                let mapped = child(n).map { $0 + 1 }.map { $0 * 2 }
                let pair = child(1).map { $0 + 1 }.zip(child(3))
                var deep = child(0)
                for _ in 0..<50 { deep = deep.map { $0 + 1 } }
                let (left, right) = try pair.wait()
                return try mapped.wait() + left + right + deep.wait()
            }
            for result in await gather((0..<20).map { parent($0) }).enumerated() {
                let value = try result.element.get()
                #expect(value == (result.offset + 1) * 2 + 5 + 50)
            }
        }
    }

    @Test("C6 a token derived from a lead or its descendant runs in the lead's domain, with its seed")
    func derivedInLead() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator async throws in
            let lead = TaskTokenGuard("derived.lead", locality: .lead(externalCalls: ["x"]), on: coordinator) {
                (_: Int) in
                TokenContext.current
            }
            for n in 0..<40 {
                let token = lead(n)
                let mapped = token.map {
                    ($0?.domain, $0?.seed, TokenContext.current?.domain, TokenContext.current?.seed)
                }
                let (domain, seed, derivedDomain, derivedSeed) = try await mapped.value
                #expect(domain == derivedDomain && domain != nil)
                #expect(seed == derivedSeed && seed != nil)
            }
            #expect(await eventually { coordinator.statistics().openLeases == 0 })
        }
    }

    @Test(
        "Killing all of \"<operation>.map\" settles derived tokens whose source has not settled")
    func sweepDerived() async throws {
        try await withTestCoordinator { coordinator in
            let gate = Gate()
            let source = TaskTokenGuard("derived.swept", on: coordinator) { (n: Int) in gate.pass() }(1)
            let mapped = source.map { _ in 1 }
            #expect(try coordinator.killAll("derived.swept.map") == 1)
            #expect(mapped.state == .killed)
            gate.open()
            try await source.value
        }
    }
}
