//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

package import Affinity
import Synchronization
import TokenCore

/// An `AffinitySystem` that fails as told and otherwise is the real one, except that masks are only remembered: any CPU
/// number can be asked for.
package final class FakeAffinitySystem: AffinitySystem {
    /// How the fake answers.
    package struct Faults: Sendable {
        /// The `errno` with which setting a mask fails.
        package var setAffinity: Int32?
        /// Whether setting a mask succeeds without effect.
        package var pretends = false
        /// The `errno` with which reading a mask fails.
        package var affinity: Int32?
        /// The `errno` with which setting a nice value fails.
        package var setNice: Int32?
        /// The `errno` with which thread creation fails.
        package var createThread: Int32?

        /// No faults.
        package init() {}
    }

    private let faults: Faults
    private let mask: Mutex<CPUSet>
    private let real = LinuxAffinity()

    /// Makes a fake whose threads start with `mask`.
    package init(mask: CPUSet, _ configure: (inout Faults) -> Void = { _ in }) {
        var faults = Faults()
        configure(&faults)
        self.faults = faults
        self.mask = Mutex(mask)
    }

    package func setAffinity(_ cpus: CPUSet) throws(SystemCallError) {
        if let errno = faults.setAffinity { throw SystemCallError("sched_setaffinity", errno: errno) }
        if !faults.pretends { mask.withLock { $0 = cpus } }
    }

    package func affinity() throws(SystemCallError) -> CPUSet {
        if let errno = faults.affinity { throw SystemCallError("sched_getaffinity", errno: errno) }
        return mask.withLock { $0 }
    }

    package func setNice(_ nice: Int) throws(SystemCallError) {
        if let errno = faults.setNice { throw SystemCallError("setpriority", errno: errno) }
        try real.setNice(nice)
    }

    package func setTimeSlice(_ nanoseconds: UInt64) throws(SystemCallError) { try real.setTimeSlice(nanoseconds) }

    package func nice() throws(SystemCallError) -> Int { try real.nice() }

    package func setName(_ name: String) { real.setName(name) }

    package func threadID() -> Int32 { real.threadID() }

    package func createThread(
        stackSize: Int, start: @escaping @Sendable () -> Void
    ) throws(SystemCallError) -> ThreadHandle {
        if let errno = faults.createThread { throw SystemCallError("pthread_create", errno: errno) }
        return try real.createThread(stackSize: stackSize, start: start)
    }

    /// How threads were let go.
    package struct Endings: Sendable, Equatable {
        package var joined = 0
        package var detachedByThemselves = 0
        package var detachedByOthers = 0
        package var all: Int { joined + detachedByThemselves + detachedByOthers }

        /// None yet.
        package init() {}
    }

    private let counted = Guarded(Endings())
    package var endings: Endings { counted.withLock { $0 } }

    package func join(_ thread: ThreadHandle) {
        real.join(thread)
        counted.withLock { $0.joined += 1 }
    }

    package func detach(_ thread: ThreadHandle) {
        let isItself = real.isCurrent(thread)
        real.detach(thread)
        counted.withLock { if isItself { $0.detachedByThemselves += 1 } else { $0.detachedByOthers += 1 } }
    }

    package func isCurrent(_ thread: ThreadHandle) -> Bool { real.isCurrent(thread) }
}
