//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What went wrong while reading the machine or placing a thread, in a form a program can match and a person can read.
public struct AffinityError: Error, Sendable, CustomStringConvertible {
    /// The kind of error.
    ///
    /// New codes may be added in any version: switch with a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable, Hashable {
            case invalidCPUList, invalidCPUMask, cpuOutOfRange, cpuNotAllowed, emptyCPUSet, invalidArgument
            case topologyUnavailable, malformedFile, threadUnavailable, affinityUnavailable
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The code's name, as it is spelled in Swift.
        public var description: String { kind.rawValue }

        /// Text that is not a CPU list such as `0-3,8`.
        public static let invalidCPUList = Code(.invalidCPUList)
        /// Text that is not a CPU mask such as `ff,00000000`.
        public static let invalidCPUMask = Code(.invalidCPUMask)
        /// A CPU number below 0 or above ``CPUSet/maximumCPU``.
        public static let cpuOutOfRange = Code(.cpuOutOfRange)
        /// A CPU that does not exist, is offline, or that the process may not use.
        public static let cpuNotAllowed = Code(.cpuNotAllowed)
        /// A set without a CPU where at least one is needed.
        public static let emptyCPUSet = Code(.emptyCPUSet)
        /// An argument out of its range.
        public static let invalidArgument = Code(.invalidArgument)
        /// No CPU is described under the root: `sys/devices/system/cpu` is absent or unreadable.
        public static let topologyUnavailable = Code(.topologyUnavailable)
        /// A file of the tree that says something that cannot be understood.
        public static let malformedFile = Code(.malformedFile)
        /// The system refused to create a thread.
        public static let threadUnavailable = Code(.threadUnavailable)
        /// The system would not tell the mask of a thread.
        public static let affinityUnavailable = Code(.affinityUnavailable)
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
