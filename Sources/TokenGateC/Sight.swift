//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
package import CTokenGate
internal import Coordinator
internal import TokenCore

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// One object, keys in alphabetical order.
func json(_ value: some Encodable) throws(Failure) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
        throw Failure(TG_E_INTERNAL, "JSON: \(error)")
    }
}

/// A stop's report as JSON.
struct StopReportJSON: Encodable {
    struct Abandoned: Encodable {
        let id: String
        let operationType: String
        let state: TokenState
    }
    let isComplete: Bool
    let busyThreads: Int
    let durationNanoseconds: Int64
    let abandoned: [Abandoned]

    init(_ report: StopReport) {
        isComplete = report.isComplete
        busyThreads = report.busyThreads
        durationNanoseconds = Int64(clampedAdding: report.duration, to: 0)
        abandoned = report.abandoned.map {
            Abandoned(id: "\($0.id)", operationType: $0.operationType, state: $0.state)
        }
    }
}

@c @implementation
package func tg_coordinator_statistics(
    _ handle: OpaquePointer?, _ out: UnsafeMutablePointer<tg_statistics>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        let out = try required(out, "out")
        try checkRoom(out)
        give(tg_statistics(coordinator.statistics()), to: out)
    }
}

extension tg_statistics {
    fileprivate init(_ statistics: Statistics) {
        self.init()
        let workers = statistics.domains.flatMap(\.workers)
        let counts = statistics.counts
        phase = statistics.phase.number
        domains = UInt32(statistics.domains.count)
        threads = UInt32(workers.count)
        pinned_threads = UInt32(workers.count { $0.pin?.verified == true })
        submitted = counts.submitted
        queued = counts.queued
        executing = counts.executing
        completed = counts.completed
        failed = counts.failed
        killed = counts.killed
        timed_out = counts.timedOut
        late = counts.late
        live_anchors = UInt64(statistics.liveAnchors)
        idle_anchors = UInt64(statistics.idleAnchors)
        leases_opened = statistics.leasesOpened
        leases_released = statistics.leasesReleased
        lease_diversions = statistics.leaseDiversions
        guard let admission = statistics.admission else { return }
        capacity = UInt64(admission.capacity)
        places_in_use = UInt64(admission.inUse)
        rejected = admission.rejected
        dropped = admission.dropped
    }
}

@c @implementation
package func tg_coordinator_statistics_json(
    _ handle: OpaquePointer?, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        let out = try required(out, "out")
        out.pointee = copied(try json(coordinator.statistics()))
    }
}

@c @implementation
package func tg_topology_json(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let out = try required(out, "out")
        do {
            out.pointee = copied(try json(try Machine.current()))
        } catch let error as AffinityError {
            throw Failure(error)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(TG_E_INTERNAL, "\(error)")
        }
    }
}

/// CPU sets as bytes: bit n % 8 of byte n / 8 is CPU n.
enum CPUMask {
    /// Bytes that the highest CPU number takes.
    static let most = (CPUSet.maximumCPU + 1) / 8

    static func set(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) -> CPUSet {
        do {
            return try CPUSet(
                bytes.indices.flatMap { index in
                    (0..<8).filter { bytes[index] & 1 << $0 != 0 }.map { index * 8 + $0 }
                })
        } catch {
            throw Failure(error)
        }
    }

    static func bytes(_ set: CPUSet) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: ((set.last ?? 0) + 8) / 8)
        for cpu in set { bytes[cpu / 8] |= 1 << UInt8(cpu % 8) }
        return bytes
    }
}

@c @implementation
package func tg_coordinator_domain_cpus(
    _ handle: OpaquePointer?, _ domain: UInt32, _ mask: UnsafeMutablePointer<UInt8>?, _ size: Int,
    _ needed: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let domains = try coordinatorOf(handle).machine.domains
        guard (1...domains.count).contains(Int(domain)) else {
            throw Failure(TG_E_INVALID_ARGUMENT, "domain \(domain) is not in 1...\(domains.count)")
        }
        guard (0...mostAtOnce).contains(size) else { throw Failure(TG_E_INVALID_ARGUMENT, "size \(size)") }
        let bytes = CPUMask.bytes(domains[Int(domain) - 1])
        needed?.pointee = bytes.count
        guard size >= bytes.count else {
            throw Failure(TG_E_BUFFER_TOO_SMALL, "the mask takes \(bytes.count) bytes, size is \(size)")
        }
        let mask = try required(mask, "mask")
        for index in 0..<size { mask[index] = index < bytes.count ? bytes[index] : 0 }
    }
}
