//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What came of a run; the JSON file is this.
package struct Results: Codable, Sendable {
    /// All repetitions of one metric of one contender.
    package struct Figure: Codable, Sendable {
        package let metric: String
        package let unit: String
        package let median: Double
        package let min: Double
        package let max: Double
        package let samples: [Double]

        init(_ metric: Metric, _ samples: [Double]) {
            let sorted = samples.sorted()
            let middle = sorted.count / 2
            self.metric = metric.name
            unit = metric.unit
            min = sorted.first ?? 0
            max = sorted.last ?? 0
            median =
                sorted.isEmpty ? 0 : sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
            self.samples = samples
        }
    }

    /// One contender at one point.
    package struct Row: Codable, Sendable {
        package let contender: String
        package let standing: Standing
        /// Why there are no figures: it is not here, or it failed.
        package var skipped: String?
        package var failure: String?
        package var figures: [Figure] = []
        /// How many times ours is ahead of it, for each metric; empty for ours.
        package var ratios: [Double?] = []
    }

    /// All contenders at one point.
    package struct Block: Codable, Sendable {
        package let point: String
        package let checksum: String
        package var rows: [Row]
    }

    /// One workload.
    package struct Section: Codable, Sendable {
        package let workload: String
        package let title: String
        package let metrics: [Metric]
        package var blocks: [Block] = []
    }

    package let environment: Environment
    package let isQuick: Bool
    package let repeats: Int
    package internal(set) var sections: [Section] = []

    /// Every failure, in words.
    package var failures: [String] {
        sections.flatMap { section in
            section.blocks.flatMap { block in
                block.rows.compactMap { row in
                    row.failure.map { "\(section.workload) \(block.point): \(row.contender): \($0)" }
                }
            }
        }
    }
}
