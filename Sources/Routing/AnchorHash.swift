//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CXXHash
public import TokenCore

/// The name of a sticky anchor inside the machine: XXH3-64 (seed 0, default secret) of the key's bytes.
///
/// The same in every process, version and language. Two keys whose hashes collide share one anchor: they run in the same
/// domain, and in turn where ordered, which is never wrong, only less spread.
public struct AnchorHash: RawRepresentable, Sendable, Hashable {
    /// The 64 bits.
    public let rawValue: UInt64

    /// Takes a hash that was computed elsewhere.
    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Hashes bytes; none at all is a key like any other.
    public init(bytes: UnsafeRawBufferPointer) {
        self.init(rawValue: XXH3_64bits(bytes.baseAddress, bytes.count))
    }

    /// Hashes the key's documented bytes.
    public init(_ key: some AnchorKey) {
        self = key.withAnchorBytes { AnchorHash(bytes: $0) }
    }
}
