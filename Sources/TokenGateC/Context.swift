//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CForeign
package import CTokenGate
internal import TokenCore

/// What a running body's `tg_context` points to: on its thread's stack, as long as it runs.
struct BodyContext {
    private var magic: UInt
    private let thread: UnsafeMutablePointer<tgf_thread>
    fileprivate let body: Unmanaged<Body>

    private static let magic = HandleKind.context.rawValue

    /// Calls `work` with a new context as the thread's innermost.
    @inline(__always)
    static func with(_ body: Body, _ work: (OpaquePointer) -> Int32) -> Int32 {
        let thread = tgf_self().unsafelyUnwrapped
        let outer = thread.pointee
        var context = BodyContext(magic: magic, thread: thread, body: .passUnretained(body))
        let status = withUnsafeMutablePointer(to: &context) { pointer in
            thread.pointee = tgf_thread(context: pointer, callbacks: 0)
            let status = work(OpaquePointer(pointer))
            // Who has kept it finds that it is over.
            pointer.pointee.magic = HandleKind.gone.rawValue
            return status
        }
        thread.pointee = outer
        return status
    }

    /// The context of the innermost body that runs on this thread.
    fileprivate static func check(_ handle: OpaquePointer?) throws(Failure) -> BodyContext {
        guard let handle else { throw .null("context") }
        let pointer = UnsafePointer<BodyContext>(handle)
        // The first word alone: another kind of handle may have no more.
        guard UInt(bitPattern: handle) % UInt(MemoryLayout<BodyContext>.alignment) == 0,
            UnsafeRawPointer(handle).load(as: UInt.self) == magic, pointer.pointee.thread == tgf_self(),
            tgf_self().unsafelyUnwrapped.pointee.context == UnsafeMutableRawPointer(handle)
        else {
            throw Failure(
                TG_E_INVALID_HANDLE, "context \(handle) is not that of the innermost body on this thread")
        }
        return pointer.pointee
    }
}

/// Calls one of the user's callbacks: it belongs to no body.
func callingBack(_ work: () -> Void) {
    let thread = tgf_self().unsafelyUnwrapped
    let outer = thread.pointee
    thread.pointee = tgf_thread(context: nil, callbacks: outer.callbacks + 1)
    work()
    thread.pointee = outer
}

/// For what would block the thread of others.
func refuseInCallback() throws(Failure) {
    guard tgf_self().unsafelyUnwrapped.pointee.callbacks == 0 else {
        throw Failure(TG_E_NOT_ALLOWED_HERE, "a callback must not wait")
    }
}

/// What the engine knows of the body of a context.
private func current(_ handle: OpaquePointer?) throws(Failure) -> TokenContext {
    _ = try BodyContext.check(handle)
    guard let context = TokenContext.current else {
        throw Failure(TG_E_INVALID_HANDLE, "no body runs on this thread")
    }
    return context
}

/// A number that is not negative, or a status.
func number<Number: FixedWidthInteger & SignedInteger>(
    _ read: () throws(Failure) -> Number
) -> Number {
    var number: Number = 0
    let status = attempt { () throws(Failure) in number = try read() }
    return status == 0 ? number : Number(status)
}

@c @implementation
package func tg_context_current() -> OpaquePointer? {
    tgf_self().unsafelyUnwrapped.pointee.context.map { OpaquePointer($0) }
}

@c @implementation
package func tg_context_user_data(_ context: OpaquePointer?) -> UnsafeMutableRawPointer? {
    guard let context = try? BodyContext.check(context) else { return nil }
    return context.body.takeUnretainedValue().data
}

@c @implementation
package func tg_context_is_cancelled(_ context: OpaquePointer?) -> Int32 {
    number { () throws(Failure) in try current(context).isCancelled ? 1 : 0 }
}

@c @implementation
package func tg_context_is_draining(_ context: OpaquePointer?) -> Int32 {
    number { () throws(Failure) in try current(context).isDraining ? 1 : 0 }
}

@c @implementation
package func tg_context_time_left(_ context: OpaquePointer?) -> Int64 {
    number { () throws(Failure) in
        try current(context).timeRemaining.map { Int64(clampedAdding: $0, to: 0) } ?? .max
    }
}

@c @implementation
package func tg_context_attempt(_ context: OpaquePointer?) -> Int32 {
    number { () throws(Failure) in Int32(clamping: try current(context).attempt) }
}

@c @implementation
package func tg_context_domain(_ context: OpaquePointer?) -> Int32 {
    number { () throws(Failure) in Int32(try current(context).domain) }
}

@c @implementation
package func tg_context_get_id(_ context: OpaquePointer?, _ out: UnsafeMutablePointer<tg_token_id>?) -> tg_status {
    attempt { () throws(Failure) in
        let out = try required(out, "out")
        out.pointee = tg_token_id(try current(context).id)
    }
}

@c @implementation
package func tg_context_get_seed(_ context: OpaquePointer?, _ out: UnsafeMutablePointer<UInt8>?) -> tg_status {
    attempt { () throws(Failure) in
        let out = try required(out, "out")
        try write(try current(context).seed, to: out)
    }
}

@c @implementation
package func tg_context_get_seed_hex(_ context: OpaquePointer?, _ out: UnsafeMutablePointer<CChar>?) -> tg_status {
    attempt { () throws(Failure) in
        let out = try required(out, "out")
        guard let seed = try current(context).seed else { throw noSeed }
        for (index, digit) in seed.description.utf8.enumerated() { out[index] = CChar(bitPattern: digit) }
        out[64] = 0
    }
}

private var noSeed: Failure { Failure(TG_E_NOT_AVAILABLE, "the token does not belong to a lead, so it has no seed") }

/// The 32 bytes of a seed.
func write(_ seed: Seed?, to out: UnsafeMutablePointer<UInt8>) throws(Failure) {
    guard let seed else { throw noSeed }
    for (index, byte) in seed.bytes.enumerated() { out[index] = byte }
}

extension tg_token_id {
    init(_ id: TokenID) { self.init(origin: id.origin, sequence: id.sequence) }
}
