//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Where the tokens of an operation are to run, relative to others.
///
/// One operation is free, sticky or a lead: the mix of a sticky anchor with external calls cannot be written.
public struct Locality<Input: Sendable>: Sendable {
    package enum Kind: Sendable {
        case free
        case fixed(any AnchorKey, Companions)
        case keyed(@Sendable (Input, (UnsafeRawBufferPointer) -> Void) -> Void, Companions)
        case lead([String])
    }

    /// How tokens of one anchor go together.
    package struct Companions: Sendable {
        package var isOrdered = false
        package var atOnce: Int?

        var problem: TokenError? {
            guard let atOnce, !(1...65_535).contains(atOnce) else { return nil }
            return TokenError(.invalidArgument, "sticky: atOnce \(atOnce) is outside 1...65535")
        }
    }

    package let kind: Kind

    /// Anywhere: the default.
    public static var free: Locality { Locality(kind: .free) }

    /// All tokens of the operation in one core domain, chosen by this key.
    ///
    /// - Parameters:
    ///   - key: the anchor's key; not empty.
    ///   - ordered: whether they also run one at a time, in submission order.
    ///   - atOnce: how many of them may have begun and not ended at a time, 1…65,535; nil (the default) for no limit. Those that
    ///     wait for tokens do not count meanwhile (Docs/Limits.md). All guards of one key share it: where they differ, the first holds while
    ///     the anchor has tokens.
    public static func sticky(_ key: some AnchorKey, ordered: Bool = false, atOnce: Int? = nil) -> Locality {
        Locality(kind: .fixed(key, Companions(isOrdered: ordered, atOnce: atOnce)))
    }

    /// Tokens with the same key in the same core domain, the key being computed from the call's input, on the
    /// submitting thread.
    ///
    /// - Parameters:
    ///   - ordered: whether tokens of one key also run one at a time, in submission order.
    ///   - atOnce: how many tokens of one key may have begun and not ended at a time; see above.
    ///   - key: must be quick, and yield bytes that are not empty.
    public static func sticky<Key: AnchorKey>(
        ordered: Bool = false, atOnce: Int? = nil, _ key: @escaping @Sendable (Input) -> Key
    ) -> Locality {
        Locality(
            kind: .keyed(
                { input, use in key(input).withAnchorBytes(use) }, Companions(isOrdered: ordered, atOnce: atOnce)))
    }

    /// The operation is a lead: every token submitted while it runs, by it or by a descendant, carries its seed and runs
    /// in its core domain.
    ///
    /// - Parameter externalCalls: the operation types that it calls; part of the seed. At least one, each 1 to 255
    ///   UTF-8 bytes.
    public static func lead(externalCalls: [String]) -> Locality { Locality(kind: .lead(externalCalls)) }

    @usableFromInline
    package var asyncFlags: TokenTags.Flags { flags.union(.async) }

    @usableFromInline
    package var flags: TokenTags.Flags {
        switch kind {
        case .free: []
        case .fixed(_, let companions), .keyed(_, let companions):
            companions.isOrdered ? [.anchored, .ordered] : .anchored
        case .lead: .lead
        }
    }

    /// How many tokens of its anchor may run at once; 0 where there is no limit.
    @usableFromInline
    package var anchorLimit: UInt16 {
        switch kind {
        case .free, .lead: 0
        case .fixed(_, let companions), .keyed(_, let companions): UInt16(clamping: companions.atOnce ?? 0)
        }
    }

    /// What is wrong with it whatever the input, if anything.
    @usableFromInline
    package var problem: TokenError? {
        switch kind {
        case .free: nil
        case .keyed(_, let companions): companions.problem
        case .fixed(let key, let companions):
            key.withAnchorBytes { $0.isEmpty }
                ? TokenError(.invalidArgument, "the anchor key \"\" is empty") : companions.problem
        case .lead(let calls):
            if calls.isEmpty {
                TokenError(.invalidArgument, "the lead's external calls [] are empty")
            } else if let position = calls.firstIndex(of: "") {
                TokenError(.invalidOperationType, "external call number \(position + 1) of \(calls) is empty")
            } else if let long = calls.first(where: { $0.utf8.count > Operation.maximumNameLength }) {
                TokenError(
                    .invalidOperationType,
                    "the external call \"\(long.prefix(40))…\" has \(long.utf8.count) bytes, more than \(Operation.maximumNameLength)"
                )
            } else {
                nil
            }
        }
    }
}
