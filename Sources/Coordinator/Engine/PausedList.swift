//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import TokenCore

/// The tokens that a pause holds back, in the order they came; the list owns a reference to each.
struct PausedList: Sendable {
    private var tokens: [Unmanaged<AnyTaskToken>] = []
    /// The anchors whose turn one of them holds: at most one token has an anchor's turn.
    private(set) var turns: Set<UInt64> = []

    mutating func append(_ token: Unmanaged<AnyTaskToken>) {
        tokens.append(token)
        if let turn = Self.turn(of: token) { turns.insert(turn) }
    }

    mutating func takeAll() -> [Unmanaged<AnyTaskToken>] {
        defer { self = PausedList() }
        return tokens
    }

    /// Takes out those that are settled.
    mutating func takeSettled() -> [Unmanaged<AnyTaskToken>] {
        var settled: [Unmanaged<AnyTaskToken>] = []
        for token in takeAll() {
            if token._withUnsafeGuaranteedRef(\.isSettled) { settled.append(token) } else { append(token) }
        }
        return settled
    }

    mutating func take(_ token: AnyTaskToken) -> Unmanaged<AnyTaskToken>? {
        take { $0._withUnsafeGuaranteedRef { $0 === token } }
    }

    /// Takes out the one that holds an anchor's turn.
    mutating func takeHolder(ofTurn turn: UInt64) -> Unmanaged<AnyTaskToken>? {
        turns.contains(turn) ? take { Self.turn(of: $0) == turn } : nil
    }

    func forEach(_ body: (Unmanaged<AnyTaskToken>) -> Void) { tokens.forEach(body) }

    private mutating func take(where isWanted: (Unmanaged<AnyTaskToken>) -> Bool) -> Unmanaged<AnyTaskToken>? {
        guard let place = tokens.firstIndex(where: isWanted) else { return nil }
        let token = tokens.remove(at: place)
        if let turn = Self.turn(of: token) { turns.remove(turn) }
        return token
    }

    private static func turn(of token: Unmanaged<AnyTaskToken>) -> UInt64? {
        token._withUnsafeGuaranteedRef { $0.holdings.contains(.turn) ? $0.anchor : nil }
    }
}
