//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

package import CTokenGate
internal import Coordinator
internal import TokenCore

/// Does something to all operations, or to the one that is named.
private func control<Answer>(
    _ handle: OpaquePointer?, _ operationType: UnsafePointer<CChar>?,
    all: (OperationsCoordinator) -> Answer,
    one: (OperationsCoordinator, String) throws(TokenError) -> Answer
) throws(Failure) -> Answer {
    let coordinator = try coordinatorOf(handle)
    guard let operationType else { return all(coordinator) }
    let name = try operationName(operationType)
    do { return try one(coordinator, name) } catch { throw Failure(error) }
}

@c @implementation
package func tg_coordinator_pause(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ changed: UnsafeMutablePointer<Int32>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let answer = try control(
            handle, operation_type, all: { $0.pause() },
            one: { (coordinator, name) throws(TokenError) in try coordinator.pause(name) })
        changed?.pointee = answer ? 1 : 0
    }
}

@c @implementation
package func tg_coordinator_resume(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ changed: UnsafeMutablePointer<Int32>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let answer = try control(
            handle, operation_type, all: { $0.resume() },
            one: { (coordinator, name) throws(TokenError) in try coordinator.resume(name) })
        changed?.pointee = answer ? 1 : 0
    }
}

@c @implementation
package func tg_coordinator_kill(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ settled: UnsafeMutablePointer<UInt64>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let answer = try control(
            handle, operation_type, all: { $0.killAll() },
            one: { (coordinator, name) throws(TokenError) in try coordinator.killAll(name) })
        settled?.pointee = UInt64(answer)
    }
}

@c @implementation
package func tg_coordinator_discard(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ settled: UnsafeMutablePointer<UInt64>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let answer = try control(
            handle, operation_type, all: { $0.discardWaiting() },
            one: { (coordinator, name) throws(TokenError) in try coordinator.discardWaiting(name) })
        settled?.pointee = UInt64(answer)
    }
}

/// Keeps an operation's calls out, or lets them in again.
private func block(
    _ handle: OpaquePointer?, _ operationType: UnsafePointer<CChar>?, _ changed: UnsafeMutablePointer<Int32>?,
    _ act: (OperationsCoordinator, String) throws(TokenError) -> Bool
) throws(Failure) {
    let coordinator = try coordinatorOf(handle)
    let name = try operationName(operationType)
    let answer: Bool
    do { answer = try act(coordinator, name) } catch { throw Failure(error) }
    changed?.pointee = answer ? 1 : 0
}

@c @implementation
package func tg_coordinator_block(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ changed: UnsafeMutablePointer<Int32>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        try block(handle, operation_type, changed) { (coordinator, name) throws(TokenError) in
            try coordinator.block(name)
        }
    }
}

@c @implementation
package func tg_coordinator_unblock(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ changed: UnsafeMutablePointer<Int32>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        try block(handle, operation_type, changed) { (coordinator, name) throws(TokenError) in
            try coordinator.unblock(name)
        }
    }
}

@c @implementation
package func tg_coordinator_set_storage_limit(
    _ handle: OpaquePointer?, _ storage: Int32, _ limit: UInt32, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        guard let speed = try StorageSpeed(number: storage) else {
            throw Failure(TG_E_INVALID_ARGUMENT, "storage \(storage) is no tier")
        }
        do { try coordinator.setStorageLimit(Int(limit), for: speed) } catch { throw Failure(error) }
    }
}

@c @implementation
package func tg_coordinator_set_concurrency_limit(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ limit: Int32,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        let name = try operationName(operation_type)
        let limit = limit == Int32(TG_NONE) ? nil : Int(limit)
        do { try coordinator.setConcurrencyLimit(limit, of: name) } catch { throw Failure(error) }
    }
}

extension StorageSpeed {
    /// From `TG_STORAGE_…`; nil for none.
    init?(number: Int32) throws(Failure) {
        switch Int(number) {
        case TG_STORAGE_NONE: return nil
        case TG_STORAGE_SLOW: self = .slow
        case TG_STORAGE_MODERATE: self = .moderate
        case TG_STORAGE_FAST: self = .fast
        case TG_STORAGE_INSANE: self = .insane
        default: throw Failure(TG_E_INVALID_ARGUMENT, "storage \(number) is not TG_STORAGE_…")
        }
    }
}

/// An operation type from C.
func operationName(_ pointer: UnsafePointer<CChar>?) throws(Failure) -> String {
    guard let pointer else { throw .null("operation_type") }
    guard let name = String(validatingCString: pointer) else {
        throw Failure(TG_E_INVALID_OPERATION_TYPE, "operation_type is no UTF-8")
    }
    return name
}
