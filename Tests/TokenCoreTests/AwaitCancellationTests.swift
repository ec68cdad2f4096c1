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

/// Cancelling a task ends its wait for a token, and nothing else unless that is asked for.
@Suite("a cancelled task waits for a token no longer")
struct AwaitCancellationTests {
    private let submitter = HeldSubmitter()

    private func number(_ name: String, kills: Bool = false) -> TaskTokenGuard<Int, Int> {
        let options = OperationOptions(cancelsTokenOnCancel: kills)
        return TaskTokenGuard(name, options: options, on: submitter) { (n: Int) in n * 2 }
    }

    private func plain(_ name: String) -> TaskTokenGuard<Int, Int> {
        TaskTokenGuard(name, on: submitter) { (n: Int) in n * 2 }
    }

    /// Waits until somebody stands in the token's list.
    private func isAwaited(_ token: AnyTaskToken) async -> Bool { await eventually { token.current.waiters != 0 } }

    @Test("the wait throws CancellationError; the token goes on, and keeps nothing of the waiter")
    func theWaitAlone() async throws {
        let token = plain("cancel.alone")(21)
        let waiting = Task { try await token.value }
        #expect(await isAwaited(token))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(token.current.waiters == 0 && !token.isSettled)
        submitter.runAll()
        #expect(try await token.value == 42)
    }

    @Test("in a task that is cancelled already it throws at once; a settled token gives its result all the same")
    func cancelledBefore() async throws {
        let token = plain("cancel.before")(1)
        let first = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await token.value
        }
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(token.current.waiters == 0)
        submitter.runAll()
        let second = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await token.value
        }
        #expect(try await second.value == 2)
    }

    @Test("others who wait are left alone: they keep their places and are told")
    func others() async throws {
        let token = plain("cancel.others")(4)
        let seen = Journal<Int>()
        token.onSettled { seen.note(0) }
        var cancelled: [Task<Int, any Error>] = []
        for index in 1...20 {
            let before = token.current.waiters
            cancelled.append(Task { try await token.value })
            #expect(await eventually { token.current.waiters != before })
            token.onSettled { seen.note(index) }
        }
        for task in cancelled.shuffled() { task.cancel() }
        for task in cancelled { await #expect(throws: CancellationError.self) { try await task.value } }
        submitter.runAll()
        #expect(seen.all == Array(0...20))
    }

    @Test("awaits that cannot throw go on until the token is settled: result, settled(), a gather of an array")
    func withoutThrows() async throws {
        let tokens = [plain("cancel.result")(1), plain("cancel.result")(2)]
        let done = Tally()
        let result = Task {
            defer { done.add() }
            return await tokens[0].result
        }
        let settled = Task {
            await tokens[0].settled()
            done.add()
        }
        let gathered = Task {
            defer { done.add() }
            return await gather(tokens)
        }
        #expect(await isAwaited(tokens[0]))
        for cancel in [result.cancel, settled.cancel, gathered.cancel] { cancel() }
        #expect(done.value == 0)
        submitter.runAll()
        #expect(try await result.value.get() == 2)
        await settled.value
        #expect(try await gathered.value.map { try $0.get() } == [2, 4])
    }

    @Test("a gather of several types and a batch's values throw; the tokens go on")
    func gathers() async throws {
        let (first, second) = (plain("cancel.gather")(1), plain("cancel.gather")(2))
        let pair = Task { try await gather(first, second) }
        #expect(await isAwaited(first))
        pair.cancel()
        await #expect(throws: CancellationError.self) { _ = try await pair.value }
        let batch = plain("cancel.batch").batch([1, 2, 3])
        let values = Task { try await batch.values }
        let one = Task { try await batch[1].value }
        let tokens = submitter.tokens.suffix(3)
        #expect(await eventually { tokens.allSatisfy { $0.current.waiters != 0 } })
        values.cancel()
        one.cancel()
        await #expect(throws: CancellationError.self) { try await values.value }
        await #expect(throws: CancellationError.self) { try await one.value }
        #expect(tokens.allSatisfy { $0.current.waiters == 0 && !$0.isSettled })
        submitter.runAll()
        #expect(try await batch.values == [2, 4, 6])
        #expect(try await gather(first, second) == (2, 4))
    }

    @Test("of a group that settles in part, a cancelled wait leaves the rest and takes nothing back that was told")
    func partOfAGroup() async throws {
        let operation = plain("cancel.part")
        let batch = operation.batch([1, 2, 3, 4])
        let tokens = submitter.tokens.suffix(4)
        let values = Task { try await batch.values }
        #expect(await eventually { tokens.allSatisfy { $0.current.waiters != 0 } })
        tokens.first?.run()
        batch[2].kill()
        values.cancel()
        await #expect(throws: CancellationError.self) { try await values.value }
        #expect(tokens.allSatisfy { $0.current.waiters == 0 })
        #expect(batch[0].state == .completed && batch[2].state == .killed && !batch[1].isSettled)
        batch.kill()
    }

    @Test("tokens made of others, and what they are made of, go on")
    func derived() async throws {
        let source = plain("cancel.derived")(3)
        let mapped = source.map { $0 + 1 }
        let zipped = source.zip(mapped)
        for wait in [Task { _ = try await mapped.value }, Task { _ = try await zipped.value }] {
            wait.cancel()
            await #expect(throws: CancellationError.self) { try await wait.value }
        }
        submitter.runAll()
        let (first, second) = try await zipped.value
        #expect(first == 6 && second == 7)
    }

    @Test("cancelsTokenOnCancel: the cancelled task kills the token, whoever else waits for it")
    func kills() async throws {
        let token = number("cancel.kills", kills: true)(1)
        let other = Task { await token.result }
        let waiting = Task { try await token.value }
        #expect(await isAwaited(token))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(token.state == .killed)
        await #expect(throws: TokenError.self) { try await other.value.get() }
        // Neither by a task that does not await its value, nor without the option.
        let kept = number("cancel.kept", kills: true)(1)
        let spared = number("cancel.spared")(1)
        let result = Task { await kept.result }
        let value = Task { try await spared.value }
        #expect(await eventually { kept.current.waiters != 0 && spared.current.waiters != 0 })
        result.cancel()
        value.cancel()
        await #expect(throws: CancellationError.self) { try await value.value }
        #expect(!kept.isSettled && !spared.isSettled)
        submitter.runAll()
        #expect(try await result.value.get() == 2)
    }

    @Test(
        "cancelsTokenOnCancel: also where the task was cancelled before, and for all that a gather or a batch waits for"
    )
    func killsAll() async throws {
        let operation = number("cancel.kills.all", kills: true)
        let early = operation(1)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await early.value
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(early.state == .killed)
        let (first, second) = (operation(1), operation(2))
        let pair = Task { try await gather(first, second) }
        #expect(await isAwaited(first))
        pair.cancel()
        await #expect(throws: CancellationError.self) { _ = try await pair.value }
        #expect(first.state == .killed && second.state == .killed)
        let batch = operation.batch([1, 2, 3])
        let values = Task { try await batch.values }
        #expect(await eventually { submitter.tokens.suffix(3).allSatisfy(\.isWaitedFor) })
        values.cancel()
        await #expect(throws: CancellationError.self) { try await values.value }
        #expect(batch.allSatisfy { $0.state == .killed })
    }

    // The task adds its waiter, then looks whether it is cancelled; the canceller marks the task, then takes the waiter back;
    // someone settles the token. All thirty orders, and those without a settlement.
    @Test(
        "C1 in every order of waiting, cancelling and settling the task is resumed exactly once",
        arguments: [true, false])
    func everyOrder(settles: Bool) {
        enum Step: CaseIterable { case add, look, mark, remove, settle }
        var orders = 0
        func run(_ order: [Step]) {
            orders += 1
            let token = plain("cancel.orders")(1)
            let resumed = Tally()
            let waiter = Waiter(.callback { resumed.add() })
            var isMarked = false
            for step in order {
                switch step {
                case .add: if !WaiterList.add(waiter, to: token) { waiter.resume(token) }
                case .look: if isMarked { token.cancel(waiter) }
                case .mark: isMarked = true
                case .remove: token.cancel(waiter)
                case .settle: token.kill()
                }
            }
            #expect(resumed.value == 1, "\(order)")
            #expect(token.current.waiters == 0, "\(order)")
            // Whoever settled it first is the one that ended the wait, and the other way round.
            let isFirst = order.firstIndex(of: .settle).map { settle in
                order.firstIndex(of: .add)! > settle
                    || (order.firstIndex(of: .remove)! > settle
                        || order.firstIndex(of: .remove)! < order.firstIndex(of: .add)!)
                        && (order.firstIndex(of: .look)! > settle
                            || order.firstIndex(of: .mark)! > order.firstIndex(of: .look)!)
            }
            #expect(waiter.isCancelled == !(isFirst ?? false), "\(order)")
            token.kill()
        }
        func extend(_ order: [Step], _ task: [Step], _ canceller: [Step], _ settler: [Step]) {
            if task.isEmpty, canceller.isEmpty, settler.isEmpty { return run(order) }
            if let step = task.first { extend(order + [step], Array(task.dropFirst()), canceller, settler) }
            if let step = canceller.first { extend(order + [step], task, Array(canceller.dropFirst()), settler) }
            if let step = settler.first { extend(order + [step], task, canceller, []) }
        }
        extend([], [.add, .look], [.mark, .remove], settles ? [.settle] : [])
        #expect(orders == (settles ? 30 : 6))
    }

    @Test("C1 cancelled, settled and killed at the same moment: each wait ends once, with one of the two")
    func races() async throws {
        var dice = SeededNumbers(for: "AwaitCancellationTests.races")
        let kills = number("cancel.race.kills", kills: true)
        let spares = plain("cancel.race")
        for _ in 0..<100 {
            let token = Bool.random(using: &dice) ? kills(1) : spares(1)
            let ended = Tally()
            let tasks = (0..<8).map { _ in
                Task {
                    defer { ended.add() }
                    return try await token.value
                }
            }
            if Bool.random(using: &dice) { #expect(await isAwaited(token)) }
            let seed = dice.next()
            await concurrently(3) { index in
                var dice = SeededNumbers(seed: seed &+ UInt64(index))
                switch index {
                case 0: for task in tasks.shuffled(using: &dice) { task.cancel() }
                case 1: if Bool.random(using: &dice) { token.run() } else { token.kill() }
                default: for task in tasks.shuffled(using: &dice).prefix(4) { task.cancel() }
                }
            }
            for task in tasks {
                switch await task.result {
                case .success(let value): #expect(value == 2 && token.state == .completed)
                case .failure(let error as TokenError): #expect(error.code == .killed && token.state == .killed)
                case .failure(let error): #expect(error is CancellationError)
                }
            }
            #expect(ended.value == 8 && token.isSettled)
        }
    }

    @Test("C1 groups: cancelled while its tokens settle, the wait ends once")
    func groupRaces() async throws {
        var dice = SeededNumbers(for: "AwaitCancellationTests.groupRaces")
        let operation = plain("cancel.race.group")
        for _ in 0..<100 {
            let batch = operation.batch(Array(0..<6))
            let values = Task { try await batch.values }
            let tokens = Array(submitter.tokens.suffix(6))
            if Bool.random(using: &dice) { #expect(await isAwaited(tokens[0])) }
            await concurrently(2) { index in
                if index == 0 { values.cancel() } else { for token in tokens { token.run() } }
            }
            switch await values.result {
            case .success(let values): #expect(values == [0, 2, 4, 6, 8, 10])
            case .failure(let error): #expect(error is CancellationError)
            }
            #expect(batch.isSettled)
        }
    }
}

extension AnyTaskToken {
    fileprivate var isWaitedFor: Bool { current.waiters != 0 }
}
