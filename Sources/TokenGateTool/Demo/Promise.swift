//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Something a run must hold to, and what was observed.
struct Promise: Sendable {
    enum Verdict: String, Sendable, Encodable { case kept, broken, notJudged = "not judged" }

    /// The line of the contract it belongs to: `C5`; `doc` for what a page of `Docs/` promises.
    let contract: String
    /// What is promised, as a sentence.
    let statement: String
    /// How many observations were made.
    let checked: Int
    /// How many of them contradict it.
    let broken: Int
    /// What there is to add: what was seen, or why nothing could be judged.
    let note: String?

    init(_ contract: String, _ statement: String, checked: Int, broken: Int, note: String? = nil) {
        self.contract = contract
        self.statement = statement
        self.checked = checked
        self.broken = broken
        self.note = note
    }

    /// A promise without an observation is neither kept nor broken.
    var verdict: Verdict { broken > 0 ? .broken : checked > 0 ? .kept : .notJudged }
}

/// The same promise over several loads.
struct PromiseSummary: Sendable {
    let contract: String
    let statement: String
    private(set) var checked = 0
    private(set) var broken = 0
    /// Notes by load: all of them for one load, else those of loads that broke it or could not judge it.
    private(set) var notes: [(load: String, note: String)] = []
    private(set) var loads: [String] = []

    var verdict: Promise.Verdict { broken > 0 ? .broken : checked > 0 ? .kept : .notJudged }

    /// Brings promises of the same statement together, in order of the contract.
    static func summarise(_ promises: [(load: String, promise: Promise)]) -> [PromiseSummary] {
        var summaries: [PromiseSummary] = []
        var position: [String: Int] = [:]
        for (load, promise) in promises {
            let key = promise.contract + promise.statement
            let index =
                position[key]
                ?? {
                    summaries.append(PromiseSummary(contract: promise.contract, statement: promise.statement))
                    return summaries.count - 1
                }()
            position[key] = index
            summaries[index].add(promise, of: load)
        }
        return summaries.enumerated().sorted { ($0.element.number, $0.offset) < ($1.element.number, $1.offset) }
            .map(\.element)
    }

    /// The number in the contract.
    private var number: Int { Int(contract.dropFirst()) ?? .max }

    private init(contract: String, statement: String) {
        self.contract = contract
        self.statement = statement
    }

    private mutating func add(_ promise: Promise, of load: String) {
        checked += promise.checked
        broken += promise.broken
        loads.append(load)
        if let note = promise.note { notes.append((load, note)) }
    }
}
