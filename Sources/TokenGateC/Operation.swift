//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CForeign
package import CTokenGate
internal import Coordinator
internal import TokenCore

/// One call: what the body gets.
struct Call: @unchecked Sendable {
    let argument: UnsafeMutableRawPointer?
    let owner: Owned?
}

/// One call with the key of its anchor, which is looked at during the submission only.
struct AnchoredCall: @unchecked Sendable {
    let call: Call
    let key: BorrowedKey
}

/// A key in the caller's memory.
struct BorrowedKey: AnchorKey, @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { body(bytes) }
}

/// What a body results in.
struct Outcome: @unchecked Sendable {
    let value: tg_value
    let owner: Owned?
}

/// A body that returned another number than 0, and the result that it set all the same.
struct BodyFailure: FailureOfAKind, CustomStringConvertible {
    let status: Int32
    let outcome: Outcome
    var description: String { "the body returned \(status)" }
    var failureKind: String { "body status \(status)" }
}

/// What the tokens of an operation share: the function, and what goes with it.
final class Body: @unchecked Sendable {
    private let function:
        @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<tg_result>?) -> Int32
    let data: UnsafeMutableRawPointer?
    private let owner: Owned?

    init(
        _ function:
            @escaping @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<tg_result>?) ->
            Int32,
        _ userData: UnsafeMutableRawPointer?, _ owner: Owned?
    ) {
        self.function = function
        data = userData
        self.owner = owner
    }

    /// Runs it, with a context that lives as long.
    @inline(__always)
    func run(_ call: Call) throws -> Outcome {
        var result = tg_result()
        let status = BodyContext.with(self) { context in function(context, call.argument, &result) }
        let outcome = Outcome(value: result.value, owner: .of(result.value.pointer, result.destroy))
        if status == 0 { return outcome }
        throw BodyFailure(status: status, outcome: outcome)
    }
}

/// What a handle of an operation stands for.
final class CallableOperation: Sendable {
    enum Entry: Sendable {
        case plain(TaskTokenGuard<Call, Outcome>)
        case anchored(TaskTokenGuard<AnchoredCall, Outcome>)
    }
    let entry: Entry

    init(
        _ name: String, _ body: Body, _ options: tg_operation_options, on coordinator: OperationsCoordinator
    ) throws(Failure) {
        let weight = try Weight(number: options.weight)
        let storage = try StorageSpeed(number: options.storage)
        guard options.ordered == 0 || options.ordered == 1 else {
            throw Failure(TG_E_INVALID_ARGUMENT, "ordered \(options.ordered) is neither 0 nor 1")
        }
        let isOrdered = options.ordered == 1
        let calls = try Self.externalCalls(options)
        let key = try Self.fixedKey(options)
        let atOnce = try Self.atOnce(options)
        let asked = try OperationOptions(options, body)
        do {
            switch Int(options.anchor_mode) {
            case TG_ANCHOR_NONE:
                if isOrdered { throw Failure(TG_E_INVALID_ARGUMENT, "ordered without an anchor") }
                let made = TaskTokenGuard(
                    name, weight: weight, storage: storage,
                    locality: calls.isEmpty ? .free : .lead(externalCalls: calls), options: asked, on: coordinator
                ) { (call: Call) in try body.run(call) }
                try made.validate()
                entry = .plain(made)
            case TG_ANCHOR_FIXED:
                let made = TaskTokenGuard(
                    name, weight: weight, storage: storage, locality: .sticky(key, ordered: isOrdered, atOnce: atOnce),
                    options: asked, on: coordinator
                ) { (call: Call) in try body.run(call) }
                try made.validate()
                entry = .plain(made)
            case TG_ANCHOR_PER_CALL:
                let made = TaskTokenGuard(
                    name, weight: weight, storage: storage,
                    locality: .sticky(ordered: isOrdered, atOnce: atOnce) { (call: AnchoredCall) in call.key },
                    options: asked, on: coordinator
                ) { (call: AnchoredCall) in try body.run(call.call) }
                try made.validate()
                entry = .anchored(made)
            default: throw Failure(TG_E_INVALID_ARGUMENT, "anchor_mode \(options.anchor_mode) is not TG_ANCHOR_…")
            }
        } catch let error as TokenError {
            throw Failure(error)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(TG_E_INTERNAL, "\(error)")
        }
    }

    private static func externalCalls(_ options: tg_operation_options) throws(Failure) -> [String] {
        guard options.external_call_count != 0 else { return [] }
        guard let calls = options.external_calls else {
            throw .null("external_calls, with an external_call_count of \(options.external_call_count),")
        }
        guard Int(options.anchor_mode) == TG_ANCHOR_NONE else {
            throw Failure(
                TG_E_INVALID_ARGUMENT, "an anchor (anchor_mode \(options.anchor_mode)) together with external_calls")
        }
        guard (1...65_536).contains(options.external_call_count) else {
            throw Failure(
                TG_E_INVALID_ARGUMENT,
                "external_call_count \(UInt(bitPattern: options.external_call_count)) is above 65536")
        }
        var names: [String] = []
        for index in 0..<options.external_call_count { names.append(try text(calls[index], "external_calls[…]")) }
        return names
    }

    /// How many tokens of one anchor may be inside at once; nil for no limit.
    private static func atOnce(_ options: tg_operation_options) throws(Failure) -> Int? {
        guard options.anchor_at_once != 0 else { return nil }
        guard Int(options.anchor_mode) != TG_ANCHOR_NONE else {
            throw Failure(TG_E_INVALID_ARGUMENT, "anchor_at_once \(options.anchor_at_once) without an anchor")
        }
        return Int(options.anchor_at_once)
    }

    private static func fixedKey(_ options: tg_operation_options) throws(Failure) -> [UInt8] {
        guard Int(options.anchor_mode) == TG_ANCHOR_FIXED else {
            if options.anchor != nil || options.anchor_size != 0 {
                throw Failure(TG_E_INVALID_ARGUMENT, "an anchor is given, but anchor_mode is \(options.anchor_mode)")
            }
            return []
        }
        return Array(try keyBytes(options.anchor, options.anchor_size))
    }
}

/// The bytes of an anchor's key.
func keyBytes(_ anchor: UnsafeRawPointer?, _ size: Int) throws(Failure) -> UnsafeRawBufferPointer {
    guard let anchor else { throw .null("anchor") }
    guard (1...Int(Int32.max)).contains(size) else {
        throw Failure(TG_E_INVALID_ARGUMENT, "anchor_size \(size) is not in 1...\(Int32.max)")
    }
    return UnsafeRawBufferPointer(start: anchor, count: size)
}

extension Weight {
    /// From `TG_WEIGHT_…`.
    init(number: Int32) throws(Failure) {
        switch Int(number) {
        case TG_WEIGHT_DEFAULT, TG_WEIGHT_MEDIUM: self = .medium
        case TG_WEIGHT_LIGHT: self = .light
        case TG_WEIGHT_HEAVY: self = .heavy
        default: throw Failure(TG_E_INVALID_ARGUMENT, "weight \(number) is not TG_WEIGHT_…")
        }
    }
}

@c @implementation
package func tg_operation_create(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ body: tg_body?,
    _ options: UnsafePointer<tg_operation_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    let given = Given(options)
    let owner = Owned.of(given.value.user_data, given.value.destroy_user_data)
    return attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        let name = try operationName(operation_type)
        guard let body else { throw .null("body") }
        let options = try given.checked()
        let out = try required(out, "out")
        let shared = Body(body, options.user_data, owner)
        out.pointee = Handles.make(try CallableOperation(name, shared, options, on: coordinator), .operation)
    }
}

@c @implementation
package func tg_operation_destroy(_ handle: OpaquePointer?, _ error: UnsafeMutablePointer<tg_error>?) -> tg_status {
    attempt(error) { () throws(Failure) in
        guard let handle else { return }
        _ = try Handles.destroy(handle, .operation, "operation", as: CallableOperation.self)
    }
}
