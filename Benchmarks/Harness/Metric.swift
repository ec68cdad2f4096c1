//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// One figure that a workload takes of each contender.
package struct Metric: Sendable, Codable {
    /// Which way is up.
    package enum Better: String, Sendable, Codable { case lower, higher }

    /// Its name in the table's head and in the JSON.
    package let name: String
    /// Its unit; empty for a bare number.
    package let unit: String
    package let better: Better

    package init(_ name: String, _ unit: String, _ better: Better) {
        self.name = name
        self.unit = unit
        self.better = better
    }

    /// How many times `ours` is ahead of `peer`: above 1 we are, below 1 they are.
    func ratio(ours: Double, peer: Double) -> Double? {
        guard ours > 0, peer > 0 else { return nil }
        return better == .lower ? peer / ours : ours / peer
    }
}
