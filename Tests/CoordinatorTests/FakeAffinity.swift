//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import TokenCore

/// The real system but for pinning: it refuses, pretends, or notes what it is asked for.
final class FakeAffinity: AffinitySystem {
    enum Manner: Sendable {
        /// sched_setaffinity fails, as under a seccomp filter.
        case refuses
        /// It succeeds and does nothing, as in some sandboxes.
        case pretends
        /// It believes whatever it is told, so that machines can be made up.
        case believes
        /// The mask cannot be read back.
        case blind
    }

    private let real = LinuxAffinity()
    private let manner: Manner
    private let masks = Guarded<[Int32: CPUSet]>([:])
    /// How many masks it was asked for.
    let asked = Tally()

    init(_ manner: Manner) { self.manner = manner }

    func setAffinity(_ cpus: CPUSet) throws(SystemCallError) {
        asked.add()
        switch manner {
        case .refuses: throw SystemCallError("sched_setaffinity", errno: 1)
        case .pretends, .blind: return
        case .believes: masks.withLock { $0[threadID()] = cpus }
        }
    }

    func affinity() throws(SystemCallError) -> CPUSet {
        if manner == .blind { throw SystemCallError("sched_getaffinity", errno: 38) }
        if manner == .pretends { return (try? CPUSet([4_000])) ?? CPUSet() }
        if let mask = masks.withLock({ $0[threadID()] }) { return mask }
        return try real.affinity()
    }

    func setAffinity(_ cpus: CPUSet, ofThread tid: Int32) throws(SystemCallError) {
        asked.add()
        switch manner {
        case .refuses: throw SystemCallError("sched_setaffinity", errno: 1)
        case .pretends, .blind: return
        case .believes: masks.withLock { $0[tid] = cpus }
        }
    }

    func affinity(ofThread tid: Int32) throws(SystemCallError) -> CPUSet {
        if manner == .blind { throw SystemCallError("sched_getaffinity", errno: 38) }
        if manner == .pretends { return (try? CPUSet([4_000])) ?? CPUSet() }
        if let mask = masks.withLock({ $0[tid] }) { return mask }
        return try real.affinity(ofThread: tid)
    }

    func setNice(_ nice: Int) throws(SystemCallError) { try real.setNice(nice) }
    func setTimeSlice(_ nanoseconds: UInt64) throws(SystemCallError) { try real.setTimeSlice(nanoseconds) }
    func nice() throws(SystemCallError) -> Int { try real.nice() }
    func setName(_ name: String) { real.setName(name) }
    func threadID() -> Int32 { real.threadID() }
    func createThread(
        stackSize: Int, start: @escaping @Sendable () -> Void
    ) throws(SystemCallError) -> ThreadHandle { try real.createThread(stackSize: stackSize, start: start) }
    func join(_ thread: ThreadHandle) { real.join(thread) }
    func detach(_ thread: ThreadHandle) { real.detach(thread) }
    func isCurrent(_ thread: ThreadHandle) -> Bool { real.isCurrent(thread) }
}
