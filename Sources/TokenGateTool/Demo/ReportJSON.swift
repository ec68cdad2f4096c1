//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The report for scripts: one object.
///
/// Times are in nanoseconds unless their name says otherwise.
struct ReportJSON: Encodable {
    struct Times: Encodable {
        let p50, p95, p99, max: Int64

        init(_ histogram: Histogram?) {
            func value(_ share: Double) -> Int64 { histogram?.percentile(share).nanoseconds ?? 0 }
            (p50, p95, p99, max) = (value(0.5), value(0.95), value(0.99), value(1))
        }
    }

    struct Domain: Encodable {
        let domain: Int
        let cpus: [Int]
        let tokens: Int
        let share: Double
    }

    struct Pins: Encodable {
        let verified: Int
        let workers: Int
    }

    struct PromiseLine: Encodable {
        let contract: String
        let statement: String
        let verdict: Promise.Verdict
        let checked: Int
        let broken: Int
        let note: Nullable<String>
    }

    struct Load: Encodable {
        let load: LoadName
        let tokens: UInt64
        let ok: UInt64
        let failed: UInt64
        let seconds: Double
        let tokensPerSecond: Double
        let waitNanoseconds: Times
        let runNanoseconds: Times
        let domains: [Domain]
        let pins: Pins
        let remark: String
        let promises: [PromiseLine]

        init(_ report: LoadReport) {
            load = report.load
            tokens = report.tokens
            ok = report.ok
            failed = report.failed
            seconds = report.time.inSeconds
            tokensPerSecond = report.tokensPerSecond
            waitNanoseconds = Times(report.wait)
            runNanoseconds = Times(report.run)
            domains = report.domains.map {
                Domain(domain: $0.number, cpus: Array($0.cpus), tokens: $0.tokens, share: $0.share)
            }
            pins = Pins(verified: report.pinnedWorkers, workers: report.workers)
            remark = report.remark
            promises = report.promises.map {
                PromiseLine(
                    contract: $0.contract, statement: $0.statement, verdict: $0.verdict, checked: $0.checked,
                    broken: $0.broken, note: Nullable(value: $0.note))
            }
        }
    }

    let seed: UInt64
    let secondsPerLoad: Double
    let cpus: [Int]
    let domains: Int
    let quotaCPUs: Nullable<Double>
    let interrupted: Bool
    let kept: Bool
    let loads: [Load]

    init(_ report: DemoReport) {
        seed = report.seed
        secondsPerLoad = report.budget.inSeconds
        cpus = report.domains.flatMap(Array.init).sorted()
        domains = report.domains.count
        quotaCPUs = Nullable(value: report.quotaCPUs)
        interrupted = report.isInterrupted
        kept = report.isKept
        loads = report.loads.map(Load.init)
    }

    /// One object on several lines, keys in alphabetical order.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

/// A value that is written as `null` where it is missing, so that every object has all its keys.
struct Nullable<Value: Encodable>: Encodable {
    let value: Value?

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value { try container.encode(value) } else { try container.encodeNil() }
    }
}
