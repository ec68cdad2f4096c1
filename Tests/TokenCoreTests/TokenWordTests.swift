//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing
import TokenCore

/// The token's state machine, each state with each input: C1 begins here.
@Suite struct TokenWordTests {
    private static let live: [TokenState] = [.created, .waiting, .admitted, .executing]
    private static let terminal: [TokenState] = [.completed, .failed, .killed, .timedOut]
    private static let reasons: [SettleReason] = [.body, .killed, .discarded, .coordinatorStopped, .timedOut]
    /// Waiter lists as they can stand in a word: none, a low, a usual and the highest 16-byte aligned address.
    private static let lists: [UInt] = [0, 16, 0x7F3A_1234_5670, ~15]

    /// Every word that a token can hold.
    private static var words: [TokenWord] {
        let alive = live.flatMap { state in lists.map { TokenWord(raw: TokenWord(state).raw | $0) } }
        let finished = [true, false].compactMap { TokenWord(.executing).finishing(ok: $0) }
        let settled = live.flatMap { state in reasons.compactMap { TokenWord(state).settling(for: $0) } }
        return alive + finished + settled
    }

    /// Checks one input against the states it is allowed in, and that it leaves waiters alone.
    private func expect(
        _ name: String, _ move: (TokenWord) -> TokenWord?, leads allowed: [TokenState: TokenState]
    ) {
        for word in Self.words {
            let next = move(word)
            #expect(next?.state == allowed[word.state], "\(name) in state \(word.state)")
            if let next { #expect(next.waiters == word.waiters, "\(name) in state \(word.state) lost waiters") }
        }
    }

    @Test("C1 a token's word moves only along the allowed transitions; all others answer nil")
    func transitions() {
        expect("holding", { $0.holding() }, leads: [.created: .waiting, .admitted: .waiting])
        expect("admitting", { $0.admitting() }, leads: [.created: .admitted, .waiting: .admitted])
        expect("starting", { $0.starting() }, leads: [.admitted: .executing])
    }

    @Test("C1 only an executing token can be finished by its body", arguments: [true, false])
    func finishing(ok: Bool) {
        for word in Self.words {
            let next = word.finishing(ok: ok)
            guard word.state == .executing else {
                #expect(next == nil, "finishing in state \(word.state)")
                continue
            }
            #expect(next?.state == (ok ? .completed : .failed))
            #expect(next?.hadStarted == true)
            #expect(next?.reason == .body)
        }
    }

    @Test("C1 every live state can be settled from outside, no terminal one can")
    func settling() {
        for word in Self.words {
            for reason in Self.reasons {
                let next = word.settling(for: reason)
                guard !word.state.isTerminal else {
                    #expect(next == nil, "settling for \(reason) in state \(word.state)")
                    continue
                }
                #expect(next?.state == (reason == .timedOut ? .timedOut : .killed))
                #expect(next?.reason == reason)
                #expect(next?.hadStarted == (word.state == .executing))
            }
        }
    }

    @Test("C1 waiters can be put into a live word only, beside any state")
    func waiters() {
        for word in Self.words {
            for list in Self.lists {
                for next in [word.adding(waiter: list), word.replacing(waiters: list)] {
                    #expect(next?.waiters == (word.isTerminal ? nil : list))
                    #expect(next?.state == (word.isTerminal ? nil : word.state))
                }
            }
        }
    }

    @Test("C1 a terminal word has no waiters left and never changes again")
    func terminalIsFinal() {
        for word in Self.words where word.isTerminal {
            #expect(word.waiters == 0)
            #expect(Self.terminal.contains(word.state))
            let moves = [
                word.holding(), word.admitting(), word.starting(), word.finishing(ok: true),
                word.finishing(ok: false), word.adding(waiter: 16), word.replacing(waiters: 0),
            ]
            #expect(moves.allSatisfy { $0 == nil })
        }
    }

    @Test("C1 a state's own word tells that state, terminal or not", arguments: TokenState.allCases)
    func states(_ state: TokenState) {
        let word = TokenWord(state)
        #expect(word.state == state)
        #expect(word.isTerminal == state.isTerminal)
        #expect(state.isTerminal == Self.terminal.contains(state))
        #expect(word.waiters == 0)
    }
}
