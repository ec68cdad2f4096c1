//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CAffinity

/// What a thread has done with its time so far, in nanoseconds.
package struct ThreadUsage: Sendable, Hashable {
    /// On a CPU.
    package var ran: Int64
    /// Able to run, but without a CPU; 0 where the kernel does not tell.
    package var waited: Int64

    /// Puts a reading together.
    package init(ran: Int64, waited: Int64) { (self.ran, self.waited) = (ran, waited) }
}

/// Reads what other threads of the process do with their time.
package protocol ThreadClocks: Sendable {
    /// The usage of a thread; nil where it cannot be read, or the thread is gone.
    func usage(of tid: Int32) -> ThreadUsage?
    /// Whether the thread runs or could run at this moment; nil where that cannot be read.
    ///
    /// A thread that waits for a CPU is not charged for that before it gets one.
    func isRunnable(_ tid: Int32) -> Bool?
}

/// The clocks of the running Linux.
///
/// `/proc/self/task/TID/schedstat` where the kernel keeps it (`CONFIG_SCHED_INFO`), else the thread's CPU clock, which knows
/// nothing of waiting. Costs two to five microseconds a call.
package struct LinuxThreadClocks: ThreadClocks {
    private let tree: SystemTree

    /// Reads below a root; default the running machine.
    package init(root: String = "/") { tree = SystemTree(root: root) }

    package func usage(of tid: Int32) -> ThreadUsage? {
        if let fields = tree.fields("proc/self/task/\(tid)/schedstat"), fields.count >= 2,
            let ran = Int64(fields[0]), let waited = Int64(fields[1])
        {
            return ThreadUsage(ran: ran, waited: waited)
        }
        return tree.isReal ? Self.cpuTime(of: tid).map { ThreadUsage(ran: $0, waited: 0) } : nil
    }

    /// What a thread's CPU clock says; nil where there is no such thread.
    static func cpuTime(of tid: Int32) -> Int64? {
        var ran: Int64 = 0
        return tga_thread_cpu_time(tid, &ran) == 0 ? ran : nil
    }

    /// For how long the calling thread has been on a CPU, in nanoseconds.
    package static var ownCPUTime: Int64 { cpuTime(of: tga_current_tid()) ?? 0 }

    package func isRunnable(_ tid: Int32) -> Bool? {
        // "TID (name) S …": the name may hold anything, also spaces and parentheses.
        guard let text = tree.text("proc/self/task/\(tid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].first { $0 != " " }.map { $0 == "R" }
    }
}
