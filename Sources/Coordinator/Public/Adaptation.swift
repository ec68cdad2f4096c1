//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import TokenCore

extension Configuration {
    /// Whether a coordinator follows what its bodies do.
    public struct Adaptation: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable { case automatic, off }
        private let kind: Kind

        /// Where bodies block without saying so (sleep, I/O, locks of others) while tokens wait, their crew runs up to
        /// `workersPerCore` of them at once, and goes back to one when they compute, or nothing waits.
        ///
        /// A thread of its own (`tg-adapt`) looks every 10 ms while anything runs, every 640 ms while nothing does. The default.
        public static let automatic = Adaptation(kind: .automatic)
        /// Each crew runs one body at a time, those aside that wait for tokens.
        public static let off = Adaptation(kind: .off)

        /// The name.
        public var description: String { kind.rawValue }
    }
}

extension Statistics {
    /// The threads of one kind in a core domain that run bodies on its core.
    public struct Crew: Sendable, Hashable, Encodable {
        /// `standard` or `heavy`.
        public let name: String
        /// How many may run at once now, 1…`cap`; follows what bodies do (``Configuration/Adaptation``).
        public let target: Int
        /// `workersPerCore`.
        public let cap: Int
        /// How many run, or are about to: neither idle, nor blocked in a wait, nor overrun.
        public let active: Int
        /// Share of the last sample's time, 0…1, for which running bodies were blocked.
        ///
        /// Measured while something waits or more than one may run; else, and where it cannot be read, nil.
        public let blockedShare: Double?
    }

    /// Whether the number of threads follows what bodies do.
    public struct Adaptation: Sendable, Hashable, Encodable, CustomStringConvertible {
        private enum Kind: String, Sendable, Encodable { case off, measuring, unreadable, withoutThread }
        private let kind: Kind

        /// It is off, or the coordinator has not started.
        public static let off = Adaptation(kind: .off)
        /// It does.
        public static let measuring = Adaptation(kind: .measuring)
        /// It cannot: the system does not tell what threads do with their time.
        public static let unreadable = Adaptation(kind: .unreadable)
        /// It cannot: the system refused the thread that looks.
        public static let withoutThread = Adaptation(kind: .withoutThread)

        init(_ status: Adapter.Status?) {
            kind =
                switch status {
                case nil, .off: .off
                case .measuring: .measuring
                case .unreadable: .unreadable
                case .noThread: .withoutThread
                }
        }

        private init(kind: Kind) { self.kind = kind }

        /// The state's name.
        public var description: String { kind.rawValue }

        /// Writes the name.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(kind.rawValue)
        }
    }
}

extension Engine {
    /// The crews of a domain that adapt, as they are now.
    func crewStatistics(_ domain: Domain) -> [Statistics.Crew] {
        [CrewKind.standard, .heavy].map { kind in
            let crew = domain[kind]
            return crew.state.withLock {
                Statistics.Crew(
                    name: "\(kind)", target: $0.target, cap: crew.cap, active: max(0, $0.active),
                    blockedShare: $0.blockedShare)
            }
        }
    }
}
