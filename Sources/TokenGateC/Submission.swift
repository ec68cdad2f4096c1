//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
package import CTokenGate
internal import TokenCore

/// What a handle of a token points to.
typealias Token = TaskToken<Outcome>

extension CallableOperation {
    /// Submits one call; gives the caller a reference where one is wanted.
    @inline(__always)
    @discardableResult
    fileprivate func submit(
        _ call: Call, _ key: UnsafeRawBufferPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?,
        within patience: Patience = .none, asking: AskingOperation? = nil
    ) throws(Failure) -> Token {
        let token: Token
        if let asking {
            token = try asking.submit(call, key, within: patience)
        } else {
            switch entry {
            case .plain(let operation): token = patience.call(operation, call)
            case .anchored(let operation):
                guard let key else { throw Self.missingAnchor }
                token = patience.call(operation, AnchoredCall(call: call, key: BorrowedKey(bytes: key)))
            }
        }
        if let out { out.pointee = OpaquePointer(Unmanaged.passRetained(token).toOpaque()) }
        return token
    }

    static var missingAnchor: Failure {
        Failure(TG_E_NULL_ARGUMENT, "the operation has an anchor for each call, and options give none")
    }

    /// What options ask for beyond the submission itself; nil where that is nothing.
    @inline(__always)
    fileprivate func asking(_ options: tg_submit_options) throws(Failure) -> AskingOperation? {
        options.askForMore ? try AskingOperation(self, options) : nil
    }

    /// The key that options give, where the operation wants one.
    fileprivate func key(_ options: tg_submit_options) throws(Failure) -> UnsafeRawBufferPointer? {
        if case .anchored = entry { return try keyBytes(options.anchor, options.anchor_size) }
        guard options.anchor == nil, options.anchor_size == 0 else {
            throw Failure(TG_E_INVALID_ARGUMENT, "an anchor is given to an operation without TG_ANCHOR_PER_CALL")
        }
        return nil
    }
}

/// How long a submission may wait for a place.
enum Patience {
    case none
    /// Until then, in monotonic nanoseconds; nil: without limit.
    case until(Int64?)

    /// From `place_timeout`.
    static func of(_ nanoseconds: Int64) throws(Failure) -> Patience {
        if nanoseconds == 0 { return .none }
        let timeout = try duration(nanoseconds, "place_timeout")
        try refuseInCallback()
        return .until(timeout.map { Int64(clampedAdding: $0, to: tge_now_ns()) })
    }

    @inline(__always)
    func call<Input>(_ operation: TaskTokenGuard<Input, Outcome>, _ input: Input) -> Token {
        guard case .until(let deadline) = self else { return operation(input) }
        let left = deadline.map { Duration.nanoseconds(max(0, $0 - tge_now_ns())) }
        // Where that was not long enough the call comes to nothing in the usual way: its token is refused.
        return (try? operation.submitBlocking(input, timeout: left)) ?? operation(input)
    }

    func call<Input>(_ operation: TaskTokenCall<Input, Outcome>, _ input: Input) -> Token {
        guard case .until(let deadline) = self else { return operation(input) }
        let left = deadline.map { Duration.nanoseconds(max(0, $0 - tge_now_ns())) }
        return (try? operation.submitBlocking(input, timeout: left)) ?? operation(input)
    }
}

/// The operation that a handle stands for.
@inline(__always)
private func operationOf(_ handle: OpaquePointer?) throws(Failure) -> CallableOperation {
    try Handles.borrow(handle, .operation, "operation").takeUnretainedValue()
}

@c @implementation
package func tg_submit(
    _ handle: OpaquePointer?, _ argument: UnsafeMutableRawPointer?, _ options: UnsafePointer<tg_submit_options>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    guard let options else {
        // The usual call.
        return attempt(error) { () throws(Failure) in
            try operationOf(handle).submit(Call(argument: argument, owner: nil), nil, out)
        }
    }
    let given = Given(options)
    let argumentOwner = Owned.of(argument, given.value.destroy_argument)
    let dataOwner = Owned.of(given.value.user_data, given.value.destroy_user_data)
    return attempt(error) { () throws(Failure) in
        let operation = try operationOf(handle)
        let options = try given.checked()
        let key = try operation.key(options)
        let patience = try Patience.of(options.place_timeout)
        let asking = try operation.asking(options)
        let queue = options.queue == nil ? nil : try queueOf(options.queue)
        try queue?.reserve(1)
        var comes = 0
        defer { queue?.giveUp(1 - comes) }
        let token = try operation.submit(
            Call(argument: argument, owner: argumentOwner), key, out, within: patience, asking: asking)
        comes = 1
        if let callback = options.on_settled { notify(token, callback, options.user_data, dataOwner) }
        queue?.add(token, options.tag)
    }
}

@c @implementation
package func tg_submit_many(
    _ handle: OpaquePointer?, _ arguments: UnsafePointer<UnsafeMutableRawPointer?>?, _ count: Int,
    _ options: UnsafePointer<tg_submit_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    let given = Given(options)
    // Each owned from here on, whatever comes: an array only where there is something to do in the end.
    var owners: [Owned?] = []
    if let destroy = given.value.destroy_argument, let arguments, count > 0, count <= mostSubmitted {
        owners = (0..<count).map { Owned.of(arguments[$0], destroy) }
    }
    let dataOwner = Owned.of(given.value.user_data, given.value.destroy_user_data)
    return attempt(error) { () throws(Failure) in
        let operation = try operationOf(handle)
        let options = try given.checked()
        guard (0...mostSubmitted).contains(count) else {
            throw Failure(TG_E_INVALID_ARGUMENT, "count \(UInt(bitPattern: count)) is not in 0...\(mostSubmitted)")
        }
        guard options.on_settled == nil, dataOwner == nil, options.user_data == nil else {
            throw Failure(TG_E_INVALID_ARGUMENT, "on_settled and user_data are for single submissions")
        }
        guard options.key == nil else {
            throw Failure(TG_E_INVALID_ARGUMENT, "a key, of \(options.key_size) bytes, is for single submissions")
        }
        let key = try operation.key(options)
        let asking = try operation.asking(options)
        let queue = options.queue == nil ? nil : try queueOf(options.queue)
        let patience = try Patience.of(options.place_timeout)
        try queue?.reserve(count)
        var comes = 0
        defer { queue?.giveUp(count - comes) }
        for index in 0..<count {
            let call = Call(argument: arguments?[index], owner: owners.isEmpty ? nil : owners[index])
            let token = try operation.submit(call, key, out.map { $0 + index }, within: patience, asking: asking)
            comes += 1
            queue?.add(token, options.tag)
        }
    }
}

/// Calls that one `tg_submit_many` takes.
private let mostSubmitted = 1 << 24

/// More than any memory has room for; a negative number that became a size is above it.
let mostAtOnce = 1 << 40
