//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import TokenCore

/// For people and scripts that read JSON: keys may be added in any version; times are in nanoseconds, CPUs are lists of numbers.
extension Statistics: Encodable {
    private enum Keys: String, CodingKey {
        case phase, counts, operations, domains, tiers, liveAnchors, idleAnchors, leasesOpened, leasesReleased
        case leaseDiversions, admission, adaptation, quotaThrottling
    }

    private struct Throttling: Encodable {
        let periods, throttledPeriods, throttledNanoseconds: UInt64
    }

    /// One object.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(phase, forKey: .phase)
        try container.encode(counts, forKey: .counts)
        try container.encode(operations, forKey: .operations)
        try container.encode(domains, forKey: .domains)
        try container.encode(tiers, forKey: .tiers)
        try container.encode(liveAnchors, forKey: .liveAnchors)
        try container.encode(idleAnchors, forKey: .idleAnchors)
        try container.encode(leasesOpened, forKey: .leasesOpened)
        try container.encode(leasesReleased, forKey: .leasesReleased)
        try container.encode(leaseDiversions, forKey: .leaseDiversions)
        try container.encode(admission, forKey: .admission)
        try container.encode(adaptation, forKey: .adaptation)
        let throttling = quotaThrottling.map {
            Throttling(
                periods: $0.periods, throttledPeriods: $0.throttledPeriods,
                throttledNanoseconds: $0.throttledNanoseconds)
        }
        try container.encode(throttling, forKey: .quotaThrottling)
    }
}

extension Statistics.Counts: Encodable {
    private enum Keys: String, CodingKey {
        case submitted, queued, executing, completed, failed, killed, timedOut, late
    }

    /// The counts, and their sum.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(submitted, forKey: .submitted)
        try container.encode(queued, forKey: .queued)
        try container.encode(executing, forKey: .executing)
        try container.encode(completed, forKey: .completed)
        try container.encode(failed, forKey: .failed)
        try container.encode(killed, forKey: .killed)
        try container.encode(timedOut, forKey: .timedOut)
        try container.encode(late, forKey: .late)
    }
}

extension Statistics.Operation: Encodable {
    private enum Keys: String, CodingKey {
        case operationType, isPaused, isBlocked, concurrency, admission, counts, waitNanoseconds, runNanoseconds
    }

    private struct Times: Encodable {
        let count: UInt64
        let p50, p95, p99, max: Int64

        init(_ histogram: Histogram) {
            func value(_ share: Double) -> Int64 { Int64(clampedAdding: histogram.percentile(share), to: 0) }
            count = histogram.count
            (p50, p95, p99, max) = (value(0.5), value(0.95), value(0.99), value(1))
        }
    }

    /// Its counts, and percentiles of its times.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(operationType, forKey: .operationType)
        try container.encode(isPaused, forKey: .isPaused)
        try container.encode(isBlocked, forKey: .isBlocked)
        try container.encode(concurrency, forKey: .concurrency)
        try container.encode(admission, forKey: .admission)
        try container.encode(counts, forKey: .counts)
        try container.encode(Times(wait), forKey: .waitNanoseconds)
        try container.encode(Times(run), forKey: .runNanoseconds)
    }
}

extension Statistics.Worker: Encodable {
    private enum Keys: String, CodingKey { case crew, number, depth, isOverrun, pin, tid, isVerified }

    /// Its pin report in words, and what scripts want of it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(crew, forKey: .crew)
        try container.encode(number, forKey: .number)
        try container.encode(depth, forKey: .depth)
        try container.encode(isOverrun, forKey: .isOverrun)
        try container.encode(pin?.description, forKey: .pin)
        try container.encode(pin?.tid, forKey: .tid)
        try container.encode(pin?.verified ?? false, forKey: .isVerified)
    }
}

extension Statistics.Domain: Encodable {
    private enum Keys: String, CodingKey { case number, cpus, isRetired, workers, crews, homes }

    /// The domain with its workers.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(number, forKey: .number)
        try container.encode(Array(cpus), forKey: .cpus)
        try container.encode(isRetired, forKey: .isRetired)
        try container.encode(workers, forKey: .workers)
        try container.encode(crews, forKey: .crews)
        try container.encode(homes, forKey: .homes)
    }
}

extension Statistics.Tier: Encodable {
    private enum Keys: String, CodingKey { case speed, limit, inUse, peak, waiting }

    /// As it is.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(speed, forKey: .speed)
        try container.encode(limit, forKey: .limit)
        try container.encode(inUse, forKey: .inUse)
        try container.encode(peak, forKey: .peak)
        try container.encode(waiting, forKey: .waiting)
    }
}
