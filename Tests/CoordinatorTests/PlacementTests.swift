//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenCore

@testable import Coordinator

/// Where free tokens go while heavy bodies run.
@Suite struct PlacementTests {
    /// Several, so that chance cannot place them all where they belong.
    private static let rounds = 3

    @Test(
        "A free token goes where no heavy body runs; where one runs everywhere, to its caller's own core",
        .enabled(if: ((try? CurrentThread.affinity().count) ?? 1) > 1, "two CPUs are needed"))
    func besideHeavyBodies() async throws {
        try await withTestCoordinator {
            $0.maximumDomains = 2
        } _: { coordinator in
            let engine = coordinator.engine
            try #require(engine.domains.count == 2)
            let light = TaskTokenGuard("place.light", weight: .light, on: coordinator) { TokenContext.current?.domain }
            let medium = TaskTokenGuard("place.medium", on: coordinator) { TokenContext.current?.domain }
            let gates = [Gate(), Gate()]
            let heavy = TaskTokenGuard("place.heavy", weight: .heavy, on: coordinator) { (n: Int) in gates[n].pass() }
            // Where a token was placed is told by its event; others may take it over from there.
            func placed(_ guard: TaskTokenGuard<Void, Int?>, from domain: Int?) async throws -> [Int] {
                var places: [Int] = []
                for _ in 0..<Self.rounds {
                    let isIdle = await eventually { engine.crews.ready(.standard).word == 0b11 }
                    try #require(isIdle)
                    let events = coordinator.events
                    let token = try await onThread {
                        if let domain { try CurrentThread.setAffinity(engine.domains[domain].cpus) }
                        return `guard`()
                    }
                    _ = await token.result
                    for await event in events {
                        guard case .token(let id, _, .admitted, let domain) = event.kind, id == token.id else {
                            continue
                        }
                        places.append(domain ?? 0)
                        break
                    }
                }
                return places
            }
            let first = heavy(0)
            #expect(await gates[0].waitForArrivals())
            let busy = try #require((0..<2).first { !engine.crews.ready(.heavy).contains($0) })
            let calm = [Int](repeating: 2 - busy, count: Self.rounds)
            #expect(try await placed(light, from: busy) == calm)
            #expect(try await placed(medium, from: busy) == calm)
            let second = heavy(1)
            #expect(await gates[1].waitForArrivals())
            #expect(engine.crews.ready(.heavy).word == 0)
            for domain in 0..<2 {
                let own = [Int](repeating: domain + 1, count: Self.rounds)
                #expect(try await placed(light, from: domain) == own)
                #expect(try await placed(medium, from: domain) == own)
            }
            for gate in gates { gate.open() }
            #expect(await settle([first, second]))
        }
    }
}
