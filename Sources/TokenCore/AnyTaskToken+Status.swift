//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// A submitter that can tell what keeps its tokens.
package protocol ObstacleTeller: TokenSubmitter {
    /// What keeps a token that is waiting, not for its time nor for other tokens.
    func obstacle(of token: AnyTaskToken) -> TokenStatus.Obstacle?
}

extension AnyTaskToken {
    /// What is to be told of the token at this moment.
    ///
    /// It may have moved on by the time it is looked at, and its parts are read one after the other. Costs a few locks, and, of a
    /// token in a line, a walk along that line: for people and dashboards, not for loops. For tokens of a ``TokenBatch`` there is
    /// `BatchToken.status()`, which knows less.
    public final func status() -> TokenStatus {
        let word = current
        let hasBegun = word.hasBegun
        // Its domain is its carrier's until it has begun.
        let domain = hasBegun && realm?.runsItsTokens == true ? Int(self.domain) + 1 : nil
        return TokenStatus(
            id: id, operationType: operationType, state: word.state, waitsFor: obstacle(word),
            isAwaited: isNeeded && !word.isTerminal || WaiterList.hasWaiters(self), attempts: attempts, domain: domain,
            seed: seed,
            age: realm == nil || submittedFirst == 0 ? nil : .nanoseconds(max(0, tge_now_ns() - submittedFirst)),
            timeRemaining: word.isTerminal ? nil : until(timeLimit))
    }

    private func obstacle(_ word: TokenWord) -> TokenStatus.Obstacle? {
        // Between two attempts it is executing, and waits.
        if word.state == .executing, dueTime != .min, let time = until(dueTime), time > .zero { return .time(time) }
        guard word.state == .waiting || word.state == .created else { return nil }
        let sources = sources.filter { !$0.isSettled }
        if !sources.isEmpty { return .tokens(sources.map(\.id)) }
        if dueTime != .min, let time = until(dueTime), time > .zero { return .time(time) }
        return (realm?.submitter as? any ObstacleTeller)?.obstacle(of: self)
    }

    /// From now on; nil where there is no such time.
    private func until(_ time: Int64) -> Duration? {
        guard time != .max, time != .min, let realm else { return nil }
        return .nanoseconds(max(0, time.subtractingReportingOverflow(realm.timers.now).partialValue))
    }
}

extension BatchToken {
    /// What is to be told of the token at this moment: as `AnyTaskToken.status()`, but where the batch shares its storage
    /// without who waits for it and in which domain it runs.
    public func status() -> TokenStatus {
        switch storage {
        case .token(let token): return token.status()
        case .slab(let slab, let index):
            let (state, bits) = (slab.state(of: index), slab.bits(of: index))
            return TokenStatus(
                id: id, operationType: operationType, state: state, waitsFor: nil, isAwaited: false,
                attempts: bits.isBegun ? 1 : 0, domain: nil, seed: nil,
                age: .nanoseconds(max(0, tge_now_ns() - slab.submittedAt)), timeRemaining: nil)
        }
    }
}
