//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CTokenGate
internal import TokenCore

extension tg_submit_options {
    /// Whether they ask for more than a place to run; else the token is a plain one.
    @inline(__always)
    var askForMore: Bool {
        delay != 0 || timeout != 0 || key != nil || key_size != 0 || after != nil || after_count != 0
            || after_failure != 0 || reserved != 0
    }
}

extension CallOptions {
    /// What C asks for.
    init(_ options: tg_submit_options) throws(Failure) {
        // Without a limit it is never due: until the token is killed, or its coordinator stops.
        let delay = try options.delay == 0 ? nil : duration(options.delay, "delay") ?? .nanoseconds(Int64.max)
        let timeout = try limit(options.timeout, "timeout")
        let key = try Self.key(options)
        let after = try Self.dependencies(options)
        let afterFailure: AfterFailure =
            switch Int(options.after_failure) {
            case TG_AFTER_FAILURE_DEFAULT, TG_AFTER_FAILURE_FAIL: .fail
            case TG_AFTER_FAILURE_RUN: .run
            default:
                throw Failure(
                    TG_E_INVALID_ARGUMENT, "after_failure \(options.after_failure) is not TG_AFTER_FAILURE_…")
            }
        if options.reserved != 0 {
            throw Failure(TG_E_INVALID_ARGUMENT, "reserved \(options.reserved) is not 0")
        }
        self.init(delay: delay, after: after, afterFailure: afterFailure, timeout: timeout, key: key)
        do { try validate() } catch { throw Failure(error) }
    }

    private static func key(_ options: tg_submit_options) throws(Failure) -> UnsafeRawBufferPointer? {
        guard let key = options.key else {
            if options.key_size == 0 { return nil }
            throw .null("key, with a key_size of \(UInt(bitPattern: options.key_size)),")
        }
        // Before a byte of it is looked at.
        guard (1...1_024).contains(options.key_size) else {
            throw Failure(
                TG_E_INVALID_ARGUMENT, "key_size \(UInt(bitPattern: options.key_size)) is not in 1...1024")
        }
        return UnsafeRawBufferPointer(start: key, count: options.key_size)
    }

    private static func dependencies(_ options: tg_submit_options) throws(Failure) -> [AnyTaskToken] {
        guard (0...mostAtOnce).contains(options.after_count) else {
            throw Failure(
                TG_E_INVALID_ARGUMENT,
                "after_count \(UInt(bitPattern: options.after_count)) is not in 0...\(mostAtOnce)")
        }
        guard let after = options.after else {
            if options.after_count == 0 { return [] }
            throw .null("after, with an after_count of \(options.after_count),")
        }
        var tokens: [AnyTaskToken] = []
        for index in 0..<options.after_count {
            guard let token = after[index] else { throw .null("after[\(index)]") }
            tokens.append(try tokenOf(token).takeUnretainedValue())
        }
        return tokens
    }
}

/// An operation with what the calls of one submission ask for.
///
/// A class, so that where there is none that is told by one pointer.
final class AskingOperation {
    private enum Entry {
        case plain(TaskTokenCall<Call, Outcome>)
        case anchored(TaskTokenCall<AnchoredCall, Outcome>)
    }
    private let entry: Entry

    init(_ operation: CallableOperation, _ options: tg_submit_options) throws(Failure) {
        let options = try CallOptions(options)
        entry =
            switch operation.entry {
            case .plain(let operation): .plain(operation.with(options))
            case .anchored(let operation): .anchored(operation.with(options))
            }
    }

    /// Submits one call, or finds the live token that has its key.
    func submit(_ call: Call, _ anchor: UnsafeRawBufferPointer?, within patience: Patience) throws(Failure) -> Token {
        switch entry {
        case .plain(let operation): return patience.call(operation, call)
        case .anchored(let operation):
            guard let anchor else { throw CallableOperation.missingAnchor }
            return patience.call(operation, AnchoredCall(call: call, key: BorrowedKey(bytes: anchor)))
        }
    }
}
