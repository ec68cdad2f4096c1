//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What one repetition of a contender gave.
package struct Sample: Sendable {
    /// What the work amounted to; must be the workload's `checksum`.
    package var checksum: UInt64
    /// One value for each of the workload's metrics, in their order.
    package var values: [Double]

    package init(checksum: UInt64, _ values: Double...) {
        self.checksum = checksum
        self.values = values
    }

    package init(checksum: UInt64, values: [Double]) {
        self.checksum = checksum
        self.values = values
    }
}

/// What a row of the table stands for.
package enum Standing: String, Sendable, Codable {
    /// TokenGate.
    case ours
    /// Another runtime.
    case peer
    /// No runtime at all: the limit, or what one would write without one.
    case reference
}

/// One way to do a workload's work.
///
/// `measure` makes its threads, warms up, measures once and takes its threads down again, so that no contender runs
/// beside another one's idle threads. It is called once for each repetition, not on the main thread.
package protocol Contender<Input>: Sendable {
    /// The workload's parameters.
    associatedtype Input: Sendable

    /// Its name in the table.
    var name: String { get }
    var standing: Standing { get }
    /// Why it cannot run here; nil when it can.
    var absence: String? { get }
    /// Runs one repetition.
    func measure(_ input: Input) async throws -> Sample
}

extension Contender {
    package var standing: Standing { .peer }
    package var absence: String? { nil }
}
