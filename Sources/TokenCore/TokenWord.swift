//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization

/// The states of a token.
///
/// ```
/// created ─▶ waiting ◀─▶ admitted ─▶ executing ─▶ completed | failed
///    │          │           │            └──────▶ killed | timedOut
///    └──────────┴───────────┴───────────────────▶ killed | timedOut, and without a body completed | failed
/// ```
public enum TokenState: String, Sendable, Hashable, CaseIterable, Codable {
    /// Made, not yet seen by a coordinator.
    case created
    /// Held back: by a pause, a permit, its anchor's turn, a capacity, its time, others it comes after, or a coordinator that
    /// has not started.
    case waiting
    /// In a mailbox.
    case admitted
    /// Its body runs.
    case executing
    /// Its body returned.
    case completed
    /// Its body threw, or it could not be run.
    case failed
    /// Killed, discarded, dropped for a newer one, or left over when its coordinator stopped.
    case killed
    /// Its own time limit passed.
    case timedOut

    /// Whether this state is final.
    public var isTerminal: Bool {
        switch self {
        case .created, .waiting, .admitted, .executing: false
        case .completed, .failed, .killed, .timedOut: true
        }
    }
}

/// Why a token reached a terminal state that its body did not bring about.
package enum SettleReason: UInt8, Sendable {
    case body, killed, discarded, coordinatorStopped, timedOut, dropped, queueTimedOut, runTimedOut

    /// The terminal state that this reason leads to when the body did not.
    package var state: TokenState {
        switch self {
        case .timedOut, .queueTimedOut, .runTimedOut: .timedOut
        case .body, .killed, .discarded, .coordinatorStopped, .dropped: .killed
        }
    }

    /// What the awaiting caller gets.
    package func error(of subject: String) -> TokenError {
        switch self {
        case .body, .killed: TokenError(.killed, "\(subject) was killed")
        case .discarded: TokenError(.discarded, "\(subject) was discarded while it waited")
        case .coordinatorStopped:
            TokenError(.coordinatorStopped, "\(subject) was not run to its end: its coordinator stopped")
        case .timedOut: TokenError(.timedOut, "\(subject) ran out of time")
        case .queueTimedOut: TokenError(.timedOut, "\(subject) was not begun within its queue timeout")
        case .runTimedOut: TokenError(.timedOut, "\(subject) ran for longer than its run timeout")
        case .dropped:
            TokenError(.overloaded, "\(subject) had waited longest when there was no place left, and was dropped")
        }
    }
}

/// The one atomic word of a token: its state, and beside it what that state needs.
///
/// | bits | while live | once terminal |
/// |---|---|---|
/// | 0…3 | state | state |
/// | 4 | (the list's address) | 1 if the body had started |
/// | 4…63 | address of the newest waiter, 16-byte aligned, or 0 | 8…15: the settle reason |
///
/// Because state and waiters share the word, whoever makes it terminal takes the whole list with the same exchange:
/// there is one winner, and every waiter is resumed by it.
package struct TokenWord: Equatable, Sendable {
    package var raw: UInt

    package init(raw: UInt) { self.raw = raw }

    package init(_ state: TokenState) { raw = state.code }

    package var state: TokenState { TokenState(code: raw & 15) }
    package var isTerminal: Bool { raw & 15 >= TokenState.completed.code }

    /// The newest waiter's address; 0 when there is none or the token is terminal.
    package var waiters: UInt { isTerminal ? 0 : raw & ~15 }
    /// Whether the body had started; meaningful once terminal.
    package var hadStarted: Bool { raw & 16 != 0 }
    /// Whether a body has been started for it, whatever became of it.
    package var hasBegun: Bool { state == .executing || isTerminal && hadStarted }
    package var reason: SettleReason { SettleReason(rawValue: UInt8(truncatingIfNeeded: raw >> 8)) ?? .body }

    // Named transitions. Each answers nil where it is not allowed; none has any other effect.

    package func adding(waiter: UInt) -> TokenWord? {
        isTerminal ? nil : TokenWord(raw: waiter | raw & 15)
    }

    package func replacing(waiters: UInt) -> TokenWord? {
        isTerminal ? nil : TokenWord(raw: waiters | raw & 15)
    }

    package func holding() -> TokenWord? {
        switch state {
        case .created, .admitted: moved(to: .waiting)
        default: nil
        }
    }

    package func admitting() -> TokenWord? {
        switch state {
        case .created, .waiting: moved(to: .admitted)
        default: nil
        }
    }

    package func starting() -> TokenWord? { state == .admitted ? moved(to: .executing) : nil }

    package func finishing(ok: Bool) -> TokenWord? {
        state == .executing ? TokenWord(raw: (ok ? TokenState.completed : .failed).code | 16) : nil
    }

    /// Without a body: the token is refused, or made of others.
    package func finishingUnbegun(ok: Bool) -> TokenWord? {
        isTerminal || state == .executing ? nil : TokenWord(raw: (ok ? TokenState.completed : .failed).code)
    }

    package func settling(for reason: SettleReason) -> TokenWord? {
        if isTerminal { return nil }
        return TokenWord(raw: reason.state.code | (state == .executing ? 16 : 0) | UInt(reason.rawValue) << 8)
    }

    private func moved(to state: TokenState) -> TokenWord { TokenWord(raw: raw & ~15 | state.code) }
}

extension TokenState {
    /// Position in the word; terminal states come last, so one comparison tells them.
    fileprivate var code: UInt {
        switch self {
        case .created: 0
        case .waiting: 1
        case .admitted: 2
        case .executing: 3
        case .completed: 4
        case .failed: 5
        case .killed: 6
        case .timedOut: 7
        }
    }

    fileprivate init(code: UInt) {
        switch code {
        case 0: self = .created
        case 1: self = .waiting
        case 2: self = .admitted
        case 3: self = .executing
        case 4: self = .completed
        case 5: self = .failed
        case 6: self = .killed
        case 7: self = .timedOut
        default: fatalError("token word with state bits \(code)")
        }
    }
}
