//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CForeign
package import CTokenGate
internal import TokenCore

/// The token that a handle points to, as long as the caller's reference lasts.
@inline(__always)
func tokenOf(_ handle: OpaquePointer?) throws(Failure) -> Unmanaged<Token> {
    guard let handle else { throw .null("token") }
    let address = UnsafeRawPointer(handle)
    guard UInt(bitPattern: handle) % UInt(MemoryLayout<UInt>.alignment) == 0,
        HandleKind(rawValue: address.load(as: UInt.self)) == nil
    else { throw Failure(TG_E_INVALID_HANDLE, "token \(handle) is no token") }
    return .fromOpaque(address)
}

/// What became of a settled token: the status, and the value where there is one.
func result(of token: Token) -> (failure: Failure?, value: tg_value) {
    switch token.outcomeOnceSettled {
    case .success(let outcome): (nil, outcome.value)
    case .failure(let error): (Failure(error), (error as? BodyFailure)?.outcome.value ?? tg_value())
    }
}

private func giveResult(_ token: Token, _ value: UnsafeMutablePointer<tg_value>?) throws(Failure) {
    let result = result(of: token)
    if let failure = result.failure {
        if Int(failure.status) == TG_E_BODY_FAILED { value?.pointee = result.value }
        throw failure
    }
    value?.pointee = result.value
}

@c @implementation
package func tg_token_retain(_ token: OpaquePointer?) -> tg_status {
    attempt { () throws(Failure) in _ = try tokenOf(token).retain() }
}

@c @implementation
package func tg_token_release(_ token: OpaquePointer?) -> tg_status {
    attempt { () throws(Failure) in if token != nil { try tokenOf(token).release() } }
}

@c @implementation
package func tg_token_release_many(_ tokens: UnsafePointer<OpaquePointer?>?, _ count: Int) -> tg_status {
    attempt { () throws(Failure) in
        let tokens = try list(tokens, count)
        for token in tokens where token != nil { _ = try tokenOf(token) }
        for token in tokens where token != nil { try tokenOf(token).release() }
    }
}

/// An array from C.
private func list(_ tokens: UnsafePointer<OpaquePointer?>?, _ count: Int) throws(Failure) -> UnsafeBufferPointer<
    OpaquePointer?
> {
    guard (0...mostAtOnce).contains(count) else {
        throw Failure(TG_E_INVALID_ARGUMENT, "count \(count) is not in 0...\(mostAtOnce)")
    }
    guard tokens != nil || count == 0 else { throw .null("tokens") }
    return UnsafeBufferPointer(start: tokens, count: count)
}

@c @implementation
package func tg_token_state(_ token: OpaquePointer?) -> Int32 {
    number { () throws(Failure) in try tokenOf(token).takeUnretainedValue().state.number }
}

extension TokenState {
    /// `TG_STATE_…`.
    var number: Int32 {
        switch self {
        case .created: Int32(TG_STATE_CREATED)
        case .waiting: Int32(TG_STATE_WAITING)
        case .admitted: Int32(TG_STATE_ADMITTED)
        case .executing: Int32(TG_STATE_EXECUTING)
        case .completed: Int32(TG_STATE_COMPLETED)
        case .failed: Int32(TG_STATE_FAILED)
        case .killed: Int32(TG_STATE_KILLED)
        case .timedOut: Int32(TG_STATE_TIMED_OUT)
        }
    }
}

@c @implementation
package func tg_token_attempts(_ token: OpaquePointer?) -> Int32 {
    number { () throws(Failure) in Int32(clamping: try tokenOf(token).takeUnretainedValue().attempts) }
}

@c @implementation
package func tg_token_get_id(_ token: OpaquePointer?, _ out: UnsafeMutablePointer<tg_token_id>?) -> tg_status {
    attempt { () throws(Failure) in
        let token = try tokenOf(token)
        try required(out, "out").pointee = tg_token_id(token.takeUnretainedValue().id)
    }
}

@c @implementation
package func tg_token_get_seed(_ token: OpaquePointer?, _ out: UnsafeMutablePointer<UInt8>?) -> tg_status {
    attempt { () throws(Failure) in
        let token = try tokenOf(token)
        try write(token.takeUnretainedValue().seed, to: required(out, "out"))
    }
}

@c @implementation
package func tg_token_status_json(
    _ token: OpaquePointer?, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let token = try tokenOf(token).takeUnretainedValue()
        try required(out, "out").pointee = copied(try json(token.status()))
    }
}

@c @implementation
package func tg_token_kill(_ token: OpaquePointer?, _ settled: UnsafeMutablePointer<Int32>?) -> tg_status {
    attempt { () throws(Failure) in
        let won = try tokenOf(token).takeUnretainedValue().kill()
        settled?.pointee = won ? 1 : 0
    }
}

@c @implementation
package func tg_token_result(
    _ token: OpaquePointer?, _ value: UnsafeMutablePointer<tg_value>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let token = try tokenOf(token).takeUnretainedValue()
        guard token.isSettled else { throw Failure(TG_E_NOT_SETTLED, "\(token) is not settled") }
        try giveResult(token, value)
    }
}

@c @implementation
package func tg_token_wait(
    _ token: OpaquePointer?, _ timeout: Int64, _ value: UnsafeMutablePointer<tg_value>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let token = try tokenOf(token).takeUnretainedValue()
        let timeout = try duration(timeout, "timeout")
        try refuseInCallback()
        do { try token.blockUntilSettled(timeout: timeout) } catch { throw Failure(error) }
        try giveResult(token, value)
    }
}

@c @implementation
package func tg_token_wait_all(
    _ tokens: UnsafePointer<OpaquePointer?>?, _ count: Int, _ timeout: Int64, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let tokens = try list(tokens, count)
        for token in tokens { _ = try tokenOf(token) }
        let timeout = try duration(timeout, "timeout")
        try refuseInCallback()
        do throws(TokenError) {
            let deadline = try deadline(after: timeout)
            for token in tokens {
                guard let token else { continue }
                try Unmanaged<Token>.fromOpaque(UnsafeRawPointer(token)).takeUnretainedValue()
                    .blockUntilSettled(deadline: deadline, timeout: timeout)
            }
        } catch {
            throw Failure(error)
        }
    }
}

/// Calls back when the token is settled; then lets the user's data go.
func notify(
    _ token: Token, _ callback: @escaping @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Void,
    _ userData: UnsafeMutableRawPointer?, _ owner: Owned?
) {
    let registration = Registration(token, callback, userData, owner)
    token.onSettled { registration.call() }
}

/// One callback, to be called once.
private final class Registration: @unchecked Sendable {
    // Not a reference: the token holds this. It is there while it tells its waiters.
    private let token: Unmanaged<Token>
    private let callback: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Void
    private let userData: UnsafeMutableRawPointer?
    private let owner: Owned?

    init(
        _ token: Token, _ callback: @escaping @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Void,
        _ userData: UnsafeMutableRawPointer?, _ owner: Owned?
    ) {
        self.token = .passUnretained(token)
        self.callback = callback
        self.userData = userData
        self.owner = owner
    }

    /// Also where the caller is a body: the callback is not part of it.
    func call() { BodyFrame.outside { callingBack { callback(OpaquePointer(token.toOpaque()), userData) } } }
}

@c @implementation
package func tg_token_notify(
    _ token: OpaquePointer?, _ callback: tg_on_settled?, _ user_data: UnsafeMutableRawPointer?,
    _ destroy_user_data: tg_destroy?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    let owner = Owned.of(user_data, destroy_user_data)
    return attempt(error) { () throws(Failure) in
        let token = try tokenOf(token).takeUnretainedValue()
        guard let callback else { throw .null("callback") }
        notify(token, callback, user_data, owner)
    }
}
