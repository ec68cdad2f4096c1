//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What went wrong, in a form that a program can match and a person can read.
///
/// Errors that a body throws reach the awaiting caller as they are; a `TokenError` is what TokenGate itself has to say.
public struct TokenError: Error, Sendable, CustomStringConvertible {
    /// The kind of error.
    ///
    /// New codes may be added in any version: switch with a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable, Hashable {
            case invalidOperationType, invalidConfiguration, invalidArgument, tooManyOperationTypes
            case noCoordinator, coordinatorStopped, killed, discarded, timedOut, waitTimedOut, threadUnavailable
            case overloaded, operationBlocked, dependencyFailed, fileFailed
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The code's name, as it is spelled in Swift.
        public var description: String { kind.rawValue }

        /// An operation type that is empty, or longer than 255 UTF-8 bytes.
        public static let invalidOperationType = Code(.invalidOperationType)
        /// A configuration value out of its range.
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// An argument out of its range.
        public static let invalidArgument = Code(.invalidArgument)
        /// More than 65,536 distinct operation types in one process.
        public static let tooManyOperationTypes = Code(.tooManyOperationTypes)
        /// A token was made where no coordinator is to be found: none given, none running the caller, no default.
        public static let noCoordinator = Code(.noCoordinator)
        /// The coordinator stopped before the token was done.
        public static let coordinatorStopped = Code(.coordinatorStopped)
        /// The token was killed.
        public static let killed = Code(.killed)
        /// The token was discarded while it waited.
        public static let discarded = Code(.discarded)
        /// The token's own time limit passed.
        public static let timedOut = Code(.timedOut)
        /// The time of a `wait(timeout:)` passed; the token itself goes on.
        public static let waitTimedOut = Code(.waitTimedOut)
        /// The coordinator had as many live tokens as its capacity allows.
        public static let overloaded = Code(.overloaded)
        /// The operation is blocked, by its breaker or by hand.
        public static let operationBlocked = Code(.operationBlocked)
        /// A token that this one was to come after did not complete.
        public static let dependencyFailed = Code(.dependencyFailed)
        /// The system refused to create a thread.
        public static let threadUnavailable = Code(.threadUnavailable)
        /// A file could not be written; the cause is the system's error.
        public static let fileFailed = Code(.fileFailed)
    }

    /// The kind of error.
    public let code: Code
    /// One sentence that names the offending value.
    public let message: String
    /// The error behind this one, where there is one.
    public let cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// `code: message`, then the cause.
    public var description: String {
        cause.map { "\(code): \(message) (\($0))" } ?? "\(code): \(message)"
    }
}
