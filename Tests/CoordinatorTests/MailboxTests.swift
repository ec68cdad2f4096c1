//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

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
        /// The consumer stands before its last step: the stub's link, `before` holds what was exchanged.
        var restub = -1
        var popped: [Int] = []

        /// What may happen next; nothing when all is done.
        func successors(linksFirst: Bool) -> [Model] {
            var all: [Model] = []
            for producer in 0..<2 where sent[producer] < 2 {
                var next = self
                let node = producer * 2 + 1 + sent[producer]
                if before[producer] < 0 {
                    next.link[node] = -1
                    next.before[producer] = tail
                    // A broken queue: reads and writes the tail in two steps.
                    if !linksFirst { next.tail = node }
                } else {
                    if linksFirst { next.tail = node }
                    next.link[before[producer]] = node
                    next.before[producer] = -1
                    next.sent[producer] += 1
                }
                all.append(next)
            }
            if popped.count < 4, let next = consumed() { all.append(next) }
            return all
        }

        /// One step of `pop`; nil where it would answer `empty` or `arriving`, that is, change nothing.
        private func consumed() -> Model? {
            var next = self
            if restub >= 0 {
                // `push(stub)`, second half; the pop is tried again after it.
                next.link[restub] = 0
                next.restub = -1
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
            next.link[0] = -1
            next.restub = tail
            next.tail = 0
            return next
        }
    }

    /// Explores all interleavings; answers how many states there are and what went wrong.
    private func explore(linksFirst: Bool) -> (states: Int, faults: [String]) {
        var (seen, stack, faults): (Set<Model>, [Model], [String]) = ([], [Model()], [])
        while let state = stack.popLast() {
            guard seen.insert(state).inserted else { continue }
            let next = state.successors(linksFirst: linksFirst)
            if next.isEmpty || state.popped.count > 4 {
                let (first, second) = (state.popped.filter { $0 <= 2 }, state.popped.filter { $0 > 2 })
                if first != [1, 2] || second != [3, 4] { faults.append("\(state.popped)") }
                continue
            }
            stack.append(contentsOf: next)
        }
        return (seen.count, faults)
    }

    @Test("Mailbox: in all interleavings of two producers and a consumer, all arrive in each producer's order")
    func model() {
        let result = explore(linksFirst: false)
        #expect(result.faults.isEmpty)
        #expect(result.states > 100)
        // The model can tell: without the one atomic exchange, tokens are lost.
        #expect(!explore(linksFirst: true).faults.isEmpty)
    }
}
