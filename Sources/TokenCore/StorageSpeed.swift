//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// The storage tier of an operation: how many of its kind the storage below can take at once.
///
/// Tokens of a tier run on threads of their own, never more at a time than the tier's limit; a token that waits for a
/// permit occupies no thread.
public enum StorageSpeed: String, Sendable, Hashable, CaseIterable, Codable {
    /// Spinning disks, network shares: 10 at once by default.
    case slow
    /// Ordinary SSDs: 25 at once by default.
    case moderate
    /// NVMe: 50 at once by default.
    case fast
    /// Memory-backed or striped storage: 70 at once by default.
    case insane

    /// The limit that holds unless the configuration says otherwise, in bodies at once.
    public var defaultLimit: Int {
        switch self {
        case .slow: 10
        case .moderate: 25
        case .fast: 50
        case .insane: 70
        }
    }
}
