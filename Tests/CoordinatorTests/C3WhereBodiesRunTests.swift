//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Coordinator
import TestSupport
import Testing
import TokenCore

/// C3: bodies run on workers, never on the caller's thread, the cooperative pool, or under a lock.
@Suite struct C3WhereBodiesRunTests {
    struct Place: Sendable, Hashable {
        let thread: String
        let tid: Int32
        let domain: Int?
    }

    private static func here() -> Place {
        Place(thread: CurrentThread.name(), tid: CurrentThread.tid(), domain: TokenContext.current?.domain)
    }

    private func everyKind(on coordinator: OperationsCoordinator) -> [TaskTokenGuard<Int, Place>] {
        let body: @Sendable (Int) -> Place = { _ in Self.here() }
        return [
            TaskTokenGuard("c3.light", weight: .light, on: coordinator, body),
            TaskTokenGuard("c3.medium", on: coordinator, body),
            TaskTokenGuard("c3.heavy", weight: .heavy, on: coordinator, body),
            TaskTokenGuard("c3.storage", storage: .insane, on: coordinator, body),
            TaskTokenGuard("c3.sticky", locality: .sticky("c3"), on: coordinator, body),
            TaskTokenGuard("c3.lead", locality: .lead(externalCalls: ["c3.medium"]), on: coordinator, body),
            TaskTokenGuard("c3.async", on: coordinator) { (_: Int) async in Self.here() },
        ]
    }

    @Test("C3 a body of any kind runs on a worker thread of its domain, never on the caller's")
    func onWorkers() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator in
            for guarded in everyKind(on: coordinator) {
                for _ in 0..<20 {
                    let (place, caller) = try await onThread { (try guarded(1).wait(), CurrentThread.tid()) }
                    let domain = try #require(place.domain)
                    #expect(place.thread.hasPrefix("tg\(domain)-"), "\(guarded.operationType): \(place)")
                    #expect(place.tid != caller)
                }
            }
        }
    }

    @Test("C3 bodies submitted from tasks, bodies, callbacks and transforms keep off the cooperative pool")
    func fromEverywhere() async throws {
        try await withTestCoordinator { coordinator in
            let place = TaskTokenGuard("c3.from", on: coordinator) { (_: Int) in Self.here() }
            let nested = TaskTokenGuard("c3.nested", on: coordinator) { (_: Int) throws in
                let token = place(1)
                return (Self.here(), try token.wait())
            }
            let fromCallback = Journal<TaskToken<Place>>()
            let first = place(1)
            first.onSettled { fromCallback.note(place(2)) }
            let mapped = first.map { _ in Self.here() }
            var seen = [try await first.value, try await mapped.value]
            for await value in await Task.detached(operation: { completions(of: (0..<20).map { place($0) }) }).value {
                seen.append(try value.get())
            }
            let (outer, inner) = try await nested(1).value
            seen += [outer, inner]
            #expect(await eventually { fromCallback.count == 1 })
            seen.append(try await fromCallback.all[0].value)
            #expect(seen.allSatisfy { $0.thread.hasPrefix("tg") && $0.domain != nil }, "\(seen)")
        }
    }

    @Test("C3 bodies let go by a start, a resume, a raised limit or a kill run on workers, not where that was called")
    func letGo() async throws {
        let coordinator = try makeCoordinator { $0.storageLimits[.slow] = 1 }
        let (gate, free) = (Gate(), Gate())
        let kinds = everyKind(on: coordinator)
        // From before the start.
        var tokens = kinds.map { $0(1) }
        try await coordinator.start()
        // Held by a pause of all, and of one operation.
        let light = kinds[0]
        coordinator.pause()
        tokens += kinds.map { $0(1) }
        coordinator.resume()
        try coordinator.pause(light.operationType)
        tokens.append(light(1))
        try coordinator.resume(light.operationType)
        // In a tier's line, let in by a limit; in the lines of a tier and an anchor, by a kill.
        let holder = TaskTokenGuard("c3.let-holder", storage: .slow, on: coordinator) { gate.pass() }
        let writer = TaskTokenGuard("c3.let-writer", storage: .slow, on: coordinator) { Self.here() }
        let turn = Locality<Void>.sticky("let", ordered: true)
        let first = TaskTokenGuard("c3.let-turn", locality: turn, on: coordinator) { free.pass() }
        let next = TaskTokenGuard("c3.let-turn", locality: turn, on: coordinator) { Self.here() }
        let held = holder()
        #expect(await gate.waitForArrivals())
        tokens.append(writer())
        try coordinator.setStorageLimit(2, for: .slow)
        let running = first()
        #expect(await free.waitForArrivals())
        let (doomed, heir) = (next(), next())
        doomed.kill()
        free.open()
        tokens.append(heir)
        for token in tokens {
            let place = try await token.value
            #expect(place.thread.hasPrefix("tg") && place.domain != nil, "\(token.operationType): \(place)")
        }
        gate.open()
        _ = await (held.result, running.result)
        await coordinator.stop()
    }

    @Test("C3 no body runs under a lock: it may call back into its coordinator in every way, for every kind of token")
    func reentrant() async throws {
        try await withTestCoordinator { configuration in
            configuration.pretend(domains: 2)
            configuration.storageLimits[.slow] = 1
        } _: { coordinator in
            let child = TaskTokenGuard("c3.child") { (n: Int) in n }
            let inside = TaskTokenGuard("c3.inside", locality: .sticky("k", ordered: true)) { (n: Int) in n }
            let body: @Sendable (Int) throws -> Int = { n in
                _ = coordinator.statistics()
                _ = coordinator.phase
                _ = coordinator.isDraining
                _ = coordinator.events
                try coordinator.pause("c3.other")
                try coordinator.resume("c3.other")
                try coordinator.killAll("c3.other")
                try coordinator.discardWaiting("c3.other")
                try coordinator.setStorageLimit(1 + n % 3, for: .slow)
                let tokens = (0..<3).map { child($0) }
                tokens[2].kill()
                return try tokens[0].wait() + tokens[1].map { $0 + 1 }.wait()
            }
            let kinds: [TaskTokenGuard<Int, Int>] = [
                TaskTokenGuard("c3.re-light", weight: .light, on: coordinator, body),
                TaskTokenGuard("c3.re-heavy", weight: .heavy, on: coordinator, body),
                TaskTokenGuard("c3.re-storage", storage: .slow, on: coordinator, body),
                TaskTokenGuard("c3.re-ordered", locality: .sticky("k", ordered: true), on: coordinator) { n in
                    try body(n) + inside(0).wait()
                },
                TaskTokenGuard("c3.re-lead", locality: .lead(externalCalls: ["c3.child"]), on: coordinator, body),
            ]
            let tokens = (0..<Sizes.part(of: 40)).flatMap { n in kinds.map { $0(n) } }
            for result in await gather(tokens) {
                let sum = try result.get()
                #expect(sum == 2)
            }
        }
    }

    @Test("C3 arguments and results of a user's own classes are freed without a lock: their deinit may call back")
    func deinits() async throws {
        final class Nosy: Sendable {
            let coordinator: OperationsCoordinator
            let freed: Tally
            init(_ coordinator: OperationsCoordinator, _ freed: Tally) {
                (self.coordinator, self.freed) = (coordinator, freed)
            }
            deinit {
                _ = coordinator.statistics()
                coordinator.killAll()
                freed.add()
            }
        }
        let freed = Tally()
        try await withTestCoordinator { coordinator in
            let pass = TaskTokenGuard("c3.nosy", on: coordinator) { (n: Nosy) in n }
            let slow = TaskTokenGuard("c3.nosy-storage", storage: .slow, on: coordinator) { (n: Nosy) in n }
            let ordered = TaskTokenGuard(
                "c3.nosy-ordered", locality: .sticky("k", ordered: true), on: coordinator
            ) { (n: Nosy) in n }
            // What a pause holds is freed by the kill that finds it there.
            let held = TaskTokenGuard("c3.nosy-held", on: coordinator) { (n: Nosy) in n }
            try coordinator.pause("c3.nosy-held")
            let rounds = Sizes.part(of: 100)
            for _ in 0..<rounds {
                for guarded in [pass, slow, ordered, held] {
                    let token = guarded(Nosy(coordinator, freed))
                    token.kill()
                    _ = guarded(Nosy(coordinator, freed))
                }
            }
            coordinator.killAll()
            #expect(await eventually { freed.value == 8 * rounds }, "\(freed.value) of \(8 * rounds) were freed")
        }
    }

    @Test("C3 a thread's bodies leave nothing behind for the next one")
    func contextEnds() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let lead = TaskTokenGuard("c3.ends-lead", locality: .lead(externalCalls: ["x"]), on: coordinator) {
                (_: Int) in TokenContext.current?.seed
            }
            let plain = TaskTokenGuard("c3.ends", on: coordinator) { (_: Int) in TokenContext.current?.seed }
            for n in 0..<20 {
                let token = lead(n)
                let (own, after) = (try await token.value, try await plain(n).value)
                #expect(own == Seed(lead: token.id, externalCalls: ["x"]))
                #expect(after == nil)
            }
            #expect(TokenContext.current == nil)
        }
    }

    @Test("C3 a coordinator's token cannot be run, or submitted again, from outside")
    func runFromOutside() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let gate = Gate()
            let body = TaskTokenGuard(
                "c3.outside", storage: .slow, locality: .sticky("k", ordered: true), on: coordinator
            ) { gate.pass() }
            let tokens = (0..<3).map { _ in body() }
            await gate.waitForArrivals()
            for token in tokens {
                token.run()
                coordinator.submit(token, claim: .free)
            }
            #expect(tokens.map(\.state) == [.executing, .waiting, .waiting])
            gate.open()
            #expect(await settle(tokens))
            #expect(gate.arrived == 3)
            #expect(coordinator.statistics().counts.settled == 3)
        }
    }
}
