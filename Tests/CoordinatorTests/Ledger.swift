//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import TokenCore
import TokenGate

/// Every call a test made, how often each was answered, and what tokens were seen to do that they must not.
final class Ledger: Sendable {
    /// By call: how often it was told that its token is settled.
    let settled: [Tally]
    /// By call: how often a body of it began.
    private let begun: [Tally]
    private let places: [Place]
    /// How many tokens ended in each state; callers that share a token count once.
    private let ends = TokenState.allCases.map { _ in Tally() }
    /// Bodies that a concurrency limit lets in.
    private let inside = Tally()
    /// Broken promises, as sentences.
    let faults = Journal<String>()

    // Each protected by its lock.
    private let shared = Guarded<[TokenID: String]>([:])
    private let latest = Guarded<[Int: KeptToken]>([:])
    private let after = Guarded<[Int: Conditions]>([:])
    private let recent = Guarded<[TaskToken<Int>]>([])

    /// What a call was to come after; nothing here keeps a token.
    private struct Conditions: Sendable {
        let tokens: [KeptToken]
        let mustComplete: Bool
    }

    init(_ count: Int, anchors: Int) {
        settled = (0..<count).map { _ in Tally() }
        begun = (0..<count).map { _ in Tally() }
        places = (0..<anchors).map { _ in Place() }
    }

    /// Tokens that ended so, or at all.
    func count(_ states: TokenState...) -> UInt64 {
        zip(TokenState.allCases, ends).reduce(0) { sum, end in
            states.isEmpty || states.contains(end.0) ? sum + UInt64(end.1.value) : sum
        }
    }

    private func fault(_ call: Int, _ operation: String, _ what: String) {
        faults.note("call \(call) of \(operation): \(what)")
    }

    // MARK: Calls

    /// A call's token is settled.
    func note(_ call: Int, _ token: TaskToken<Int>, _ operation: LedgerOperation) {
        // Last: who waits for all calls to be told reads the other counts next.
        defer { settled[call].add() }
        guard let result = token.resultIfSettled else {
            return fault(call, operation.name, "told of its end in state \(token.state)")
        }
        if let what = operation.fault(call, result, token) { fault(call, operation.name, what) }
        if operation.isKeyed, !isFirst(call, token, "\(token.state) \(result)", operation) { return }
        for (state, tally) in zip(TokenState.allCases, ends) where state == token.state { tally.add() }
    }

    /// Whether it is the first caller of its token to be told; all are told the same.
    private func isFirst(_ call: Int, _ token: AnyTaskToken, _ end: String, _ operation: LedgerOperation) -> Bool {
        let other = shared.withLock { shared in
            defer { shared[token.id] = end }
            return shared[token.id]
        }
        if let other, other != end {
            fault(call, operation.name, "told \(end), another caller of \(token.id) \(other)")
        }
        return other == nil
    }

    /// A call with a key got its token: where that is not the one that the last caller got, one of them is settled.
    func noteKey(_ key: Int, _ call: Int, _ token: AnyTaskToken) {
        let before = latest.withLock { $0.updateValue(KeptToken(token), forKey: key)?.token }
        if let before, before !== token, !before.isSettled, !token.isSettled {
            fault(call, "keyed", "\(before) and \(token) are alive with the key \(key)")
        }
    }

    /// A call is to come after some that others made; noted before it is made.
    func noteConditions(of call: Int, _ tokens: [AnyTaskToken], mustComplete: Bool) {
        let conditions = Conditions(tokens: tokens.map(KeptToken.init), mustComplete: mustComplete)
        after.withLock { $0[call] = conditions }
    }

    /// Lets other threads come after it.
    func share(_ token: TaskToken<Int>, at slot: Int) {
        let old = recent.withLock { recent -> TaskToken<Int>? in
            if recent.count < Self.slots {
                recent.append(token)
                return nil
            }
            defer { recent[slot % Self.slots] = token }
            return recent[slot % Self.slots]
        }
        _ = old  // freed outside the lock
    }

    private static let slots = 32

    /// Some that any thread made.
    func pick(_ count: Int, using numbers: inout SeededNumbers) -> [AnyTaskToken] {
        let all = recent.withLock { $0 }
        return (0..<count).compactMap { _ in all.randomElement(using: &numbers) }
    }

    /// Lets the tokens go that are kept for others to come after.
    func letGo() {
        let old = recent.withLock { recent in
            defer { recent = [] }
            return recent
        }
        _ = old  // freed outside the lock
    }

    // MARK: Bodies

    /// A body begins, in its first attempt or another.
    func begin(_ call: Int) {
        let attempt = TokenContext.current?.attempt
        let times = begun[call].add()
        if times != attempt { faults.note("call \(call) began \(times) times, in attempt \(attempt ?? 0)") }
        guard let conditions = after.withLock({ $0[call] }) else { return }
        // Those that are gone were settled.
        for token in conditions.tokens.compactMap(\.token) {
            if !token.isSettled { faults.note("call \(call) began before \(token), which it comes after") }
            if conditions.mustComplete, token.isSettled, token.state != .completed {
                faults.note("call \(call) began though \(token) did not complete")
            }
        }
    }

    /// A body of an anchor: all that run at one time must see the same domain.
    func inside(_ anchor: Int, _ work: () -> Void) {
        let domain = TokenContext.current?.domain ?? 0
        if places[anchor].enter(domain) { faults.note("anchor \(anchor) ran in a second domain") }
        work()
        places[anchor].leave()
    }

    /// A body of an operation that is never allowed more than so many at once.
    func inside(atMost limit: Int, _ work: () -> Void) {
        let count = inside.add()
        if count > limit { faults.note("\(count) bodies inside of a limit of at most \(limit)") }
        work()
        inside.add(-1)
    }
}

/// Where the bodies of one anchor are.
private final class Place: Sendable {
    private let state = Guarded((domain: 0, inside: 0))

    /// Whether others are inside in another domain.
    func enter(_ domain: Int) -> Bool {
        state.withLock { state in
            defer { state = (domain, state.inside + 1) }
            return state.inside > 0 && state.domain != domain
        }
    }

    func leave() { state.withLock { $0.inside -= 1 } }
}

/// A token that something else keeps, or not.
final class KeptToken: Sendable {
    weak let token: AnyTaskToken?
    init(_ token: AnyTaskToken) { self.token = token }
}
