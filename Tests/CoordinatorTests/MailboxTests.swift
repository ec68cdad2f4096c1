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

@testable import Coordinator

@Suite("Mailbox")
struct MailboxTests {
    private func token(_ producer: Int, _ number: Int) -> AnyTaskToken {
        let token = AnyTaskToken(plan: .idle)
        token.sequence = UInt64(producer) << 32 | UInt64(number)
        return token
    }

    @Test("Mailbox: first in, first out, and it gives its references back")
    func order() {
        let mailbox = Mailbox()
        weak var last: AnyTaskToken?
        for round in 0..<50 {
            for number in 0..<round { mailbox.push(.passRetained(token(0, number))) }
            #expect(mailbox.isEmpty == (round == 0))
            for number in 0..<round {
                guard case .token(let popped) = mailbox.pop() else {
                    Issue.record("token \(number) of \(round) is missing")
                    return
                }
                let object = popped.takeRetainedValue()
                #expect(object.sequence == UInt64(number))
                last = object
            }
            guard case .empty = mailbox.pop() else {
                Issue.record("not empty after round \(round)")
                return
            }
        }
        #expect(last == nil)
    }

    @Test("Mailbox: from many producers, each one's in order, nothing lost, nothing twice", arguments: [1, 2, 8])
    func producers(count: Int) async {
        let each = 20_000 / count
        let mailbox = Mailbox()
        let faults = Tally()
        let taken = Tally()
        await concurrently(count + 1) { index in
            if index < count {
                for number in 0..<each { mailbox.push(.passRetained(self.token(index, number))) }
                return
            }
            var next = [Int](repeating: 0, count: count)
            while taken.value < each * count {
                guard case .token(let popped) = mailbox.pop() else { continue }
                let sequence = popped.takeRetainedValue().sequence
                let (producer, number) = (Int(sequence >> 32), Int(sequence & 0xFFFF_FFFF))
                if next[producer] != number { faults.add() }
                next[producer] = number + 1
                taken.add()
            }
        }
        #expect(faults.value == 0)
        #expect(taken.value == each * count)
        #expect(mailbox.isEmpty)
    }

    // MARK: Model

    /// The queue as it is, and two that are broken.
    private enum Variant {
        case asItIs
        /// Reads and writes the tail in two steps.
        case linksFirst
        /// Pushes the stub like any token behind the last one that leaves.
        case pushesStub
    }

    /// The queue in steps as the code takes them: two producers of two tokens each, one consumer.
    ///
    /// Node 0 is the stub; producer p pushes nodes 2p+1 and 2p+2.
    private struct Model: Hashable {
        var tail = 0
        var head = 0
        var link = [Int](repeating: -1, count: 5)
        /// For each producer: its next node's position, and whether the exchange is done but not the link.
        var sent = [0, 0]
        var before = [-1, -1]
        /// Where the consumer pushes the stub: it has seen that the last token is the last one; it has exchanged the tail, and
        /// this is what was there.
        var isPushing = false
        var restub = -1
        var popped: [Int] = []

        /// Whether the queue looks empty though a token was pushed that nobody has taken out.
        var looksEmpty: Bool {
            let begun = sent.reduce(0, +) + before.count { $0 >= 0 }
            return tail == 0 && popped.count < begun
        }

        /// What may happen next; nothing when all is done.
        func successors(_ variant: Variant) -> [Model] {
            var all: [Model] = []
            for producer in 0..<2 where sent[producer] < 2 {
                var next = self
                let node = producer * 2 + 1 + sent[producer]
                if before[producer] < 0 {
                    next.link[node] = -1
                    next.before[producer] = tail
                    if variant != .linksFirst { next.tail = node }
                } else {
                    if variant == .linksFirst { next.tail = node }
                    next.link[before[producer]] = node
                    next.before[producer] = -1
                    next.sent[producer] += 1
                }
                all.append(next)
            }
            if popped.count < 4, let next = consumed(variant) { all.append(next) }
            return all
        }

        /// One step of `pop`; nil where it would answer `empty` or `arriving`, that is, change nothing.
        private func consumed(_ variant: Variant) -> Model? {
            var next = self
            if restub >= 0 {
                next.link[restub] = 0
                next.restub = -1
                return next
            }
            if isPushing {
                next.link[0] = -1
                next.restub = tail
                next.tail = 0
                next.isPushing = false
                return next
            }
            if head == 0 {
                guard link[0] >= 0 else { return nil }
                next.head = link[0]
                return next
            }
            if link[head] >= 0 {
                next.head = link[head]
                next.popped.append(head)
                return next
            }
            guard tail == head else { return nil }
            if variant == .pushesStub {
                next.isPushing = true
                return next
            }
            next.link[0] = -1
            next.tail = 0
            next.popped.append(head)
            next.head = 0
            return next
        }
    }

    /// Explores all interleavings; answers how many states there are and what went wrong.
    private func explore(_ variant: Variant) -> (states: Int, faults: Set<String>) {
        var (seen, stack, faults): (Set<Model>, [Model], Set<String>) = ([], [Model()], [])
        while let state = stack.popLast() {
            guard seen.insert(state).inserted else { continue }
            if state.looksEmpty { faults.insert("looks empty") }
            let next = state.successors(variant)
            if next.isEmpty || state.popped.count > 4 {
                let (first, second) = (state.popped.filter { $0 <= 2 }, state.popped.filter { $0 > 2 })
                if first != [1, 2] || second != [3, 4] { faults.insert("\(state.popped)") }
                continue
            }
            stack.append(contentsOf: next)
        }
        return (seen.count, faults)
    }

    @Test(
        "Mailbox: in all interleavings of two producers and a consumer, all arrive in order, and it looks empty only when it is"
    )
    func model() {
        let result = explore(.asItIs)
        #expect(result.faults.isEmpty)
        #expect(result.states > 100)
        // The model can tell: without the one atomic exchange, tokens are lost; where the stub is pushed, some are hidden.
        #expect(explore(.linksFirst).faults.contains { $0 != "looks empty" })
        #expect(explore(.pushesStub).faults == ["looks empty"])
    }

    @Test("Mailbox: a push that meets the pop of the last token leaves it not empty")
    func pushMeetsPop() async {
        let rounds = Sizes.part(of: 20_000)
        let mailbox = Mailbox()
        let hidden = Tally()
        let turn = Tally()
        let popped = Tally()
        // Each round: one token inside; one thread pushes another while the other thread takes one out.
        await concurrently(2) { index in
            for round in 0..<rounds {
                if index == 0 {
                    while popped.value < round { sched_yield() }
                    mailbox.push(.passRetained(self.token(0, 2 * round)))
                    turn.add()
                    mailbox.push(.passRetained(self.token(0, 2 * round + 1)))
                    turn.add()
                } else {
                    while turn.value < 2 * round + 1 { sched_yield() }
                    var taken = false
                    while !taken {
                        if case .token(let token) = mailbox.pop() {
                            token.release()
                            taken = true
                        }
                    }
                    while turn.value < 2 * round + 2 { sched_yield() }
                    if mailbox.isEmpty { hidden.add() }
                    while case .token(let token) = mailbox.pop() { token.release() }
                    popped.add()
                }
            }
        }
        #expect(hidden.value == 0)
        #expect(mailbox.isEmpty)
    }
}
