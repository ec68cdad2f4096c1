//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// How much processor time a call of an operation is expected to take: a preference for routing, not a wall.
///
/// Heavy tokens fill the core domains from the front, light ones from the back, medium ones from the second on; each
/// spills over when its own are busy. Heavy bodies run on threads of a higher nice value, so a light token runs beside
/// one at once.
public enum Weight: String, Sendable, Hashable, CaseIterable, Codable {
    /// Microseconds: wanted at once, never made to wait for a heavy body.
    case light
    /// The default.
    case medium
    /// Milliseconds and more of processor time.
    case heavy
}
