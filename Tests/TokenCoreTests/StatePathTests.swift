//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenCore

/// What a watch tells of two looks at a token, for all that a token can do in between.
@Suite("state path: every way of a token, looked at at any two moments, is told in order")
struct StatePathTests {
    /// All ways of at most eight states that the word's transitions allow, with a terminal end.
    private func ways() -> [[TokenWord]] {
        var ways: [[TokenWord]] = []
        func extend(_ way: [TokenWord]) {
            guard let last = way.last else { return }
            if last.isTerminal { return ways.append(way) }
            if way.count == 8 { return }
            let next = [
                last.holding(), last.admitting(), last.starting(), last.finishing(ok: true), last.finishing(ok: false),
                last.settling(for: .killed), last.settling(for: .timedOut),
                // Refused: no body ran.
                last.finishingUnbegun(ok: false),
            ]
            for word in next.compactMap({ $0 }) { extend(way + [word]) }
        }
        extend([TokenWord(.created)])
        return ways
    }

    @Test("whatever is looked at, what is told is a part of the way, in order, and ends with the terminal state once")
    func allWays() {
        let ways = ways()
        #expect(ways.count > 50)
        for way in ways {
            for looks in 0..<(1 << way.count) where looks & 1 << (way.count - 1) != 0 {
                for start in way.indices where !way[start].isTerminal {
                    var last = way[start].state
                    var told: [TokenState] = []
                    for index in way.indices where index >= start && looks & 1 << index != 0 {
                        told += StatePath.steps(from: last, to: way[index])
                        last = way[index].state
                    }
                    let passed = way[(start + 1)...].map(\.state)
                    #expect(isPart(told, of: passed), "\(told) of \(passed)")
                    #expect(told.count { $0.isTerminal } == 1 && told.last?.isTerminal == true)
                    // What a body's token must have been is never left out.
                    if let run = passed.firstIndex(of: .executing), way[start + 1 + run].state == .executing {
                        #expect(told.contains(.executing), "\(told) of \(passed)")
                    }
                }
            }
        }
    }

    private func isPart(_ part: [TokenState], of all: [TokenState]) -> Bool {
        var rest = all[...]
        for state in part {
            guard let place = rest.firstIndex(of: state) else { return false }
            rest = rest[(place + 1)...]
        }
        return true
    }

    @Test("looked at after each step, everything is told")
    func everyStep() {
        for way in ways() {
            var told: [TokenState] = []
            for (last, next) in zip(way, way.dropFirst()) { told += StatePath.steps(from: last.state, to: next) }
            #expect(told == way.dropFirst().map(\.state))
        }
    }

    @Test("without a coordinator all is told when the token settles; of a settled one the terminal state, at once")
    func withoutCoordinator() {
        let submitter = HeldSubmitter()
        let operation = TaskTokenGuard("watch.own", on: submitter) { (n: Int) in n }
        let (token, other) = (operation(1), operation(2))
        let seen = Journal<TokenState>()
        let killed = Journal<TokenState>()
        token.onStateChange { seen.note($0) }
        other.onStateChange { killed.note($0) }
        other.kill()
        #expect(killed.all == [.killed])
        submitter.runAll()
        #expect(seen.all == [.admitted, .executing, .completed])
        token.onStateChange { seen.note($0) }
        #expect(seen.count == 4 && seen.all.last == .completed)
    }

    @Test("a watch is let go with its token's end, and the token with it")
    func isFreed() {
        final class Payload: Sendable {}
        weak var held: Payload?
        weak var token: AnyTaskToken?
        let submitter = HeldSubmitter()
        do {
            let payload = Payload()
            held = payload
            let operation = TaskTokenGuard("watch.freed", on: submitter) { (n: Int) in n }
            let made = operation(1)
            token = made
            made.onStateChange { _ in _ = payload }
            submitter.runAll()
        }
        #expect(held == nil && token != nil)
    }
}
