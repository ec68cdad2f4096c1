//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Calls back for each state that a token comes to (`AnyTaskToken.onStateChange`).
///
/// Whoever may have brought a change about has it look: it reads the token's word, so what it tells is what was, in order, however
/// late it is told. Several may look at once; one of them calls, the others leave what they found to it.
///
/// | field | protected by |
/// |---|---|
/// | `state` | its lock; nothing is called under it |
package final class StateWatch: Sendable {
    private struct State {
        var last: TokenState
        var pending: [TokenState] = []
        /// Somebody calls back, and goes on as long as there is something.
        var isCalling = false
    }
    private let state: Guarded<State>
    /// Held: this ring is opened when the token settles, which lets go of whoever waits for it.
    package let token: AnyTaskToken
    private let callback: @Sendable (TokenState) -> Void

    init(_ token: AnyTaskToken, from seen: TokenState, _ callback: @escaping @Sendable (TokenState) -> Void) {
        state = Guarded(State(last: seen))
        self.token = token
        self.callback = callback
    }

    /// Tells what has come about since it was told last.
    package func look() {
        let isCaller = state.withLock { state in
            let word = token.current
            state.pending += StatePath.steps(from: state.last, to: word)
            state.last = word.state
            if state.isCalling || state.pending.isEmpty { return false }
            state.isCalling = true
            return true
        }
        guard isCaller else { return }
        while let next = next() { BodyFrame.outside { callback(next) } }
    }

    private func next() -> TokenState? {
        state.withLock { state in
            if state.pending.isEmpty {
                state.isCalling = false
                return nil
            }
            return state.pending.removeFirst()
        }
    }
}

/// The states between two looks at a token.
package enum StatePath {
    /// What a token has come to since it was in `last`, in order; what is certain to lie between is put in.
    ///
    /// A time of waiting between two looks leaves no trace.
    package static func steps(from last: TokenState, to word: TokenWord) -> [TokenState] {
        let now = word.state
        if last.isTerminal || last == now { return [] }
        // Whoever has been waiting was let through before it began.
        let hasBegun = word.hasBegun
        var steps: [TokenState] = []
        if hasBegun, last == .created || last == .waiting { steps.append(.admitted) }
        if hasBegun, last != .executing, now != .executing { steps.append(.executing) }
        return steps + [now]
    }
}

/// A submitter that knows when its tokens come to another state.
package protocol StateTeller: TokenSubmitter {
    /// Has the watch look whenever its token may have come to another state, until `unwatch`.
    func watch(_ watch: StateWatch)
    func unwatch(_ watch: StateWatch)
}

extension AnyTaskToken {
    /// Calls `callback` with every state that the token comes to from now on, in order, the terminal one last and once; at once,
    /// with that alone, where the token is settled.
    ///
    /// ```swift
    /// token.onStateChange { state in print(state) }  // admitted, executing, completed
    /// ```
    /// It is called on the thread that brought the change about, or on one that is calling it already: one call at a time, without a
    /// lock, outside of bodies. It must be short and must not block. States that pass quickly are told one after the other;
    /// a time of waiting that is over when it would be told may be left out. Without a coordinator, all are told when the token
    /// settles. There is no end to it but the token's; tokens without callbacks pay nothing for it.
    ///
    /// For tokens of a ``TokenBatch``: the coordinator's events.
    public final func onStateChange(_ callback: @escaping @Sendable (TokenState) -> Void) {
        let seen = state
        if seen.isTerminal { return BodyFrame.outside { callback(seen) } }
        let watch = StateWatch(self, from: seen, callback)
        let teller = realm?.submitter as? any StateTeller
        // Before it can end: who ends it takes it out.
        teller?.watch(watch)
        let isAdded = addWaiter(
            .callback {
                teller?.unwatch(watch)
                watch.look()
            })
        if !isAdded { teller?.unwatch(watch) }
        watch.look()
    }
}
