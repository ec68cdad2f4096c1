//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What is to be told of a token at one moment; made by ``AnyTaskToken/status()``.
///
/// ```swift
/// let status = token.status()
/// print(status)                    // token …0001 of "resize", waiting for a permit of the tier slow, 12 ms old
/// if status.waitsFor == .pause { try coordinator.resume(status.operationType) }
/// ```
/// `Encodable`: times are in nanoseconds; keys may be added in any version.
public struct TokenStatus: Sendable, Hashable, CustomStringConvertible {
    /// What keeps a token from running.
    ///
    /// New cases may be added in any version: switch with a `default`.
    public enum Obstacle: Sendable, Hashable, CustomStringConvertible {
        /// Its coordinator has not started.
        case start
        /// Its coordinator, or its operation, is paused.
        case pause
        /// It is due in so long: a delay, a time, or its rate; or its next attempt is.
        case time(Duration)
        /// Other tokens have to settle first: those that it comes after, or is made of.
        case tokens([TokenID])
        /// Others of its ordered anchor stand before it.
        case turn
        /// Its storage tier is full.
        case permit(StorageSpeed)
        /// As many of its operation, or of its anchor, are inside as their limit allows.
        case limit
        /// Its coordinator, or its operation, has as many live tokens as its capacity allows.
        case capacity

        /// In words.
        public var description: String {
            switch self {
            case .start: "the start of its coordinator"
            case .pause: "the end of a pause"
            case .time(let time): "its time, in \(time)"
            case .tokens(let tokens): tokens.count == 1 ? "token \(tokens[0])" : "\(tokens.count) tokens"
            case .turn: "its anchor's turn"
            case .permit(let speed): "a permit of the tier \(speed)"
            case .limit: "a permit of its operation's or its anchor's limit"
            case .capacity: "a place among live tokens"
            }
        }
    }

    /// The token.
    public let id: TokenID
    /// The operation type it is a call of.
    public let operationType: String
    /// Its state.
    public let state: TokenState
    /// What keeps it from running: one thing, the first in its way; nil where that is a free worker, or not known.
    public let waitsFor: Obstacle?
    /// Whether somebody waits for it: a task, a thread, a callback, another token.
    public let isAwaited: Bool
    /// How often its body has begun.
    public let attempts: Int
    /// Number of the core domain that it runs, or ran, in, from 1; nil before its body has begun.
    public let domain: Int?
    /// The seed of the lead that it belongs to, or is.
    public let seed: Seed?
    /// The time since its submission; nil where it was never submitted.
    ///
    /// Settled tokens grow older, too.
    public let age: Duration?
    /// How long until its own time limit settles it; nil where it has none, or is settled.
    public let timeRemaining: Duration?

    /// All of it in one line, for people.
    public var description: String {
        var text = "token \(id) of \"\(operationType)\", \(state)"
        if let waitsFor { text += " for \(waitsFor)" }
        if let domain { text += ", domain \(domain)" }
        if attempts > 1 { text += ", attempt \(attempts)" }
        if let age { text += ", \(age) old" }
        if let timeRemaining { text += ", \(timeRemaining) left" }
        return text
    }
}

extension TokenStatus: Encodable {
    private enum Keys: String, CodingKey {
        case id, operationType, state, waitsFor, isAwaited, attempts, domain, seed, ageNanoseconds
        case timeRemainingNanoseconds
    }

    /// One object; the id and the seed in hex digits, what it waits for in words.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode("\(id)", forKey: .id)
        try container.encode(operationType, forKey: .operationType)
        try container.encode(state, forKey: .state)
        try container.encode(waitsFor.map { "\($0)" }, forKey: .waitsFor)
        try container.encode(isAwaited, forKey: .isAwaited)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(domain, forKey: .domain)
        try container.encode(seed.map { "\($0)" }, forKey: .seed)
        try container.encode(age.map { Int64(clampedAdding: $0, to: 0) }, forKey: .ageNanoseconds)
        try container.encode(timeRemaining.map { Int64(clampedAdding: $0, to: 0) }, forKey: .timeRemainingNanoseconds)
    }
}
