//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// What a whole run came to.
struct DemoReport: Sendable {
    let seed: UInt64
    let budget: Duration
    let domains: [CPUSet]
    let quotaCPUs: Double?
    let loads: [LoadReport]
    let isInterrupted: Bool

    /// Whether no promise is broken.
    var isKept: Bool { loads.allSatisfy { $0.promises.allSatisfy { $0.verdict != .broken } } }

    /// The processors of all domains, as the kernel writes lists.
    var cpuList: String { domains.reduce(CPUSet()) { $0.union($1) }.listFormat }
}

/// Runs loads one after the other, each on a fresh coordinator.
struct DemoRun: Sendable {
    let loads: [LoadName]
    let budget: Duration
    let seed: UInt64
    /// Where files go; nil for the system's temporary directory.
    let directory: String?
    let progress: Progress

    /// How long no token may settle while some are under way; the longest body takes some 20 ms.
    static let patience = Duration.seconds(30)
    /// How long a coordinator may take to stop.
    static let stopTimeout = Duration.seconds(10)

    /// Runs them all.
    ///
    /// - Throws: `DemoFailure` where the environment does not allow it.
    func report() async throws -> DemoReport {
        let scratch =
            directory != nil || loads.contains(where: \.needsDirectory) ? try ScratchDirectory(inside: directory) : nil
        defer { scratch?.remove() }
        var reports: [LoadReport] = []
        var machine: Machine?
        for (index, load) in loads.enumerated() where !Interruption.isRequested {
            let coordinator: OperationsCoordinator
            do {
                coordinator = try OperationsCoordinator()
                try await coordinator.start()
            } catch {
                throw DemoFailure("cannot start a coordinator for the load '\(load.rawValue)': \(error)")
            }
            machine = coordinator.machine
            let position = "\(index + 1)/\(loads.count)"
            reports.append(try await run(load, at: position, on: coordinator, directory: scratch?.path ?? ""))
        }
        return DemoReport(
            seed: seed, budget: budget, domains: machine?.domains ?? [], quotaCPUs: machine?.quotaCPUs, loads: reports,
            isInterrupted: Interruption.isRequested)
    }

    private func run(
        _ load: LoadName, at position: String, on coordinator: OperationsCoordinator, directory: String
    ) async throws -> LoadReport {
        let sightings = Sightings(domains: coordinator.statistics().domains.map(\.cpus))
        let stage = Stage(
            load, coordinator: coordinator, sightings: sightings, budget: budget, seed: seed, directory: directory)
        let watcher = Task { await watch(load, at: position, stage) }
        let outcome: Result<Findings, any Error>
        do { outcome = .success(try await load.makeLoad().run(in: stage)) } catch { outcome = .failure(error) }
        let time = stage.elapsed
        watcher.cancel()
        var watched = await watcher.value
        watched.pins.add(coordinator.statistics())
        progress.finish()
        let stop = await coordinator.stop(timeout: Self.stopTimeout)
        let findings = try outcome.get()
        return LoadReport(
            load, time: time, statistics: coordinator.statistics(), sightings: sightings, watched: watched,
            findings: findings, stop: stop)
    }

    /// Shows how far a load is, and collects the workers that come and go, until it is cancelled.
    ///
    /// Where no token settles for a long time the coordinator is stopped, which settles them all: the demo ends, and
    /// says what was lost.
    private func watch(_ load: LoadName, at position: String, _ stage: Stage) async -> Watched {
        var watched = Watched()
        var last = (settled: UInt64(0), time: ContinuousClock.now)
        progress.begin(load)
        while !Task.isCancelled {
            let statistics = stage.coordinator.statistics()
            watched.pins.add(statistics)
            let settled = statistics.counts.settled
            if settled != last.settled || statistics.counts.live == 0 { last = (settled, .now) }
            if .now - last.time > Self.patience, watched.lost == 0 {
                watched.lost = Int(clamping: statistics.counts.live)
                await stage.coordinator.stop(timeout: .zero)
            }
            progress.show(position, load, elapsed: stage.elapsed, budget: budget, settled: settled)
            try? await Task.sleep(for: .milliseconds(100))
        }
        return watched
    }
}
