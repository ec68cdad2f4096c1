//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// The closing table and the list of promises, for people.
struct ReportText {
    let report: DemoReport

    var text: String {
        var sections = [heading, Self.counts(report.loads).lines, Self.times(report.loads).lines, remarks, promises]
        sections.append([verdict])
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private var heading: [String] {
        let quota = report.quotaCPUs.map { ", quota \(Wording.fixed($0, decimals: 2)) CPUs" } ?? ""
        return [
            "TokenGate demo: \(Wording.counted(report.domains.count, "core domain")) on CPUs \(report.cpuList)\(quota), "
                + "\(Wording.fixed(report.budget.inSeconds, decimals: 1)) s a load, seed \(report.seed)"
        ]
    }

    /// What was done, and where.
    static func counts(_ loads: [LoadReport]) -> Table {
        var table = Table([
            ("load", .left), ("tokens", .right), ("ok", .right), ("failed", .right), ("time", .right),
            ("tokens/s", .right), ("pins verified", .right), ("share by domain", .left),
        ])
        for load in loads {
            table.add([
                load.load.rawValue, Wording.count(load.tokens), Wording.count(load.ok), Wording.count(load.failed),
                Wording.time(load.time), Wording.count(Int(load.tokensPerSecond.rounded())),
                "\(load.pinnedWorkers) of \(load.workers)", shares(load.domains),
            ])
        }
        return table
    }

    /// How long tokens waited and ran.
    static func times(_ loads: [LoadReport]) -> Table {
        let headings = ["p50", "p95", "p99", "max"]
        var table = Table(
            [("load", .left)] + headings.map { ("wait \($0)", .right) } + headings.map { ("run \($0)", .right) })
        for load in loads { table.add([load.load.rawValue] + cells(load.wait) + cells(load.run)) }
        return table
    }

    private static func cells(_ histogram: Histogram?) -> [String] {
        [0.5, 0.95, 0.99, 1].map { share in histogram.map { Wording.time($0.percentile(share)) } ?? "" }
    }

    /// Each domain where there are few, else the range.
    static func shares(_ domains: [LoadReport.DomainShare]) -> String {
        func percent(_ share: Double) -> String { Wording.fixed(share * 100, decimals: 0) + " %" }
        guard domains.count > 6 else {
            return domains.map { "\($0.number): \(percent($0.share))" }.joined(separator: "  ")
        }
        let shares = domains.map(\.share)
        return "\(domains.count) domains, \(percent(shares.min() ?? 0)) … \(percent(shares.max() ?? 0))"
    }

    private var remarks: [String] {
        let width = report.loads.reduce(0) { max($0, $1.load.rawValue.count) }
        return report.loads.filter { !$0.remark.isEmpty }.map { load in
            load.load.rawValue + String(repeating: " ", count: width - load.load.rawValue.count) + "  " + load.remark
        }
    }

    private var promises: [String] {
        let all = report.loads.flatMap { load in load.promises.map { (load: load.load.rawValue, promise: $0) } }
        return PromiseSummary.summarise(all).flatMap(Self.lines)
    }

    /// A promise on one line, and what there is to add on the next ones.
    static func lines(_ summary: PromiseSummary) -> [String] {
        let contract = summary.contract + String(repeating: " ", count: max(0, 3 - summary.contract.count))
        let found =
            switch summary.verdict {
            case .kept: "\(Wording.count(summary.checked)) checked"
            case .broken: "\(Wording.count(summary.broken)) of \(Wording.count(summary.checked)) broken"
            case .notJudged: "not judged"
            }
        let head = "\(summary.verdict.mark) \(contract)  \(summary.statement)  (\(found))"
        guard summary.verdict != .kept else { return [head] }
        return [head] + summary.notes.map { "       \($0.load): \($0.note)" }
    }

    private var verdict: String {
        let all = report.loads.flatMap(\.promises)
        let broken = all.count { $0.verdict == .broken }
        let open = all.count { $0.verdict == .notJudged }
        let rest = open > 0 ? "; \(open) could not be judged" : ""
        let early = report.isInterrupted ? " (interrupted)" : ""
        return broken == 0
            ? "All promises kept\(rest)\(early)." : "\(Wording.counted(broken, "promise")) broken\(rest)\(early)."
    }
}

extension Promise.Verdict {
    /// ✓, ✗, or – where nothing could be judged.
    var mark: String {
        switch self {
        case .kept: "✓"
        case .broken: "✗"
        case .notJudged: "–"
        }
    }
}
