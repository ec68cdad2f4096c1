//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import Routing
import TokenGate

/// `simulate`: what more cores would do, by the routing's own policies and given costs; no thread runs.
///
/// One submitter, on the core of domain 1, sends all tokens and takes their results in order; the last one decides. What it leaves out: cache lines, memory,
/// the kernel's scheduler, and anything else that grows with cores. It shows where routing alone would stop scaling.
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Computes how free and anchored tokens would scale to more cores, from the costs of one token.")

    @Option(name: .long, help: "Tokens of each run.")
    var tokens = 50_000
    @Option(name: .long, help: "Nanoseconds to submit one.")
    var submit = 124
    @Option(name: .long, help: "Nanoseconds to run one, less its body.")
    var execute = 80
    @Option(name: .long, help: "Nanoseconds to take a result and free the token.")
    var gather = 71
    @Option(name: .long, help: "Nanoseconds more to take one over from another domain.")
    var takeOver = 500
    @Option(name: .long, help: "Nanoseconds until a sleeping worker runs.")
    var wake = 10_000

    func run() throws {
        print("| body | tokens | \([1, 2, 4, 8, 16].map { "\($0) cores" }.joined(separator: " | ")) |")
        print("|---|---|\(String(repeating: "---|", count: 5))")
        for body in [1_000, 10_000, 100_000] {
            for anchors in [0, 64, 4_096] {
                let times = [1, 2, 4, 8, 16].map { domains in
                    Simulation(costs: self, domains: domains, body: body, anchors: anchors).makespan()
                }
                let kind = anchors == 0 ? "free" : "\(anchors) anchors"
                let ratios = times.map { tenths(Double(times[0]) / Double($0)) }
                print("| \(body / 1_000) µs | \(kind) | \(ratios.joined(separator: " | ")) |")
            }
        }
    }

    private func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10) ×" }
}

/// Domains as queues, and whose turn is next.
private struct Simulation {
    let costs: Simulate
    let domains: Int
    let body: Int
    let anchors: Int

    private struct Domain {
        var queue: [(number: Int, submitted: Int, isFree: Bool)] = []
        var head = 0
        /// When the worker is done with what it has.
        var freeAt = 0
        var isAsleep = true
        var homes = 0
        var isEmpty: Bool { head == queue.count }
    }

    /// The nanosecond in which the last result is taken.
    func makespan() -> Int {
        var all = [Domain](repeating: Domain(), count: domains)
        let homes = placedAnchors(&all)
        var now = 0
        var ends = [Int](repeating: 0, count: costs.tokens)
        for number in 0..<costs.tokens {
            // On one core the submitter and the worker take turns; here: first all is submitted.
            now += costs.submit
            advance(&all, to: now, &ends)
            let domain: Int
            if anchors > 0 {
                domain = homes[number &* 2_654_435_761 % anchors]
            } else if domains == 1 {
                domain = 0
            } else {
                // A burst: anywhere but to the submitter's own core, as the engine does.
                let ready = (1..<domains).reduce(UInt64(0)) { $0 | (all[$1].isAsleep ? 1 << UInt64($1) : 0) }
                domain =
                    ready != 0
                    ? WeightPolicy.place(.medium, ready: ready, domains: domains, ticket: UInt32(number >> 4))
                    : WeightPolicy.overflow(.medium, domains: domains - 1, ticket: UInt32(number >> 4)) + 1
            }
            all[domain].queue.append((number, now, anchors == 0))
            if all[domain].isAsleep, domain != 0 {
                all[domain].isAsleep = false
                all[domain].freeAt = now + costs.wake
            }
        }
        // The submitter waits: its own core's worker is woken.
        all[0].isAsleep = false
        all[0].freeAt = max(all[0].freeAt, now + costs.wake / 2)
        advance(&all, to: .max, &ends)
        // One core does one thing after the other.
        if domains == 1 { now = ends.max() ?? now }
        for end in ends { now = max(now, end) + costs.gather }
        return now
    }

    /// Lets workers begin all that they can before `limit`.
    private func advance(_ all: inout [Domain], to limit: Int, _ ends: inout [Int]) {
        while true {
            var next: (domain: Int, from: Int, at: Int)?
            for index in all.indices where !all[index].isAsleep {
                if !all[index].isEmpty {
                    let at = max(all[index].freeAt, all[index].queue[all[index].head].submitted)
                    if at < next?.at ?? .max { next = (index, index, at) }
                } else if let (victim, at) = stale(all, for: index), at < next?.at ?? .max {
                    next = (index, victim, at)
                }
            }
            guard let next, next.at < limit else { return }
            let number = all[next.from].queue[all[next.from].head].number
            all[next.from].head += 1
            let cost = costs.execute + body + (next.from == next.domain ? 0 : costs.takeOver)
            all[next.domain].freeAt = next.at + cost
            ends[number] = next.at + cost
        }
    }

    /// The domain whose oldest free token another one may take first, and when: after it has waited for 20 µs.
    private func stale(_ all: [Domain], for thief: Int) -> (Int, Int)? {
        var best: (Int, Int)?
        for index in all.indices where index != thief && !all[index].isEmpty {
            let oldest = all[index].queue[all[index].head]
            let at = max(all[thief].freeAt, oldest.submitted + 20_000)
            // Its own worker gets to it before.
            if !oldest.isFree || all[index].freeAt <= at && !all[index].isAsleep { continue }
            if at < best?.1 ?? .max { best = (index, at) }
        }
        return best
    }

    /// The home of each anchor: the best score among domains that are not above the bound, as the router has it.
    private func placedAnchors(_ all: inout [Domain]) -> [Int] {
        (0..<anchors).map { anchor in
            let hash = withUnsafeBytes(of: UInt64(anchor).littleEndian) { AnchorHash(bytes: $0) }
            let home = Rendezvous.home(of: hash, domains: domains, loads: { all[$0].homes }, slack: 4)
            all[home].homes += 1
            return home
        }
    }
}
