//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import TokenCore

/// The tokens that a pause holds back, in the order they came; the list owns a reference to each.
struct PausedList: Sendable {
    private var tokens = IndexedQueue<Unmanaged<AnyTaskToken>>()
    /// The anchors whose turn one of them holds, and the number of that one: at most one token has an anchor's turn.
    private var holders: [UInt64: UInt64] = [:]

    var hasTurns: Bool { !holders.isEmpty }

    mutating func append(_ token: Unmanaged<AnyTaskToken>) {
        tokens.append(token)
        if let turn = Self.turn(of: token) { holders[turn] = token.number }
    }

    mutating func takeAll() -> [Unmanaged<AnyTaskToken>] {
        holders = [:]
        return tokens.removeAll()
    }

    /// Takes out those that are settled.
    mutating func takeSettled() -> [Unmanaged<AnyTaskToken>] {
        let settled = tokens.removeAll { $0._withUnsafeGuaranteedRef(\.isSettled) }
        settled.forEach { forgetTurn(of: $0) }
        return settled
    }

    /// Takes out a token; nil where it does not stand here.
    ///
    /// - Complexity: O(1) on average.
    mutating func take(_ token: AnyTaskToken) -> Unmanaged<AnyTaskToken>? {
        take(Unmanaged.passUnretained(token).number)
    }

    /// Takes out the one that holds an anchor's turn.
    mutating func takeHolder(ofTurn turn: UInt64) -> Unmanaged<AnyTaskToken>? { holders[turn].flatMap { take($0) } }

    func forEach(_ body: (Unmanaged<AnyTaskToken>) -> Void) { tokens.forEach(body) }

    private mutating func take(_ number: UInt64) -> Unmanaged<AnyTaskToken>? {
        let token = tokens.remove(number) { $0.number }
        if let token { forgetTurn(of: token) }
        return token
    }

    private mutating func forgetTurn(of token: Unmanaged<AnyTaskToken>) {
        if let turn = Self.turn(of: token) { holders[turn] = nil }
    }

    private static func turn(of token: Unmanaged<AnyTaskToken>) -> UInt64? {
        token._withUnsafeGuaranteedRef { $0.holdings.contains(.turn) ? $0.anchor : nil }
    }
}

extension Unmanaged where Instance == AnyTaskToken {
    /// What the token is known by in a list that owns a reference to it.
    var number: UInt64 { UInt64(UInt(bitPattern: toOpaque())) }
}
