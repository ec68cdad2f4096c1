//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
package import CTokenGate
internal import TokenCore

/// Why a call failed, on its way to the caller's `tg_error`.
struct Failure: Error {
    let status: tg_status
    let message: String
    var bodyStatus: Int32 = 0
    /// Of what failed first.
    var cause = tg_status(TG_OK)

    init(_ code: Int, _ message: String, bodyStatus: Int32 = 0) {
        status = tg_status(truncatingIfNeeded: code)
        self.message = message
        self.bodyStatus = bodyStatus
    }

    init(_ error: TokenError) {
        // What the machine says is closer to the matter than what the coordinator makes of it.
        switch error.cause {
        case let cause as AffinityError: self.init(Status.of(cause.code), "\(error.message): \(cause.message)")
        case let cause? where error.code == .dependencyFailed:
            let first = Failure(cause)
            self.init(Status.of(error.code), "\(error.message): \(first.message)", bodyStatus: first.bodyStatus)
            self.cause = first.status
        case let cause?: self.init(Status.of(error.code), "\(error.message): \(cause)")
        case nil: self.init(Status.of(error.code), error.message)
        }
    }

    init(_ error: AffinityError) { self.init(Status.of(error.code), error.message) }

    /// What a token ended with that did not complete.
    init(_ error: any Error) {
        switch error {
        case let error as BodyFailure:
            self.init(TG_E_BODY_FAILED, "\(error)", bodyStatus: error.status)
        case let error as TokenError: self.init(error)
        default: self.init(TG_E_INTERNAL, "\(error)")
        }
    }

    static func null(_ name: String) -> Failure { Failure(TG_E_NULL_ARGUMENT, "\(name) is NULL") }
}

/// Numbers and words of `tg_status`.
enum Status {
    static func of(_ code: TokenError.Code) -> Int {
        switch code {
        case .invalidOperationType: TG_E_INVALID_OPERATION_TYPE
        case .invalidConfiguration: TG_E_INVALID_CONFIGURATION
        case .invalidArgument: TG_E_INVALID_ARGUMENT
        case .tooManyOperationTypes: TG_E_TOO_MANY_OPERATION_TYPES
        case .coordinatorStopped: TG_E_STOPPED
        case .killed: TG_E_KILLED
        case .discarded: TG_E_DISCARDED
        case .timedOut: TG_E_TIMED_OUT
        case .waitTimedOut: TG_E_WAIT_TIMED_OUT
        case .threadUnavailable: TG_E_THREAD_UNAVAILABLE
        case .overloaded: TG_E_OVERLOADED
        case .operationBlocked: TG_E_BLOCKED
        case .dependencyFailed: TG_E_DEPENDENCY_FAILED
        case .fileFailed: TG_E_SYSTEM
        default: TG_E_INTERNAL
        }
    }

    static func of(_ code: AffinityError.Code) -> Int {
        switch code {
        case .threadUnavailable: TG_E_THREAD_UNAVAILABLE
        case .topologyUnavailable, .malformedFile, .affinityUnavailable: TG_E_SYSTEM
        default: TG_E_INVALID_CONFIGURATION
        }
    }

    /// A status' name and its sentence, for the life of the process.
    struct Words: @unchecked Sendable {
        let name: UnsafePointer<CChar>
        let message: UnsafePointer<CChar>

        init(_ name: StaticString, _ message: StaticString) {
            func words(_ text: StaticString) -> UnsafePointer<CChar> {
                UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
            }
            (self.name, self.message) = (words(name), words(message))
        }
    }

    static func words(_ status: tg_status) -> Words { known[Int(status)] ?? unknown }

    private static let unknown = Words("TG_E_UNKNOWN", "a status that this version of the library does not know")
    private static let known: [Int: Words] = [
        TG_OK: Words("TG_OK", "success"),
        TG_E_NULL_ARGUMENT: Words("TG_E_NULL_ARGUMENT", "a pointer is NULL that must not be"),
        TG_E_INVALID_HANDLE: Words("TG_E_INVALID_HANDLE", "the handle was destroyed, or is of another kind"),
        TG_E_STRUCT_SIZE: Words("TG_E_STRUCT_SIZE", "a struct_size is too small, or its unknown rest is not zero"),
        TG_E_INVALID_ARGUMENT: Words("TG_E_INVALID_ARGUMENT", "a value is outside its range"),
        TG_E_INVALID_CONFIGURATION: Words(
            "TG_E_INVALID_CONFIGURATION", "a value of the configuration is outside its range, or cannot be had here"),
        TG_E_INVALID_OPERATION_TYPE: Words(
            "TG_E_INVALID_OPERATION_TYPE", "an operation type is empty, longer than 255 bytes, or no UTF-8"),
        TG_E_TOO_MANY_OPERATION_TYPES: Words(
            "TG_E_TOO_MANY_OPERATION_TYPES", "the process has 65,536 operation types already"),
        TG_E_STOPPED: Words("TG_E_STOPPED", "the coordinator has stopped"),
        TG_E_KILLED: Words("TG_E_KILLED", "the token was killed"),
        TG_E_DISCARDED: Words("TG_E_DISCARDED", "the token was discarded while it waited"),
        TG_E_TIMED_OUT: Words("TG_E_TIMED_OUT", "the token ran out of time"),
        TG_E_WAIT_TIMED_OUT: Words("TG_E_WAIT_TIMED_OUT", "the time of the wait passed first"),
        TG_E_THREAD_UNAVAILABLE: Words("TG_E_THREAD_UNAVAILABLE", "the system refused to create a thread"),
        TG_E_BODY_FAILED: Words("TG_E_BODY_FAILED", "the body returned another number than 0"),
        TG_E_NOT_SETTLED: Words("TG_E_NOT_SETTLED", "the token is not settled yet"),
        TG_E_NOT_AVAILABLE: Words("TG_E_NOT_AVAILABLE", "there is no such thing"),
        TG_E_NOT_ALLOWED_HERE: Words("TG_E_NOT_ALLOWED_HERE", "not allowed from a body, or from a callback"),
        TG_E_BUFFER_TOO_SMALL: Words("TG_E_BUFFER_TOO_SMALL", "what is to be written does not fit"),
        TG_E_FORKED: Words("TG_E_FORKED", "the library cannot be used in a child of fork()"),
        TG_E_SYSTEM: Words("TG_E_SYSTEM", "a system call failed"),
        TG_E_INTERNAL: Words("TG_E_INTERNAL", "a fault of the library"),
        TG_E_OVERLOADED: Words(
            "TG_E_OVERLOADED", "the coordinator, or the operation, has as many live tokens as its capacity allows"),
        TG_E_BLOCKED: Words("TG_E_BLOCKED", "the operation is blocked, by hand or by its circuit breaker"),
        TG_E_DEPENDENCY_FAILED: Words(
            "TG_E_DEPENDENCY_FAILED", "a token that this one was to come after did not complete"),
    ]
}

@c @implementation
package func tg_status_name(_ status: tg_status) -> UnsafePointer<CChar>? { Status.words(status).name }

@c @implementation
package func tg_status_message(_ status: tg_status) -> UnsafePointer<CChar>? { Status.words(status).message }
