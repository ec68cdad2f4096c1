//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

package import CTokenGate
internal import Coordinator
internal import TokenCore

extension ExecutionRecord {
    /// Calls `body` with the record as C sees it.
    fileprivate func withC(_ body: (tg_execution_record) -> Void) {
        var record = tg_execution_record()
        record.struct_size = MemoryLayout<tg_execution_record>.size
        record.number = number
        record.id = tg_token_id(id)
        record.state = state.number
        // What failed without an error of ours is a body.
        record.status = tg_status(
            state == .completed ? TG_OK : code.map { Status.of($0) } ?? TG_E_BODY_FAILED)
        record.submitted_at = submittedAt
        record.started_at = startedAt ?? -1
        record.settled_at = settledAt
        record.attempts = Int32(clamping: attempts)
        record.domain = UInt32(domain ?? 0)
        record.weight = weight.number
        record.storage = storage.number
        record.has_anchor = anchor == nil ? 0 : 1
        record.anchor_hash = anchor ?? 0
        operationType.withCString { name in
            withOptionalCString(error) { error in
                withOptionalCString(worker) { worker in
                    (seed?.bytes ?? []).withUnsafeBufferPointer { bytes in
                        record.operation_type = name
                        record.error = error
                        record.worker = worker
                        record.seed = seed == nil ? nil : bytes.baseAddress
                        body(record)
                    }
                }
            }
        }
    }
}

extension Weight {
    /// `TG_WEIGHT_…`.
    fileprivate var number: Int32 {
        switch self {
        case .light: Int32(TG_WEIGHT_LIGHT)
        case .medium: Int32(TG_WEIGHT_MEDIUM)
        case .heavy: Int32(TG_WEIGHT_HEAVY)
        }
    }
}

extension StorageSpeed? {
    /// `TG_STORAGE_…`.
    fileprivate var number: Int32 {
        switch self {
        case nil: Int32(TG_STORAGE_NONE)
        case .slow: Int32(TG_STORAGE_SLOW)
        case .moderate: Int32(TG_STORAGE_MODERATE)
        case .fast: Int32(TG_STORAGE_FAST)
        case .insane: Int32(TG_STORAGE_INSANE)
        }
    }
}

/// How many records are wanted: a size that is no `Int` is more than there can be.
private func records(of limit: Int) -> Int? { limit < 0 ? nil : limit }

private func history(_ handle: OpaquePointer?, _ limit: Int) throws(Failure) -> [ExecutionRecord] {
    let coordinator = try coordinatorOf(handle)
    do { return try coordinator.history(limit: records(of: limit)) } catch { throw Failure(error) }
}

@c @implementation
package func tg_coordinator_history(
    _ handle: OpaquePointer?, _ limit: Int, _ callback: tg_on_record?, _ user_data: UnsafeMutableRawPointer?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        _ = try coordinatorOf(handle)
        guard let callback else { throw .null("callback") }
        for record in try history(handle, limit) {
            record.withC { record in withUnsafePointer(to: record) { callback($0, user_data) } }
        }
    }
}

@c @implementation
package func tg_coordinator_history_json(
    _ handle: OpaquePointer?, _ limit: Int, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        _ = try coordinatorOf(handle)
        let out = try required(out, "out")
        out.pointee = copied(try json(try history(handle, limit)))
    }
}

@c @implementation
package func tg_coordinator_dump_history(
    _ handle: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ limit: Int, _ written: UnsafeMutablePointer<Int>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        let path = try text(path, "path")
        do {
            let count = try coordinator.dumpHistory(to: path, limit: records(of: limit))
            written?.pointee = count
        } catch { throw Failure(error) }
    }
}
