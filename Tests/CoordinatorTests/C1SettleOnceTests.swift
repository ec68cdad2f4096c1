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

/// C1 through the engine: one terminal state, once, whoever competes for it, and the books say so.
@Suite struct C1SettleOnceTests {
    @Test("C1 a token settles once: the first settle wins, the late result is counted and dropped")
    func firstSettleWins() async throws {
        try await withTestCoordinator { coordinator in
            let gate = Gate()
            let slow = TaskTokenGuard("c1.first", on: coordinator) { (n: Int) in
                gate.pass()
                return n
            }
            let token = slow(1)
            await gate.waitForArrivals()
            #expect(token.kill())
            #expect(!token.kill())
            let error = await #expect(throws: TokenError.self) { try await token.value }
            #expect(error?.code == .killed)
            #expect(coordinator.statistics().counts.killed == 1)
            gate.open()
            #expect(await eventually { coordinator.statistics().counts.late == 1 })
            let counts = coordinator.statistics().counts
            #expect(token.state == .killed)
            #expect(counts.killed == 1 && counts.completed == 0 && counts.submitted == 1)
        }
    }

    @Test("C1 kill against completion, thousands of times: one winner each, and late ones are counted")
    func killRace() async throws {
        try await withTestCoordinator { coordinator in
            let quick = TaskTokenGuard("c1.race", on: coordinator) { (n: Int) in n }
            let kills = Tally()
            let told = Tally()
            let failures = Tally()
            await concurrently(3) { thread in
                for index in 0..<1_500 {
                    let token = quick(index)
                    token.onSettled { told.add() }
                    // Now and then give the worker the lead, so that both sides win some.
                    if index % 3 == thread { _ = try? token.wait(timeout: .microseconds(index % 50)) }
                    let mine = token.kill()
                    if mine { kills.add() }
                    let isKilled = token.state == .killed
                    if mine != isKilled { failures.add() }
                    if !mine, (try? token.resultIfSettled?.get()) != index { failures.add() }
                }
            }
            #expect(failures.value == 0)
            // A settled token may be seen before its callbacks have been called.
            #expect(await eventually { told.value == 4_500 })
            let balanced = await eventually {
                let counts = coordinator.statistics().counts
                return counts.completed + counts.killed == 4_500 && counts.live == 0
            }
            #expect(balanced, "\(coordinator.statistics().counts)")
            #expect(coordinator.statistics().counts.killed == UInt64(kills.value))
        }
    }

    @Test("C1 every waiter of a token is resumed exactly once: async, blocking and by callback, killed or completed")
    func waiters() async throws {
        try await withTestCoordinator { coordinator in
            let gate = Gate()
            let slow = TaskTokenGuard("c1.waiters", on: coordinator) { (n: Int) in
                gate.pass()
                return n
            }
            for isKilled in [true, false] {
                let token = slow(5)
                let resumed = Tally()
                for _ in 0..<100 { token.onSettled { resumed.add() } }
                let standing = Tally()
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            standing.add()
                            await token.settled()
                            resumed.add()
                        }
                    }
                    for _ in 0..<10 {
                        group.addTask {
                            try? await onThread {
                                standing.add()
                                _ = try? token.wait()
                                resumed.add()
                            }
                        }
                    }
                    _ = await eventually { standing.value == 110 }
                    if isKilled { token.kill() } else { gate.open() }
                }
                #expect(resumed.value == 210)
                #expect(token.state == (isKilled ? .killed : .completed))
            }
        }
    }

    @Test("C1 waiters are resumed without a lock: a callback may submit, kill, pause and look at statistics")
    func callbacks() async throws {
        try await withTestCoordinator { coordinator in
            let quick = TaskTokenGuard("c1.callbacks", on: coordinator) { (n: Int) in n }
            let children = Journal<TaskToken<Int>>()
            let tokens = (0..<200).map { quick($0) }
            for token in tokens {
                token.onSettled {
                    children.note(quick(1))
                    children.note(token.map { $0 + 1 })
                    _ = coordinator.statistics()
                    coordinator.pause()
                    coordinator.resume()
                    quick(2).kill()
                }
            }
            #expect(await gather(tokens).allSatisfy { (try? $0.get()) != nil })
            #expect(await eventually { children.count == 400 })
            #expect(await gather(children.all).allSatisfy { (try? $0.get()) != nil })
        }
    }

    @Test("C1 waiters of tokens that a kill or a discard settles are resumed without a lock, wherever they stood")
    func sweptCallbacks() async throws {
        try await withTestCoordinator {
            smallest(&$0)
            $0.storageLimits[.slow] = 1
        } _: { coordinator in
            let gate = Gate()
            let busy = TaskTokenGuard("c1.swept-busy", storage: .slow, on: coordinator) { (n: Int) in
                gate.pass()
                return n
            }(1)
            await gate.waitForArrivals()
            let quick = TaskTokenGuard("c1.swept-quick", on: coordinator) { (n: Int) in n }
            let kinds = [
                TaskTokenGuard("c1.swept", on: coordinator) { (n: Int) in n },
                TaskTokenGuard("c1.swept-storage", storage: .slow, on: coordinator) { (n: Int) in n },
                TaskTokenGuard("c1.swept", locality: .sticky("k", ordered: true), on: coordinator) { (n: Int) in n },
            ]
            try coordinator.pause("c1.swept")
            let children = Journal<TaskToken<Int>>()
            for round in 1...2 {
                let tokens = (0..<20).flatMap { n in kinds.map { $0(n) } }
                for token in tokens {
                    token.onSettled {
                        _ = coordinator.statistics()
                        coordinator.resume()
                        _ = try? coordinator.killAll("c1.swept-none")
                        _ = try? coordinator.discardWaiting("c1.swept-none")
                        try? coordinator.setStorageLimit(1, for: .slow)
                        children.note(quick(1))
                    }
                }
                for kind in Set(kinds.map(\.operationType)) {
                    if round == 1 { try coordinator.killAll(kind) } else { try coordinator.discardWaiting(kind) }
                }
                #expect(tokens.allSatisfy { $0.state == .killed })
                #expect(await eventually { children.count == 60 * round })
            }
            #expect(await gather(children.all).allSatisfy { (try? $0.get()) != nil })
            gate.open()
            #expect(await settles(busy))
        }
    }

    @Test("C1 whoever was told that a token settled finds it in the statistics")
    func countedBeforeTold() async throws {
        try await withTestCoordinator { coordinator in
            let quick = TaskTokenGuard("c1.counted", on: coordinator) { (n: Int) in n }
            for index in 1...500 {
                let token = quick(index)
                if index % 2 == 0 { token.kill() }
                await token.settled()
                let counts = coordinator.statistics().counts
                #expect(counts.settled == UInt64(index) && counts.live == 0, "\(counts) after \(index)")
            }
        }
    }

    @Test("C1 derived tokens settle once and are counted like any")
    func derived() async throws {
        try await withTestCoordinator { coordinator in
            let quick = TaskTokenGuard("c1.derived", on: coordinator) { (n: Int) in n }
            let mapped = (0..<200).map { quick($0).map { $0 + 1 } }
            let zipped = mapped.map { $0.zip(mapped[0]) }
            let isKilled = mapped[100].kill()
            for (index, result) in await gather(mapped).enumerated() where index != 100 || !isKilled {
                #expect((try? result.get()) == index + 1)
            }
            #expect(mapped[100].state == (isKilled ? .killed : .completed))
            _ = await gather(zipped)
            #expect(await eventually { coordinator.statistics().counts.live == 0 })
            // Each quick token, its map, and its zip.
            #expect(coordinator.statistics().counts.submitted == 600)
        }
    }
}
