//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing

@testable import Affinity

/// What threads do with their time.
@Suite struct ThreadClocksTests {
    @Test("schedstat and the state of a thread are read whatever its name; what is missing or damaged is not known")
    func files() throws {
        let machine = try FakeMachine()
        let clocks = LinuxThreadClocks(root: machine.root)
        #expect(clocks.usage(of: 7) == nil && clocks.isRunnable(7) == nil)
        try machine.file("proc/self/task/7/schedstat", "580777931 40821 4\n")
        #expect(clocks.usage(of: 7) == ThreadUsage(ran: 580_777_931, waited: 40_821))
        for damaged in ["", "12", "x 1 2", "1 - 2"] {
            try machine.file("proc/self/task/7/schedstat", damaged)
            #expect(clocks.usage(of: 7) == nil)
        }
        for (text, isRunnable) in [
            ("7 (tg1-standard-1) S 1 2", false), ("7 (a) R (b) D 1 2", false), ("7 (x) S) R 1", true),
            ("7 () R 0", true),
        ] {
            try machine.file("proc/self/task/7/stat", text)
            #expect(clocks.isRunnable(7) == isRunnable, "\(text)")
        }
        try machine.file("proc/self/task/7/stat", "nonsense")
        #expect(clocks.isRunnable(7) == nil)
    }

    @Test("A thread that computes runs, one that waits does not, by either clock")
    func real() async throws {
        let gate = Gate()
        let isOver = Tally()
        let tids = Journal<Int32>()
        let sleeper = try PinnedThread.spawn(name: "sleeps", cpus: nil) { report in
            tids.note(report.tid)
            gate.pass()
        }
        #expect(await gate.waitForArrivals())
        let spinner = try PinnedThread.spawn(name: "spins", cpus: nil) { report in
            tids.note(report.tid)
            while isOver.value == 0 {}
        }
        #expect(await eventually { tids.count == 2 })
        let clocks = LinuxThreadClocks()
        let (asleep, busy) = (tids.all[0], tids.all[1])
        #expect(await eventually { clocks.isRunnable(asleep) == false })
        #expect(clocks.isRunnable(busy) == true)
        let before = try #require(clocks.usage(of: busy))
        let clockBefore = try #require(LinuxThreadClocks.cpuTime(of: busy))
        let rest = try #require(clocks.usage(of: asleep))
        #expect(await eventually { (clocks.usage(of: busy)?.ran ?? 0) > before.ran + 1_000_000 })
        #expect(await eventually { (LinuxThreadClocks.cpuTime(of: busy) ?? 0) > clockBefore + 1_000_000 })
        #expect(clocks.usage(of: asleep) == rest)
        isOver.add()
        gate.open()
        #expect(sleeper.join() && spinner.join())
        // No thread has this number.
        #expect(clocks.usage(of: .max) == nil && LinuxThreadClocks.cpuTime(of: .max) == nil)
    }

    @Test("What may change is read as the whole machine is", arguments: ["2-3", "0-7", "9"])
    func limits(_ cpuset: String) throws {
        let machine = try FakeMachine.uniform(cores: 4, threads: 2).cgroup2("/app")
        try machine.file("sys/fs/cgroup/app/cpuset.cpus.effective", cpuset + "\n")
            .file("sys/fs/cgroup/app/cpu.max", "150000 100000\n")
        let whole = try Machine.current(root: machine.root)
        let limits = try #require(Machine.limits(root: machine.root))
        #expect(limits.allowed == whole.allowed && limits.quotaCPUs == whole.quotaCPUs && limits.quotaCPUs == 1.5)
        try machine.online("nonsense")
        #expect(Machine.limits(root: machine.root) == nil)
    }
}
