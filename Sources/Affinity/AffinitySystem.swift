//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CAffinity

/// A started thread, as the system that started it names it.
public struct ThreadHandle: Sendable, Hashable {
    /// The system's value; meaningless elsewhere.
    public let rawValue: UInt64

    /// Wraps a system's value.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The system calls behind pinned threads, so that tests can make them fail.
///
/// All but those of other threads, ``createThread(stackSize:start:)``, ``join(_:)``, ``detach(_:)`` and ``isCurrent(_:)`` concern the calling
/// thread. ``LinuxAffinity`` is the real one.
public protocol AffinitySystem: Sendable {
    /// sched_setaffinity(2) for the calling thread.
    func setAffinity(_ cpus: CPUSet) throws(SystemCallError)
    /// sched_getaffinity(2) for the calling thread.
    func affinity() throws(SystemCallError) -> CPUSet
    /// sched_setaffinity(2) for another thread of the process.
    func setAffinity(_ cpus: CPUSet, ofThread tid: Int32) throws(SystemCallError)
    /// sched_getaffinity(2) for another thread of the process.
    func affinity(ofThread tid: Int32) throws(SystemCallError) -> CPUSet
    /// Sets the nice value of the calling thread alone: setpriority(2) with its thread id.
    func setNice(_ nice: Int) throws(SystemCallError)
    /// The nice value of the calling thread.
    func nice() throws(SystemCallError) -> Int
    /// Sets the time slice of the calling thread, in nanoseconds; 0 for the system's own.
    func setTimeSlice(_ nanoseconds: UInt64) throws(SystemCallError)
    /// Names the calling thread; the kernel keeps 15 bytes.
    func setName(_ name: String)
    /// The calling thread's id: gettid(2).
    func threadID() -> Int32
    /// Starts a thread that calls `start` once; when this throws, `start` is never called.
    func createThread(stackSize: Int, start: @escaping @Sendable () -> Void) throws(SystemCallError) -> ThreadHandle
    /// Waits for the thread's end; pthread_join(3).
    func join(_ thread: ThreadHandle)
    /// Lets the thread clean up after itself; pthread_detach(3).
    func detach(_ thread: ThreadHandle)
    /// Whether the handle is the calling thread's.
    func isCurrent(_ thread: ThreadHandle) -> Bool
}

extension AffinitySystem {
    /// Refuses, with ENOSYS: what an implementation does that knows of the calling thread alone.
    public func setAffinity(_ cpus: CPUSet, ofThread tid: Int32) throws(SystemCallError) {
        throw SystemCallError("sched_setaffinity", errno: 38)
    }

    /// Refuses, with ENOSYS: what an implementation does that knows of the calling thread alone.
    public func affinity(ofThread tid: Int32) throws(SystemCallError) -> CPUSet {
        throw SystemCallError("sched_getaffinity", errno: 38)
    }
}

/// The running Linux.
public struct LinuxAffinity: AffinitySystem {
    /// Makes the real system; it holds no state.
    public init() {}

    /// Calls sched_setaffinity(2).
    public func setAffinity(_ cpus: CPUSet) throws(SystemCallError) {
        try setAffinity(cpus, ofThread: 0)
    }

    /// Calls sched_setaffinity(2) with a thread's id.
    public func setAffinity(_ cpus: CPUSet, ofThread tid: Int32) throws(SystemCallError) {
        let error = cpus.words.withUnsafeBufferPointer { tga_set_affinity(tid, $0.baseAddress, $0.count) }
        if error != 0 { throw SystemCallError("sched_setaffinity", errno: error) }
    }

    /// Calls sched_getaffinity(2), with a larger mask for as long as the kernel asks for one.
    public func affinity() throws(SystemCallError) -> CPUSet { try affinity(ofThread: 0) }

    /// Calls sched_getaffinity(2) with a thread's id.
    public func affinity(ofThread tid: Int32) throws(SystemCallError) -> CPUSet {
        let invalid: Int32 = 22  // EINVAL: the kernel knows more CPUs than the mask holds
        var count = 16
        while true {
            var words = [UInt64](repeating: 0, count: count)
            let result = words.withUnsafeMutableBufferPointer { tga_get_affinity(tid, $0.baseAddress, $0.count) }
            if result >= 0 { return CPUSet(words: words) }
            guard result == -Int(invalid), count * 64 <= CPUSet.maximumCPU else {
                throw SystemCallError("sched_getaffinity", errno: Int32(-result))
            }
            count *= 2
        }
    }

    /// Calls setpriority(2) for the calling thread.
    public func setNice(_ nice: Int) throws(SystemCallError) {
        let error = tga_set_nice(Int32(clamping: nice))
        if error != 0 { throw SystemCallError("setpriority", errno: error) }
    }

    /// Calls getpriority(2) for the calling thread.
    public func nice() throws(SystemCallError) -> Int {
        var nice: Int32 = 0
        let error = tga_get_nice(&nice)
        if error != 0 { throw SystemCallError("getpriority", errno: error) }
        return Int(nice)
    }

    /// Calls sched_setattr(2) for the calling thread; Linux before 6.12 ignores it.
    public func setTimeSlice(_ nanoseconds: UInt64) throws(SystemCallError) {
        let error = tga_set_slice(nanoseconds)
        if error != 0 { throw SystemCallError("sched_setattr", errno: error) }
    }

    /// The time slice of the calling thread in nanoseconds, by sched_getattr(2); nil where the kernel does not tell it.
    public func timeSlice() throws(SystemCallError) -> UInt64? {
        var nanoseconds: UInt64 = 0
        let error = tga_get_slice(&nanoseconds)
        if error != 0 { throw SystemCallError("sched_getattr", errno: error) }
        return nanoseconds == 0 ? nil : nanoseconds
    }

    /// Calls pthread_setname_np(3); a longer name is cut between characters.
    public func setName(_ name: String) { _ = name.withCString { tga_set_name($0) } }

    /// Calls gettid(2).
    public func threadID() -> Int32 { tga_current_tid() }

    /// Calls pthread_create(3).
    public func createThread(
        stackSize: Int, start: @escaping @Sendable () -> Void
    ) throws(SystemCallError) -> ThreadHandle {
        final class Start {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var handle: UInt64 = 0
        let context = Unmanaged.passRetained(Start(start))
        let run: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
            guard let context else { return }
            Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
        }
        let error = tga_thread_create(&handle, stackSize, run, context.toOpaque())
        if error != 0 {
            context.release()
            throw SystemCallError("pthread_create", errno: error)
        }
        return ThreadHandle(rawValue: handle)
    }

    /// Calls pthread_join(3).
    public func join(_ thread: ThreadHandle) { _ = tga_thread_join(thread.rawValue) }

    /// Calls pthread_detach(3).
    public func detach(_ thread: ThreadHandle) { _ = tga_thread_detach(thread.rawValue) }

    /// Calls pthread_equal(3).
    public func isCurrent(_ thread: ThreadHandle) -> Bool { tga_thread_is_self(thread.rawValue) }
}
