//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import Testing
import TokenCore

/// Those who wait for a token: told once, all of them, whatever else goes on.
@Suite struct WaiterTests {
    private let submitter = HeldSubmitter()
    private func number(_ name: String) -> TaskTokenGuard<Int, Int> {
        TaskTokenGuard(name, on: submitter) { (n: Int) in n * 2 }
    }

    @Test("C1 any number of waiters, async, blocking and by callback, are each resumed exactly once")
    func everyWaiterOnce() async throws {
        let token = number("waiter.many")(21)
        let callbacks = (0..<50).map { _ in Tally() }
        for tally in callbacks { token.onSettled { tally.add() } }
        let values = Journal<Int>()
        let standing = Tally()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    standing.add()
                    if let value = try? await token.value { values.note(value) }
                }
            }
            for _ in 0..<20 {
                group.addTask {
                    _ = try? await onThread {
                        standing.add()
                        values.note(try token.wait())
                    }
                }
            }
            _ = await eventually { standing.value == 220 }
            submitter.runAll()
        }
        #expect(values.all == [Int](repeating: 42, count: 220))
        #expect(callbacks.allSatisfy { $0.value == 1 })
        #expect(token.current.waiters == 0)
    }

    @Test("C1 whoever comes after the settling is told at once, once")
    func lateWaiters() async throws {
        let token = number("waiter.late")(1)
        submitter.runAll()
        let calls = Tally()
        token.onSettled { calls.add() }
        #expect(calls.value == 1)
        #expect(try await token.value == 2)
        #expect(try await onThread { try token.wait(timeout: .zero) } == 2)
        await token.settled()
        #expect(calls.value == 1)
    }

    @Test("C1 callbacks come in the order in which they were registered")
    func order() {
        let token = number("waiter.order")(1)
        let seen = Journal<Int>()
        for index in 0..<100 { token.onSettled { seen.note(index) } }
        submitter.runAll()
        #expect(seen.all == Array(0..<100))
    }

    @Test("C1 a callback may wait for, kill and watch any token: it is called without a lock")
    func callbacksAreFree() async throws {
        let double = number("waiter.reentrant")
        // More tokens than there are locks for waiter lists, so each lock is met from inside a callback.
        let tokens = (0..<200).map { double($0) }
        let other = (0..<200).map { double($0) }
        let inner = Tally()
        for (token, peer) in zip(tokens, other) {
            token.onSettled {
                for candidate in other { candidate.onSettled { inner.add() } }
                token.onSettled { inner.add() }
                peer.kill()
            }
        }
        submitter.runAll()
        #expect(inner.value == 200 * 200 + 200)
    }

    @Test("C1 a wait that times out leaves nothing behind in the token")
    func timeoutLeavesNothing() async throws {
        let token = number("waiter.timeout")(1)
        for _ in 0..<200 {
            await #expect(throws: TokenError.self) { try await onThread { try token.wait(timeout: .microseconds(1)) } }
        }
        #expect(token.current.waiters == 0)
        #expect(!token.isSettled)
        // Between others that stay: they keep their place and are told.
        let seen = Journal<Int>()
        token.onSettled { seen.note(0) }
        await concurrently(8) { index in _ = try? token.wait(timeout: .milliseconds(index)) }
        token.onSettled { seen.note(1) }
        await concurrently(8) { index in _ = try? token.wait(timeout: .milliseconds(index)) }
        submitter.runAll()
        #expect(seen.all == [0, 1])
    }

    @Test("C1 waiters are freed once they have been told, however the token ended")
    func waitersAreFreed() {
        final class Payload: Sendable {}
        weak var ran: Payload?
        weak var killed: Payload?
        do {
            let payload = Payload()
            ran = payload
            let token = number("waiter.freed")(1)
            token.onSettled { _ = payload }
            submitter.runAll()
        }
        #expect(ran == nil)
        do {
            let payload = Payload()
            killed = payload
            let token = number("waiter.freed")(1)
            token.onSettled { _ = payload }
            token.kill()
        }
        #expect(killed == nil)
    }

    @Test("C1 waits with a timeout race with the settling: each ends, with the value or with waitTimedOut, never both")
    func timeoutsRaceWithSettling() async throws {
        let seed = SeededNumbers(for: "timeoutsRaceWithSettling")
        var numbers = seed
        let double = number("waiter.race")
        for _ in 0..<60 {
            let token = double(4)
            let micros = (0..<8).map { _ in Int.random(in: 0...300, using: &numbers) }
            let delay = Int.random(in: 0...300, using: &numbers)
            let outcomes = Journal<String>()
            let calls = Tally()
            await concurrently(9) { index in
                guard index < 8 else {
                    usleep(UInt32(delay))
                    token.run()
                    return
                }
                do {
                    token.onSettled { calls.add() }
                    let value = try token.wait(timeout: .microseconds(micros[index]))
                    outcomes.note(value == 8 && token.isSettled ? "value" : "wrong \(value)")
                } catch {
                    outcomes.note((error as? TokenError)?.code == .waitTimedOut ? "timeout" : "\(error)")
                }
            }
            #expect(outcomes.count == 8)
            #expect(outcomes.all.allSatisfy { $0 == "value" || $0 == "timeout" }, "\(outcomes.all)")
            #expect(calls.value == 8)
            #expect(token.state == .completed)
        }
    }

    @Test("C1 kill against completion, thousands of times: one winner, and everyone sees the same one")
    func killAgainstCompletion() async throws {
        let double = number("waiter.kill")
        let tokens = (0..<4_000).map { double($0) }
        let killed = Journal<Int>()
        let calls = Tally()
        for token in tokens { token.onSettled { calls.add() } }
        await concurrently(3) { role in
            for (index, token) in tokens.enumerated() {
                if role == 0 { token.run() } else if token.kill() { killed.note(index) }
            }
        }
        let winners = Set(killed.all)
        #expect(winners.count == killed.count, "a token was killed twice")
        #expect(calls.value == tokens.count)
        #expect(submitter.told.value == winners.count)
        for (index, token) in tokens.enumerated() {
            #expect(token.state == (winners.contains(index) ? .killed : .completed))
            switch await token.result {
            case .success(let value): #expect(!winners.contains(index) && value == index * 2)
            case .failure(let error): #expect(winners.contains(index) && (error as? TokenError)?.code == .killed)
            }
        }
    }

    @Test("C1 what a killed body returns later is dropped")
    func lateResult() async throws {
        let gate = Gate()
        let slow = TaskTokenGuard("waiter.late-result", on: submitter) { (n: Int) in
            gate.pass()
            return n
        }
        let token = slow(1)
        async let running: Void = onThread { submitter.runAll() }
        await gate.waitForArrivals()
        #expect(token.state == .executing)
        #expect(token.kill())
        #expect(!token.kill())
        let result = await token.result
        gate.open()
        try await running
        #expect(token.state == .killed)
        #expect(throws: TokenError.self) { try result.get() }
        #expect(throws: TokenError.self) { try token.resultIfSettled?.get() }
    }
}
