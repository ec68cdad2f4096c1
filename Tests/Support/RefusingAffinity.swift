//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import Affinity
internal import Synchronization

/// The real system calls, except that threads can be refused: those whose turn `refuses` says so for, counted from 1.
public struct RefusingAffinity: AffinitySystem {
    private let real = LinuxAffinity()
    private let asked = Tally()
    /// How many threads were refused so far.
    public let refused = Tally()
    private let refuses: @Sendable (Int) -> Bool

    /// Makes a system that asks `refuses` for each thread, with its number from 1.
    public init(_ refuses: @escaping @Sendable (Int) -> Bool) { self.refuses = refuses }

    /// As the real one.
    public func setAffinity(_ cpus: CPUSet) throws(SystemCallError) { try real.setAffinity(cpus) }
    /// As the real one.
    public func affinity() throws(SystemCallError) -> CPUSet { try real.affinity() }
    /// As the real one.
    public func setAffinity(_ cpus: CPUSet, ofThread tid: Int32) throws(SystemCallError) {
        try real.setAffinity(cpus, ofThread: tid)
    }
    /// As the real one.
    public func affinity(ofThread tid: Int32) throws(SystemCallError) -> CPUSet { try real.affinity(ofThread: tid) }
    /// As the real one.
    public func setNice(_ nice: Int) throws(SystemCallError) { try real.setNice(nice) }
    /// As the real one.
    public func setTimeSlice(_ nanoseconds: UInt64) throws(SystemCallError) { try real.setTimeSlice(nanoseconds) }
    /// As the real one.
    public func nice() throws(SystemCallError) -> Int { try real.nice() }
    /// As the real one.
    public func setName(_ name: String) { real.setName(name) }
    /// As the real one.
    public func threadID() -> Int32 { real.threadID() }
    /// Refuses as EAGAIN, or creates.
    public func createThread(
        stackSize: Int, start: @escaping @Sendable () -> Void
    ) throws(SystemCallError) -> ThreadHandle {
        if refuses(asked.add()) {
            refused.add()
            throw SystemCallError("pthread_create", errno: 11)
        }
        return try real.createThread(stackSize: stackSize, start: start)
    }
    /// As the real one.
    public func join(_ thread: ThreadHandle) { real.join(thread) }
    /// As the real one.
    public func detach(_ thread: ThreadHandle) { real.detach(thread) }
    /// As the real one.
    public func isCurrent(_ thread: ThreadHandle) -> Bool { real.isCurrent(thread) }
}
