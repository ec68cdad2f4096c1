//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Columns of text: numbers to the right, words to the left, a rule below the heading.
struct Table {
    enum Alignment { case left, right }

    private let headings: [(String, Alignment)]
    private var rows: [[String]] = []

    init(_ headings: [(String, Alignment)]) { self.headings = headings }

    /// Adds a row; missing cells stay empty, cells without a heading are left out.
    mutating func add(_ cells: [String]) {
        rows.append((0..<headings.count).map { $0 < cells.count ? cells[$0] : "" })
    }

    /// The lines, without trailing spaces.
    var lines: [String] {
        let widths = headings.indices.map { column in
            rows.reduce(headings[column].0.count) { max($0, $1[column].count) }
        }
        let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
        return [line(headings.map(\.0), widths), rule] + rows.map { line($0, widths) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = zip(cells, zip(headings, widths)).map { cell, column in
            let space = String(repeating: " ", count: column.1 - cell.count)
            return column.0.1 == .left ? cell + space : space + cell
        }.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }
}
