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

/// Pause, resume, kill and discard: at once on what is queued, by request on what runs.
@Suite struct ControlTests {
    private typealias Call = TaskTokenGuard<Int, Int>

    private static let kinds = ["plain", "heavy", "storage", "ordered", "lead"]

    /// One operation of each kind that waits in a place of its own.
    private func everyKind(
        _ name: String, on coordinator: OperationsCoordinator, _ body: @escaping @Sendable (Int) -> Int
    ) -> [Call] {
        [
            Call("\(name)-plain", on: coordinator, body),
            Call("\(name)-heavy", weight: .heavy, on: coordinator, body),
            Call("\(name)-storage", storage: .slow, on: coordinator, body),
            Call("\(name)-ordered", locality: .sticky("k", ordered: true), on: coordinator, body),
            Call("\(name)-lead", locality: .lead(externalCalls: ["x"]), on: coordinator, body),
        ]
    }

    @Test("Pause holds back every kind of token, resume lets them go; both say whether they changed anything")
    func pauseAll() async throws {
        try await withTestCoordinator { coordinator async throws in
            let runs = Tally()
            let kinds = everyKind("control.pause", on: coordinator) { _ in runs.add() }
            #expect(!coordinator.resume())
            #expect(coordinator.pause())
            #expect(!coordinator.pause())
            let tokens = (0..<20).flatMap { n in kinds.map { $0(n) } }
            // Something that must pass all workers after them: it has nothing to wait for but a pause.
            #expect(tokens.allSatisfy { $0.state == .waiting })
            #expect(coordinator.statistics().counts.queued == 100)
            #expect(runs.value == 0)
            #expect(coordinator.resume())
            #expect(!coordinator.resume())
            _ = await gather(tokens)
            #expect(runs.value == 100)
        }
    }

    @Test("Pause of one operation leaves the others alone, and outlasts a resume of all")
    func pauseOne() async throws {
        try await withTestCoordinator { coordinator async throws in
            let held = Call("control.held", on: coordinator) { $0 }
            let free = Call("control.free", on: coordinator) { $0 }
            #expect(try coordinator.pause("control.held"))
            #expect(try !coordinator.pause("control.held"))
            let waiting = (0..<20).map { held($0) }
            #expect(await gather((0..<20).map { free($0) }).count == 20)
            coordinator.pause()
            let both = free(1)
            coordinator.resume()
            #expect(try await both.value == 1)
            #expect(waiting.allSatisfy { $0.state == .waiting })
            let paused = coordinator.statistics().operations.filter(\.isPaused).map(\.operationType)
            #expect(paused == ["control.held"])
            #expect(try coordinator.resume("control.held"))
            #expect(try !coordinator.resume("control.held"))
            #expect(await gather(waiting).allSatisfy { (try? $0.get()) != nil })
        }
    }

    @Test("A pause holds back what is queued behind a busy worker already")
    func pauseQueued() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator async throws in
            let gate = Gate()
            let first = Call("control.first", on: coordinator) { n in
                gate.pass()
                return n
            }(1)
            await gate.waitForArrivals()
            let runs = Tally()
            let queued = Call("control.queued", on: coordinator) { _ in runs.add() }
            let tokens = (0..<50).map { queued($0) }
            try coordinator.pause("control.queued")
            gate.open()
            _ = try await first.value
            // The worker has come by once this has run, which stands behind them all.
            _ = try await Call("control.behind", on: coordinator) { $0 }(1).value
            #expect(runs.value == 0)
            #expect(tokens.allSatisfy { $0.state == .waiting })
            try coordinator.resume("control.queued")
            _ = await gather(tokens)
            #expect(runs.value == 50)
        }
    }

    @Test("A pause lands between chains: children of a running body still go")
    func pauseBetweenChains() async throws {
        try await withTestCoordinator { coordinator async throws in
            let gate = Gate()
            let child = Call("control.child", on: coordinator) { $0 + 1 }
            let parent = TaskTokenGuard("control.parent", on: coordinator) { (n: Int) throws in
                gate.pass()
                return try child(n).wait() + child(n).wait()
            }
            let running = parent(1)
            await gate.waitForArrivals()
            coordinator.pause()
            let held = parent(2)
            gate.open()
            #expect(try await running.value == 4)
            #expect(held.state == .waiting)
            coordinator.resume()
            #expect(try await held.value == 6)
        }
    }

    @Test("A pause holds back what a body submitted that has returned since")
    func pauseAfterTheBody() async throws {
        try await withTestCoordinator { coordinator in
            let runs = Tally()
            let chain = Journal<TaskTokenGuard<Int, Void>>()
            let tick = TaskTokenGuard("control.tick", on: coordinator) { (n: Int) in
                runs.add()
                _ = chain.all[0](n + 1)
            }
            chain.note(tick)
            _ = tick(0)
            #expect(await eventually { runs.value > 100 })
            coordinator.pause()
            // One that was taken while the body before it still ran may go on for some links; the chain ends all the same.
            var (before, isStill) = (-1, false)
            for _ in 0..<10_000 where !isStill {
                before = runs.value
                try await Task.sleep(for: .milliseconds(2))
                let counts = coordinator.statistics().counts
                isStill = runs.value == before && counts.queued == 1 && counts.executing == 0
            }
            #expect(isStill)
            try await Task.sleep(for: .milliseconds(5))
            #expect(runs.value == before)
            coordinator.discardWaiting()
        }
    }

    @Test("Pause and resume from many threads lose no token")
    func pauseStorm() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator async throws in
            let kinds = everyKind("control.storm", on: coordinator) { $0 }
            let tokens = Journal<TaskToken<Int>>()
            await concurrently(4) { thread in
                for index in 0..<400 {
                    if thread < 2 {
                        tokens.note(kinds[index % 5](index))
                    } else if thread == 2 {
                        coordinator.pause()
                        coordinator.resume()
                    } else {
                        _ = try? coordinator.pause("control.storm-\(Self.kinds[index % 5])")
                        _ = try? coordinator.resume("control.storm-\(Self.kinds[index % 5])")
                    }
                }
            }
            #expect(await gather(tokens.all).allSatisfy { (try? $0.get()) != nil })
            #expect(coordinator.statistics().counts.completed == 800)
        }
    }

    /// Runs `act` while all workers stand at a gate and tokens of every kind queue behind them.
    private func whileBusy(
        _ name: String,
        _ act: (OperationsCoordinator, _ running: [TaskToken<Bool>], _ queued: [TaskToken<Int>]) async throws -> Void
    ) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits[.slow] = 1
            // Else a killed body would be replaced, and the rest would run beside it.
            $0.workersPerCore = 1
        } _: { coordinator async throws in
            let gate = Gate()
            let stand: @Sendable (Int) -> Bool = { _ in
                gate.pass()
                return TokenContext.current?.isCancelled ?? false
            }
            let running = [
                TaskTokenGuard("\(name)-running", on: coordinator, stand)(1),
                TaskTokenGuard("\(name)-running", weight: .heavy, on: coordinator, stand)(2),
                TaskTokenGuard("\(name)-running", storage: .slow, on: coordinator, stand)(3),
            ]
            await gate.waitForArrivals(3)
            let runs = Tally()
            let kinds = everyKind(name, on: coordinator) { _ in runs.add() }
            let queued = (0..<10).flatMap { n in kinds.map { $0(n) } }
            defer { gate.open() }
            try await act(coordinator, running, queued)
            #expect(runs.value == 0)
            #expect(gate.timedOut == 0)
        }
    }

    @Test("Kill of all settles at once what is queued behind busy workers, and what runs")
    func killAll() async throws {
        try await whileBusy("control.kill-all") { coordinator, running, queued async throws in
            #expect(coordinator.killAll() == 53)
            #expect((queued.map(\.state) + running.map(\.state)).allSatisfy { $0 == .killed })
            #expect(coordinator.killAll() == 0)
            #expect(coordinator.statistics().counts.killed == 53)
        }
    }

    @Test("Kill of one operation settles its tokens at once, wherever they wait, and no others", arguments: kinds)
    func killOperation(kind: String) async throws {
        try await whileBusy("control.kill-one") { coordinator, running, queued async throws in
            let name = "control.kill-one-\(kind)"
            #expect(try coordinator.killAll(name) == 10)
            #expect(queued.allSatisfy { ($0.state == .killed) == ($0.operationType == name) })
            #expect(running.allSatisfy { $0.state == .executing })
            #expect(coordinator.killAll() == 43)
        }
    }

    @Test("Kill of one token settles it at once and no other")
    func killToken() async throws {
        try await whileBusy("control.kill-token") { coordinator, running, queued async throws in
            for token in queued[0..<5] { #expect(token.kill() && token.state == .killed) }
            #expect(running[0].kill())
            #expect(running[1...].allSatisfy { $0.state == .executing })
            #expect(queued[5...].allSatisfy { !$0.isSettled })
            #expect(coordinator.statistics().counts.killed == 6)
            coordinator.killAll()
        }
    }

    @Test("Discard settles what waits with discarded, and leaves alone what runs")
    func discard() async throws {
        try await whileBusy("control.discard") { coordinator, running, queued async throws in
            #expect(try coordinator.discardWaiting("control.discard-plain") == 10)
            #expect(try coordinator.discardWaiting("control.discard-running") == 0)
            #expect(coordinator.discardWaiting() == 40)
            for token in queued {
                let error = await #expect(throws: TokenError.self) { try await token.value }
                #expect(error?.code == .discarded)
            }
            #expect(running.allSatisfy { $0.state == .executing })
        }
    }

    @Test("A running body is asked to end: it sees isCancelled, and checkCancellation throws killed")
    func isCancelled() async throws {
        try await withTestCoordinator { coordinator async throws in
            let gate = Gate()
            let seen = Journal<String>()
            let token = TaskTokenGuard("control.asked", on: coordinator) { (_: Int) throws in
                seen.note("\(TokenContext.current?.isCancelled ?? true)")
                try TokenContext.checkCancellation()
                gate.pass()
                seen.note("\(TokenContext.current?.isCancelled ?? false)")
                do throws(TokenError) { try TokenContext.checkCancellation() } catch { seen.note("\(error.code)") }
            }(1)
            await gate.waitForArrivals()
            token.kill()
            gate.open()
            #expect(await eventually { seen.count == 3 })
            #expect(seen.all == ["false", "true", "killed"])
        }
    }

    @Test("Tokens submitted after a kill or a discard of their operation run")
    func sweepsAreMoments() async throws {
        try await withTestCoordinator { coordinator async throws in
            let call = Call("control.after", on: coordinator) { $0 }
            for n in 0..<100 {
                if n % 2 == 0 { try coordinator.killAll("control.after") } else { coordinator.discardWaiting() }
                #expect(try await call(n).value == n)
            }
        }
    }
}
