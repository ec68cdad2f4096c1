//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CAffinity

/// The calling thread: where it runs, and where it may run.
///
/// From async code, what is read or set here holds for the thread that happens to run the task now, not for the task.
public enum CurrentThread {
    /// The CPU the caller runs on at this moment, or nil where the system does not tell; sched_getcpu(3).
    ///
    /// Unless the thread is pinned to it, it may run elsewhere by the time this returns.
    public static func cpu() -> Int? {
        let cpu = tga_current_cpu()
        return cpu < 0 ? nil : Int(cpu)
    }

    /// The CPUs the caller may run on; sched_getaffinity(2).
    ///
    /// - Throws: ``AffinityError`` with code `affinityUnavailable` where the system does not tell.
    public static func affinity(system: any AffinitySystem = LinuxAffinity()) throws(AffinityError) -> CPUSet {
        do {
            return try system.affinity()
        } catch {
            throw AffinityError(.affinityUnavailable, "cannot read the calling thread's mask: \(error)", cause: error)
        }
    }

    /// Sets the CPUs the caller may run on, and reads them back.
    ///
    /// - Returns: What came of it; a refusal is told there and nothing has changed.
    /// - Throws: ``AffinityError`` with code `emptyCPUSet` for an empty set.
    @discardableResult
    public static func setAffinity(
        _ cpus: CPUSet, system: any AffinitySystem = LinuxAffinity()
    ) throws(AffinityError) -> PinReport {
        guard !cpus.isEmpty else {
            throw AffinityError(.emptyCPUSet, "a thread needs at least one CPU, got the empty set")
        }
        Machine.noteNarrowing()
        return PinReport.pinCurrentThread(to: cpus, system: system)
    }

    /// Names the caller for `top -H` and debuggers; cut to 15 bytes, never inside a character; pthread_setname_np(3).
    public static func setName(_ name: String) { LinuxAffinity().setName(name) }

    /// The caller's name as the kernel keeps it; prctl(2).
    public static func name() -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16) { buffer in
            guard let base = buffer.baseAddress, tga_get_name(base) == 0 else { return "" }
            return String(cString: base)
        }
    }

    /// The caller's thread id; gettid(2).
    public static func tid() -> Int32 { tga_current_tid() }

    /// Runs `body` with the caller's mask set to `cpus`, then puts the mask back that it had.
    ///
    /// Threads and processes that `body` starts inherit `cpus`.
    ///
    /// - Parameters:
    ///   - cpus: The CPUs; an empty set is refused by the kernel, which the report tells.
    ///   - system: The system calls; default the real ones.
    ///   - body: Runs once, on this thread, with the report: it runs also where the mask could not be set.
    /// - Returns: What `body` returns.
    public static func withAffinity<Result, Failure: Error>(
        _ cpus: CPUSet,
        system: any AffinitySystem = LinuxAffinity(),
        body: (PinReport) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let before = (try? system.affinity()) ?? Machine.originalMask
        Machine.noteNarrowing()
        defer { if let before { try? system.setAffinity(before) } }
        return try body(PinReport.pinCurrentThread(to: cpus, system: system))
    }

    /// Runs `body` with the mask the process started with, then puts the caller's own back.
    ///
    /// What a pinned thread starts inherits its mask; start helper threads and child processes in here instead. Where the
    /// original mask is not known, `body` runs with the mask as it is, and the report says `notRequested`.
    public static func withOriginalAffinity<Result, Failure: Error>(
        system: any AffinitySystem = LinuxAffinity(),
        body: (PinReport) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let original = Machine.originalMask else {
            return try body(PinReport.pinCurrentThread(to: nil, system: system))
        }
        return try withAffinity(original, system: system, body: body)
    }
}
