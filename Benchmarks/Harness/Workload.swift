//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// How much of everything.
package struct Scale: Sendable {
    /// A run that shows that all works, and whose figures are worth little.
    package let isQuick: Bool

    package init(isQuick: Bool) { self.isQuick = isQuick }

    /// `full`, or in a quick run `quick`.
    package func pick<Value>(_ full: Value, quick: Value) -> Value { isQuick ? quick : full }
}

/// One set of parameters of a workload: one block of the table.
package struct Point<Input: Sendable>: Sendable {
    package let label: String
    package let input: Input

    package init(_ label: String, _ input: Input) {
        self.label = label
        self.input = input
    }
}

/// The same work for several contenders: one folder, one file a contender.
package protocol Workload: Sendable {
    /// Its parameters.
    associatedtype Input: Sendable

    /// Its name for `--workload`.
    var name: String { get }
    /// What it is, in one line.
    var title: String { get }
    /// What is taken of each contender; the first one decides which of ours is compared.
    var metrics: [Metric] { get }
    /// Whether it runs only when it is named.
    var isOptional: Bool { get }
    /// The contenders, ours first.
    var contenders: [any Contender<Input>] { get }
    /// The parameters to run with.
    func points(_ scale: Scale) -> [Point<Input>]
    /// What every contender's work must amount to, computed without any of them.
    func checksum(_ input: Input) -> UInt64
}

extension Workload {
    package var isOptional: Bool { false }
}
