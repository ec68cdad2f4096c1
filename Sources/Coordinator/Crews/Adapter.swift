//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import Routing
internal import Synchronization
internal import TokenCore

/// What the sampler remembers from one sample to the next, and its thread (Docs/Adaptation.md).
///
/// | field | protected by |
/// |---|---|
/// | `memories`, `lastReading` | whoever samples: the thread, or the one test that does so by hand |
/// | `status`, `isClosed`, `parker` | atomic |
final class Adapter: @unchecked Sendable {
    /// One crew, as it was at the last sample.
    struct Memory {
        var convergence: Convergence
        var readings: [Int32: Reading] = [:]
        /// The number of the crew's last job, and when that was so.
        var nextJob: UInt64 = 0
        var time: Int64 = 0
        /// There is something to forget when the crew has nothing left to be measured for.
        var isDirty = false
    }

    /// One of its threads.
    struct Reading {
        var usage: ThreadUsage
        var absences: UInt64
        var time: Int64
    }

    enum Status: UInt8, Sendable { case off, noThread, measuring, unreadable }

    /// Made with the first sample.
    @exclusivity(unchecked) var memories: [Memory] = []
    /// When it was last read what the process may use.
    @exclusivity(unchecked) var lastReading: Int64
    private let statusWord = Atomic<UInt8>(Status.off.rawValue)
    private let isClosed = Atomic<Bool>(false)
    private let parker = Parker()

    init(now: Int64) { lastReading = now }

    var status: Status {
        get { Status(rawValue: statusWord.load(ordering: .relaxed)) ?? .off }
        set { statusWord.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// Samples from now on, on a thread of its own; where there is none to be had, nothing adapts.
    ///
    /// - Parameter sample: answers whether anything runs or waits.
    func start(_ sample: @escaping @Sendable () -> Bool) {
        let thread = try? PinnedThread.spawn(name: "tg-adapt", cpus: nil, stackSize: 256 << 10) { [self] _ in
            var period = Self.shortestPeriod
            while true {
                _ = parker.park(timeout: period)
                if isClosed.load(ordering: .acquiring) { return }
                period = sample() ? Self.shortestPeriod : min(period * 2, Self.longestPeriod)
            }
        }
        thread?.detach()
        status = thread == nil ? .noThread : .measuring
    }

    /// Ends the thread.
    func close() {
        isClosed.store(true, ordering: .releasing)
        parker.unpark()
    }

    /// Between two samples, in nanoseconds: while anything runs or waits; the next ones are twice as long each, up to the other.
    private static let shortestPeriod: Int64 = 10_000_000
    private static let longestPeriod: Int64 = 640_000_000
}
