//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What became of the wish to run a thread on certain CPUs: asked for, got, verified.
public struct PinReport: Sendable, Hashable, Codable, CustomStringConvertible {
    /// How the wish ended.
    ///
    /// Further cases may be added: switch with a `default`.
    public enum Status: Sendable, Hashable, Codable {
        /// The mask was set and read back equal.
        case pinned
        /// The call succeeded, but the mask read back differs, or could not be read: not to be relied on.
        case unverified
        /// The call failed with this `errno`; the thread keeps the mask it had.
        case refused(errno: Int32)
        /// No CPUs were asked for.
        case notRequested
    }

    /// The CPUs asked for, or nil.
    public let requested: CPUSet?
    /// The mask read back from the system, or nil where it could not be read.
    public let actual: CPUSet?
    /// How the wish ended.
    public let status: Status
    /// The thread's id, as gettid(2) and `/proc/self/task` show it.
    public let tid: Int32
    /// The nice value in force, or nil where it could not be read.
    public let nice: Int?

    /// Puts a report together.
    public init(requested: CPUSet?, actual: CPUSet?, status: Status, tid: Int32, nice: Int?) {
        self.requested = requested
        self.actual = actual
        self.status = status
        self.tid = tid
        self.nice = nice
    }

    /// Whether the thread is known to run on the requested CPUs alone.
    public var verified: Bool { status == .pinned }

    /// One line: `thread 71: pinned to 2-3, nice 0`.
    public var description: String {
        let asked = requested?.listFormat ?? "none"
        let got = actual?.listFormat ?? "unknown"
        let what =
            switch status {
            case .pinned: "pinned to \(got)"
            case .unverified: "unverified: asked for \(asked), mask is \(got)"
            case .refused(let errno):
                "unpinned: asked for \(asked), \(SystemCallError("sched_setaffinity", errno: errno)), mask is \(got)"
            case .notRequested: "not pinned, mask is \(got)"
            }
        return "thread \(tid): \(what), nice \(nice.map(String.init) ?? "unknown")"
    }

    /// Sets the mask of the thread that this report is of, reads it back, and says what came of it.
    package func repinned(to cpus: CPUSet, system: some AffinitySystem) -> PinReport {
        var refusal: Int32?
        do { try system.setAffinity(cpus, ofThread: tid) } catch { refusal = error.errno }
        let actual = try? system.affinity(ofThread: tid)
        let status: Status =
            refusal.map { .refused(errno: $0) } ?? (cpus == actual ? .pinned : .unverified)
        return PinReport(requested: cpus, actual: actual, status: status, tid: tid, nice: nice)
    }

    /// Sets the calling thread's mask, reads it back, and says what came of it.
    static func pinCurrentThread(to cpus: CPUSet?, system: some AffinitySystem) -> PinReport {
        var refusal: Int32?
        if let cpus {
            do { try system.setAffinity(cpus) } catch { refusal = error.errno }
        }
        let actual = try? system.affinity()
        let status: Status =
            switch (cpus, refusal) {
            case (nil, _): .notRequested
            case (_, let errno?): .refused(errno: errno)
            case (let cpus?, nil): cpus == actual ? .pinned : .unverified
            }
        return PinReport(
            requested: cpus, actual: actual, status: status, tid: system.threadID(), nice: try? system.nice())
    }
}
