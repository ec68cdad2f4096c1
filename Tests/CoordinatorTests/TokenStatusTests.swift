//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@testable import Coordinator

/// `token.onStateChange` and `token.status()` under a coordinator.
@Suite("what one token tells: its state changes, its status")
struct TokenStatusTests {
    @Test("every state is told, in order, the terminal one once: waiting for a pause, let go, run")
    func everyState() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let operation = TaskTokenGuard("watch_all", on: coordinator) { (number: Int) in number }
            let seen = Journal<TokenState>()
            coordinator.pause()
            let token = operation(1)
            token.onStateChange { seen.note($0) }
            #expect(token.state == .waiting && seen.count == 0)
            coordinator.resume()
            _ = try await token.value
            #expect(await eventually { seen.all.last == .completed })
            #expect(seen.all == [.admitted, .executing, .completed])
            // Nobody is listened to any more.
            #expect(await eventually { !coordinator.isListenedTo })
        }
    }

    @Test("a callback may do what it likes to its token: what it brings about is told after it has returned")
    func fromInside() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let runs = Tally()
            let operation = TaskTokenGuard("watch_inside", on: coordinator) { (_: Int) in runs.add() }
            let seen = Journal<String>()
            coordinator.pause()
            let token = operation(1)
            token.onStateChange { [unowned token] state in
                seen.note("\(state)")
                if state == .admitted {
                    token.kill()
                    seen.note("was killed")
                }
                // It is nobody's body.
                if TokenContext.current != nil { seen.note("inside") }
            }
            coordinator.resume()
            #expect(await settles(token))
            #expect(await eventually { seen.count == 3 })
            #expect(seen.all == ["admitted", "was killed", "killed"])
            let after = try await operation(2).value
            #expect(after == 1 && runs.value == 1)
        }
    }

    @Test("tokens with options: retries stay in one state; one that is refused never executes")
    func managed() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.time = time
        } _: { coordinator in
            let failing = TaskTokenGuard("watch_failing", on: coordinator) { (_: Int) throws -> Int in
                throw TokenError(.invalidArgument, "no")
            }
            let retried = TaskTokenGuard(
                "watch_retried", options: OperationOptions(retry: RetryPolicy(attempts: 3)), on: coordinator
            ) { (_: Int) throws -> Int in throw TokenError(.invalidArgument, "no") }
            let seen = [Journal<TokenState>(), Journal<TokenState>(), Journal<TokenState>()]
            let first = retried.with(delay: .seconds(1))(1)
            let second = failing.with(after: [first])(2)
            let third = failing.with(delay: .seconds(3600), timeout: .seconds(2))(3)
            for (token, journal) in zip([first, second, third], seen) { token.onStateChange { journal.note($0) } }
            #expect(first.status().waitsFor == .time(.seconds(1)))
            #expect(second.status().waitsFor == .tokens([first.id]))
            #expect(third.status().timeRemaining == .seconds(2) && third.status().attempts == 0)
            time.advance(by: .seconds(1))
            // The back-offs are the manual clock's, too.
            let isDone = await eventually {
                time.advance(by: .milliseconds(10))
                return first.isSettled && second.isSettled
            }
            #expect(isDone)
            time.advance(by: .seconds(2))
            #expect(await eventually { seen.allSatisfy { $0.all.last?.isTerminal == true } })
            #expect(seen[0].all == [.admitted, .executing, .failed])
            #expect(first.status().attempts == 3)
            #expect(seen[1].all == [.failed] && second.attempts == 0)
            #expect(seen[2].all == [.timedOut])
        }
    }

    @Test("status tells what keeps a token: the start, a pause, a turn, a permit, a place")
    func obstacles() async throws {
        let coordinator = try makeCoordinator {
            $0.pretend(domains: 1)
            $0.storageLimits[.slow] = 1
        }
        let gate = Gate()
        let plain = TaskTokenGuard("status_plain", on: coordinator) { (n: Int) in n }
        let slow = TaskTokenGuard("status_slow", storage: .slow, on: coordinator) { (_: Int) in gate.pass() }
        let turn = TaskTokenGuard(
            "status_turn", storage: .fast, locality: .sticky("status", ordered: true), on: coordinator
        ) { (_: Int) in gate.pass() }
        let early = plain(1)
        #expect(early.status().waitsFor == .start)
        #expect(
            early.description.contains("waiting") && early.status().description.contains("the start of its coordinator")
        )
        try await coordinator.start()
        #expect(await settles(early))
        let tokens = [slow(1), slow(2), turn(1), turn(2)]
        #expect(await gate.waitForArrivals(2))
        #expect(tokens[1].status().waitsFor == .permit(.slow))
        #expect(tokens[3].status().waitsFor == .turn)
        #expect(tokens[0].status().waitsFor == nil && tokens[0].status().domain == 1)
        #expect(tokens[0].status().state == .executing && tokens[0].status().attempts == 1)
        #expect(tokens[1].status().domain == nil && tokens[1].status().age ?? .zero > .zero)
        try coordinator.pause("status_plain")
        let paused = plain(2)
        #expect(paused.status().waitsFor == .pause && !paused.status().isAwaited)
        paused.onSettled {}
        #expect(paused.status().isAwaited)
        // That it has options is nobody's wait.
        let delayed = plain.with(delay: .seconds(3_600), timeout: .seconds(7_200))(3)
        #expect(!delayed.status().isAwaited)
        delayed.onSettled {}
        #expect(delayed.status().isAwaited)
        delayed.kill()
        #expect(!delayed.status().isAwaited)
        try coordinator.resume("status_plain")
        gate.open()
        #expect(await settle(tokens + [paused]))
        #expect(tokens.allSatisfy { $0.status().waitsFor == nil && $0.status().timeRemaining == nil })
        await coordinator.stop()
    }

    @Test("status of a token that waits for a place, of one in a batch, and of one that nobody took")
    func others() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = 2
            $0.overload = .dropOldest
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard("status_place", on: coordinator) { (n: Int) in
                gate.pass()
                return n
            }
            let running = operation(0)
            #expect(await gate.waitForArrivals())
            let waiting = operation(1)
            #expect(waiting.status().waitsFor == .capacity || waiting.state == .admitted)
            gate.open()
            #expect(await settle([running, waiting]))
        }
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let operation = TaskTokenGuard("status_batch", on: coordinator) { (n: Int) in n }
            let batch = operation.batch([1, 2, 3])
            _ = try await batch.values
            #expect(batch[1].status().state == .completed && batch[1].status().attempts == 1)
            #expect(batch[1].status().id == batch[1].id)
        }
    }

    @Test("a hundred thousand callbacks of one token are told of its end, and leave without a walk for each")
    func manyWatches() async throws {
        let count = Sizes.part(of: 100_000)
        try await withTestCoordinator {
            $0.pretend(domains: 1)
        } _: { coordinator in
            let operation = TaskTokenGuard("watch_many", on: coordinator) { (n: Int) in n }
            coordinator.pause()
            let token = operation(0)
            let (calls, ends) = (Tally(), Tally())
            for _ in 0..<count {
                token.onStateChange { state in
                    calls.add()
                    if state == .completed { ends.add() }
                }
            }
            #expect(coordinator.engine.events.hasListeners)
            coordinator.resume()
            #expect(await settles(token))
            // Admitted, executing, completed.
            #expect(await eventually { ends.value == count && calls.value == 3 * count })
            #expect(await eventually { !coordinator.engine.events.hasListeners })
        }
    }

    @Test("watched tokens, read statuses, kills and runs at once: each callback gets a way in order, with one end")
    func races() async throws {
        var dice = SeededNumbers(for: "TokenStatusTests.races")
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.historyCapacity = 16
        } _: { coordinator in
            let operation = TaskTokenGuard("watch_races", on: coordinator) { (n: Int) in n }
            let held = TaskTokenGuard("watch_held", on: coordinator) { (n: Int) in n }
            for _ in 0..<200 {
                let seed = dice.next()
                try coordinator.pause("watch_held")
                let tokens = (0..<4).map { operation($0) } + [held(4), held(5), held.with(delay: .milliseconds(1))(6)]
                let journals = Journal<(Int, Journal<TokenState>)>()
                await concurrently(3) { index in
                    var dice = SeededNumbers(seed: seed &+ UInt64(index))
                    for (number, token) in tokens.enumerated() {
                        switch index {
                        case 0:
                            let journal = Journal<TokenState>()
                            journals.note((number, journal))
                            token.onStateChange { journal.note($0) }
                        case 1: if Int.random(in: 0..<4, using: &dice) == 0 { token.kill() }
                        default:
                            _ = token.status()
                            if number == 3 { _ = try? coordinator.resume("watch_held") }
                        }
                    }
                }
                #expect(await settle(tokens))
                for (number, journal) in journals.all {
                    #expect(await eventually { journal.all.last?.isTerminal == true })
                    let told = journal.all
                    #expect(told.count { $0.isTerminal } == 1 && told.last == tokens[number].state, "\(told)")
                    #expect(told.count { $0 == .executing } <= 1, "\(told)")
                    if told.contains(.executing), let place = told.firstIndex(of: .executing) {
                        #expect(!told[place...].contains(.admitted) && !told[place...].contains(.waiting), "\(told)")
                    }
                }
            }
        }
    }
}
