//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing
import TokenCore

@testable import Routing

@Suite("the places for live tokens as a machine")
struct AdmissionLimitTests {
    private typealias Limit = AdmissionLimit<Int, Int>

    /// What the machine is held against: everything in plain lists.
    private struct Model {
        var limit: Int
        var window: Int
        var overload: Overload
        var through = 0
        var line: [Int] = []
        var waiters: [UInt64] = []
        var granted = 0
        var inUse: Int { through + line.count + granted }
    }

    @Test(
        "every sequence of seven steps keeps count, order and limit",
        arguments: [Overload.suspend, .reject, .dropOldest])
    func exhaustive(_ overload: Overload) {
        // arrive, arrive that must enter, leave, reserve, arrive with a granted place, give a granted place back, kill the first in line
        let steps = 7
        var sequences = 0
        for code in 0..<Int(7 * 7 * 7 * 7 * 7 * 7 * 7) {
            var limit = Limit(limit: 2, window: 1, overload: overload)
            var model = Model(limit: 2, window: overload == .dropOldest ? 1 : .max, overload: overload)
            var dead: Set<Int> = []
            var rest = code
            for step in 0..<steps {
                let what = rest % 7
                rest /= 7
                if !take(what, step, &limit, &model, &dead) { break }
                guard limit.inUse == model.inUse, limit.through == model.through, limit.standing == model.line.count,
                    limit.waiting == model.waiters.count
                else {
                    Issue.record("sequence \(code), step \(step): \(limit) is not \(model)")
                    return
                }
                // Nobody waits while there is a place; nobody stands while the window has room.
                let hasRoom = model.inUse < model.limit && !model.waiters.isEmpty
                let isHeldBack = model.through < model.window && !model.line.isEmpty
                if hasRoom || isHeldBack {
                    Issue.record("sequence \(code), step \(step): \(model)")
                    return
                }
            }
            sequences += 1
        }
        #expect(sequences == 823_543)
    }

    /// Takes one step in both; false where it is not allowed there.
    private func take(
        _ what: Int, _ step: Int, _ limit: inout Limit, _ model: inout Model, _ dead: inout Set<Int>
    ) -> Bool {
        func afterLeaving(_ waiter: Int?) {
            let passes = limit.beginPassing()
            #expect(passes == (model.through < model.window && !model.line.isEmpty))
            let next = passes ? limit.next() : nil
            defer { if passes { #expect(limit.next() == nil) } }
            if model.through < model.window, !model.line.isEmpty {
                let first = model.line.removeFirst()
                model.through += 1
                #expect(next == first)
            } else {
                #expect(next == nil)
            }
            expectWaiter(waiter)
        }
        func expectWaiter(_ waiter: Int?) {
            if model.inUse < model.limit, !model.waiters.isEmpty {
                model.waiters.removeFirst()
                model.granted += 1
                #expect(waiter != nil)
            } else {
                #expect(waiter == nil)
            }
        }
        switch what {
        case 0, 1, 4:
            let isGranted = what == 4
            let mustEnter = what == 1
            if isGranted, model.granted == 0 { return false }
            let arrival = limit.arrive(step, mustEnter: mustEnter, isGranted: isGranted) { !dead.contains($0) }
            if isGranted { model.granted -= 1 }
            switch arrival {
            case .goesOn: model.through += 1
            case .standsInLine: model.line.append(step)
            case .replaces(let oldest):
                #expect(model.overload == .dropOldest && model.line.first { !dead.contains($0) } == oldest)
                model.line.removeAll { $0 == oldest }
                model.line.append(step)
            case .refused:
                #expect(model.inUse >= model.limit && !mustEnter && !isGranted)
                #expect(model.overload != .dropOldest || model.line.allSatisfy { dead.contains($0) })
            }
        case 2:
            if model.through == 0 { return false }
            model.through -= 1
            afterLeaving(limit.leave())
        case 3:
            if model.overload == .dropOldest { return false }
            if let number = limit.reserve(step) { model.waiters.append(number) } else { model.granted += 1 }
        case 5:
            if model.granted == 0 { return false }
            model.granted -= 1
            expectWaiter(limit.giveBack())
        default:
            guard let first = model.line.first else { return false }
            dead.insert(first)
            let removed = limit.removeDead { dead.contains($0) }
            #expect(removed.contains(first))
            model.line.removeAll { dead.contains($0) }
        }
        return true
    }

    @Test("a waiter can give up until it is told, and one that was told keeps its place")
    func givingUp() throws {
        var limit = Limit(limit: 1, window: 1, overload: .suspend)
        let place = limit.reserve(1)
        #expect(place == nil)
        let (two, three) = (limit.reserve(2), limit.reserve(3))
        let (second, third) = (try #require(two), try #require(three))
        var waiter = limit.giveUp(second)
        #expect(waiter == 2)
        waiter = limit.giveUp(second)
        #expect(waiter == nil)
        waiter = limit.giveBack()
        #expect(waiter == 3)
        waiter = limit.giveUp(third)
        #expect(waiter == nil && limit.inUse == 1 && limit.waiting == 0)
    }

    @Test(
        "whoever gives up is the one, whoever stays is served in turn, and what is kept is in proportion to who waits")
    func givingUpAgainstModel() {
        var dice = Dice("admission limit, giving up")
        for _ in 0..<200 {
            var limit = Limit(limit: 2, window: 2, overload: .suspend)
            var granted = 0
            var waiting: [(number: UInt64, waiter: Int)] = []
            var gone: [UInt64] = []
            for step in 0..<400 {
                switch dice.below(8) {
                case 0..<4:
                    let number = limit.reserve(step)
                    #expect((number == nil) == (granted < 2))
                    if let number { waiting.append((number, step)) } else { granted += 1 }
                case 4..<6:
                    guard !waiting.isEmpty else { continue }
                    let one = waiting.remove(at: dice.below(waiting.count))
                    let waiter = limit.giveUp(one.number)
                    #expect(waiter == one.waiter)
                    gone.append(one.number)
                case 6:
                    guard let number = gone.randomElement(using: &dice) else { continue }
                    let waiter = limit.giveUp(number)
                    #expect(waiter == nil)
                default:
                    guard granted > 0 else { continue }
                    let next = limit.giveBack()
                    #expect(next == waiting.first?.waiter)
                    if waiting.isEmpty { granted -= 1 } else { gone.append(waiting.removeFirst().number) }
                }
                #expect(limit.waiting == waiting.count && limit.inUse == granted)
                #expect(limit.waitersFootprint <= 4 * waiting.count + 33)
            }
            #expect(limit.takeWaiters() == waiting.map(\.waiter) && limit.waiting == 0)
        }
    }

    @Test("a hundred thousand that wait give up, the last first, without a walk for each")
    func manyGiveUp() throws {
        var limit = Limit(limit: 1, window: 1, overload: .suspend)
        let place = limit.reserve(-1)
        #expect(place == nil)
        let numbers = try (0..<100_000).map { waiter in
            let number = limit.reserve(waiter)
            return try #require(number)
        }
        // A walk each is 5,000,000,000 steps.
        var wrong = 0
        for (waiter, number) in numbers.enumerated().reversed() where limit.giveUp(number) != waiter { wrong += 1 }
        #expect(wrong == 0 && limit.waiting == 0 && limit.waitersFootprint == 0 && limit.inUse == 1)
    }

    @Test("one that somebody waits for goes through beyond the window, and the window closes behind it")
    func pulling() {
        var limit = Limit(limit: 4, window: 1, overload: .dropOldest)
        for token in 0..<4 { _ = limit.arrive(token) { _ in true } }
        let pulled = limit.pull { $0 == 2 }
        #expect(pulled == 2 && limit.through == 2 && limit.standing == 2)
        _ = limit.leave()
        var passes = limit.beginPassing()
        #expect(!passes)
        _ = limit.leave()
        passes = limit.beginPassing()
        let again = limit.beginPassing()
        let next = limit.next()
        #expect(passes && !again && next == 1)
    }
}
