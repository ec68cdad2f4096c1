//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The tags of an operation as its tokens carry them.
@usableFromInline
package struct TokenTags: Sendable, Hashable {
    package let weight: Weight
    package let storage: StorageSpeed?
    package let flags: Flags
    /// How urgent they are; nil where the operation does not say.
    package let priority: TokenPriority?
    /// How many tokens of its anchor may run at once; 0 where there is no limit.
    package let anchorLimit: UInt16
    /// The body is async.
    package let isAsync: Bool
    /// Neither storage nor anchor nor lead nor options: nothing stands between such a token and a mailbox.
    @usableFromInline package let isPlain: Bool

    @usableFromInline
    package struct Flags: OptionSet, Sendable, Hashable {
        @usableFromInline package let rawValue: UInt8
        @usableFromInline package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The token has a sticky anchor.
        package static let anchored = Flags(rawValue: 1)
        /// Its anchor runs one token at a time, in submission order.
        package static let ordered = Flags(rawValue: 2)
        /// The token declares external calls.
        package static let lead = Flags(rawValue: 4)
        /// The body is async.
        package static let async = Flags(rawValue: 8)
        /// It has options (Docs/Options.md).
        @usableFromInline package static let managed = Flags(rawValue: 16)
    }

    /// What a token holds of the engine's: to be given back when the engine is done with it.
    @usableFromInline
    package struct Holdings: OptionSet, Sendable {
        @usableFromInline package let rawValue: UInt8
        @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// A permit of its storage tier.
        package static let permit = Holdings(rawValue: 1)
        /// Its anchor's turn.
        package static let turn = Holdings(rawValue: 2)
        /// A reference to its anchor.
        package static let anchor = Holdings(rawValue: 4)
        /// One of the places that a coordinator has for live tokens.
        package static let place = Holdings(rawValue: 8)
        /// A permit of its operation's limit.
        package static let operationPermit = Holdings(rawValue: 16)
        /// A permit of its anchor's limit.
        package static let anchorPermit = Holdings(rawValue: 32)
        /// One of the places that its operation has for live tokens.
        package static let operationPlace = Holdings(rawValue: 64)
        /// It gave a permit away, and goes ahead of others until it has all that it needs.
        package static let precedence = Holdings(rawValue: 128)

        package static let permits: Holdings = [.operationPermit, .anchorPermit, .permit]
        package static let places: Holdings = [.place, .operationPlace]
    }

    @usableFromInline
    package init(
        weight: Weight = .medium, storage: StorageSpeed? = nil, flags: Flags = [], priority: TokenPriority? = nil,
        anchorLimit: UInt16 = 0
    ) {
        self.weight = weight
        self.storage = storage
        self.flags = flags
        self.priority = priority
        self.anchorLimit = anchorLimit
        isAsync = flags.contains(.async)
        // Those with a priority or a limit have options, or an anchor.
        isPlain = storage == nil && flags.isDisjoint(with: [.anchored, .lead, .managed])
    }
}
