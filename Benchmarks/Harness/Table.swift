//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Foundation

/// Prints a block: one row a contender, medians with min–max, and how many times ours is ahead.
enum Table {
    static func render(_ block: Results.Block, metrics: [Metric]) -> String {
        var lines = [["\(block.point)"] + metrics.flatMap { [head($0), "ours : it"] }]
        for row in block.rows {
            if let reason = row.failure.map({ "FAILED: \($0)" }) ?? row.skipped.map({ "skipped: \($0)" }) {
                lines.append([row.contender, reason])
                continue
            }
            var cells = [row.standing == .ours ? "**\(row.contender)**" : row.contender]
            for (index, figure) in row.figures.enumerated() {
                cells.append("\(number(figure.median)) (\(number(figure.min))–\(number(figure.max)))")
                let ratio = row.ratios.indices.contains(index) ? row.ratios[index] : nil
                cells.append(ratio.map { "\(number($0)) ×" } ?? "")
            }
            lines.append(cells)
        }
        // A reason takes one cell and makes no column wider.
        let full = lines.filter { $0.count == lines[0].count }
        let widths = lines[0].indices.map { column in full.map { $0[column].count }.max() ?? 0 }
        let first = lines.map { $0[0].count }.max() ?? 0
        var text = lines.map { cells in
            let padded = cells.enumerated().map { index, cell in
                cell + String(repeating: " ", count: max(0, (index == 0 ? first : widths[index]) - cell.count))
            }
            let missing = [String](repeating: "", count: lines[0].count - cells.count)
            return "| " + (padded + missing).joined(separator: " | ") + " |"
        }
        text.insert("|" + String(repeating: "---|", count: lines[0].count), at: 1)
        return "\n" + text.joined(separator: "\n")
    }

    private static func head(_ metric: Metric) -> String {
        metric.unit.isEmpty ? metric.name : "\(metric.name) [\(metric.unit)]"
    }

    /// Three significant digits; thousands grouped.
    static func number(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "–" }
        let digits = max(0, 2 - Int(log10(abs(value)).rounded(.down)))
        let text = String(format: "%.\(digits)f", value)
        guard digits == 0, abs(value) >= 10_000 else { return text }
        var grouped = ""
        for (position, digit) in text.reversed().enumerated() {
            if position > 0, position % 3 == 0, digit != "-" { grouped.append(",") }
            grouped.append(digit)
        }
        return String(grouped.reversed())
    }
}
