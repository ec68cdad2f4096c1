//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How a run goes, on standard error: a live bar on a terminal, a line a load elsewhere, nothing at all when silent.
struct Progress: Sendable {
    enum Style: Sendable { case bar, lines, silent }

    let style: Style

    /// A bar where standard error is a terminal that can rewrite a line, else lines.
    static var suited: Progress {
        let terminal = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        return Progress(style: isatty(STDERR_FILENO) == 1 && terminal != "dumb" ? .bar : .lines)
    }

    func begin(_ load: LoadName) {
        guard style == .lines else { return }
        Self.write("\(load.rawValue): \(load.summary)\n")
    }

    /// - Parameter position: which load of how many: `3/8`.
    func show(_ position: String, _ load: LoadName, elapsed: Duration, budget: Duration, settled: UInt64) {
        guard style == .bar else { return }
        Self.write("\r\u{1B}[2K" + "\(position) " + Self.bar(load, elapsed: elapsed, budget: budget, settled: settled))
    }

    func finish() {
        guard style == .bar else { return }
        Self.write("\r\u{1B}[2K")
    }

    /// The bar: `storm    ━━━━━━━━━━──────────  50 %   123,456 tokens   98,765 /s`.
    static func bar(_ load: LoadName, elapsed: Duration, budget: Duration, settled: UInt64) -> String {
        let width = 24
        let share = budget > .zero ? min(1, max(0, elapsed.inSeconds / budget.inSeconds)) : 1
        let full = Int(share * Double(width))
        let name = load.rawValue + String(repeating: " ", count: 8 - min(8, load.rawValue.count))
        let bar = String(repeating: "━", count: full) + String(repeating: "─", count: width - full)
        let rate = elapsed > .zero ? Int(Double(settled) / elapsed.inSeconds) : 0
        let percent = share < 1 ? "\(Int(share * 100)) %" : "finishing"
        return "\(name) \(bar) \(percent)  \(Wording.count(settled)) tokens  \(Wording.count(rate)) /s"
    }

    private static func write(_ text: String) { writeToStandardError(text) }
}
