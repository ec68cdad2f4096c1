//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CBenchSupport
internal import Foundation

/// Runs workloads: the repetitions of all contenders interleaved, each round beginning with another one.
package struct Runner {
    let repeats: Int
    let scale: Scale
    let matches: @Sendable (String) -> Bool
    package private(set) var results: Results

    /// - Parameters:
    ///   - repeats: measured repetitions of each contender.
    ///   - contenders: which contenders take part, by name.
    package init(repeats: Int, scale: Scale, contenders: @escaping @Sendable (String) -> Bool) {
        self.repeats = repeats
        self.scale = scale
        matches = contenders
        results = Results(environment: .current(), isQuick: scale.isQuick, repeats: repeats)
    }

    /// Runs all points of a workload and prints each when it is done.
    package mutating func run(_ workload: some Workload) async {
        var section = Results.Section(workload: workload.name, title: workload.title, metrics: workload.metrics)
        print("\n## \(workload.name): \(workload.title)")
        for point in workload.points(scale) {
            let block = await run(point, of: workload)
            section.blocks.append(block)
            print(Table.render(block, metrics: workload.metrics))
        }
        results.sections.append(section)
    }

    private func run<W: Workload>(_ point: Point<W.Input>, of workload: W) async -> Results.Block {
        let contenders = workload.contenders.filter { matches($0.name) }
        let expected = workload.checksum(point.input)
        var samples = [[Sample]](repeating: [], count: contenders.count)
        var failures = [String?](repeating: nil, count: contenders.count)
        for round in 0..<repeats {
            for turn in contenders.indices {
                let index = (turn + round) % contenders.count
                guard contenders[index].absence == nil, failures[index] == nil else { continue }
                note("\(workload.name) \(point.label): \(round + 1)/\(repeats) \(contenders[index].name)")
                do {
                    let sample = try await contenders[index].measure(point.input)
                    samples[index].append(sample)
                    if sample.checksum != expected {
                        failures[index] = "checksum \(hex(sample.checksum)) instead of \(hex(expected))"
                    } else if sample.values.count != workload.metrics.count {
                        failures[index] = "\(sample.values.count) values for \(workload.metrics.count) metrics"
                    }
                } catch {
                    failures[index] = "\(error)"
                }
                bench_trim_heap()
            }
        }
        note("")
        var rows = contenders.indices.map { index in
            var row = Results.Row(contender: contenders[index].name, standing: contenders[index].standing)
            row.skipped = contenders[index].absence
            row.failure = failures[index]
            if row.failure == nil, row.skipped == nil {
                row.figures = workload.metrics.indices.map { metric in
                    Results.Figure(workload.metrics[metric], samples[index].map { $0.values[metric] })
                }
            }
            return row
        }
        compare(&rows, workload.metrics)
        return Results.Block(point: point.label, checksum: hex(expected), rows: rows)
    }

    /// Sets every other row against the best of ours by the first metric.
    private func compare(_ rows: inout [Results.Row], _ metrics: [Metric]) {
        let ours = rows.filter { $0.standing == .ours && !$0.figures.isEmpty }
        let best = ours.min {
            let (left, right) = ($0.figures[0].median, $1.figures[0].median)
            return metrics[0].better == .lower ? left < right : left > right
        }
        guard let best else { return }
        for index in rows.indices where rows[index].standing != .ours {
            rows[index].ratios = zip(metrics, zip(best.figures, rows[index].figures)).map { metric, figures in
                metric.ratio(ours: figures.0.median, peer: figures.1.median)
            }
        }
    }

    /// Says on a terminal what is going on.
    private func note(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }

    private func hex(_ value: UInt64) -> String { String(value, radix: 16) }
}
