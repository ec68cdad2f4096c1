//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Foundation
import TestSupport
import Testing

@Suite("Quota and cpuset of the process's group and every ancestor")
struct CgroupTests {
    @Test(
        "v2: the smallest quota on the way up counts",
        arguments: [
            ("max 100000", "150000 100000", "400000 100000", 1.5),
            ("50000 100000", "max", "max 100000", 0.5),
            ("max", "max", "250000 50000", 5.0),
        ])
    func quotaV2(_ leaf: String, _ middle: String, _ top: String, _ cpus: Double) throws {
        let machine = try FakeMachine().cgroup2("/a/b/c")
        try machine.file("sys/fs/cgroup/a/b/c/cpu.max", leaf + "\n").file("sys/fs/cgroup/a/b/cpu.max", middle + "\n")
            .file("sys/fs/cgroup/a/cpu.max", top + "\n")
        let limits = CgroupLimits.read(root: machine.root)
        #expect(limits.quotaCPUs == cpus)
        #expect(
            limits.groups == ["/sys/fs/cgroup/a/b/c", "/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"])
    }

    @Test("no limit: max everywhere, nothing mounted, nothing recorded, nonsense")
    func noLimit() throws {
        let machine = try FakeMachine()
        #expect(CgroupLimits.read(root: machine.root) == .none)
        try machine.cgroup2("/a").file("sys/fs/cgroup/a/cpu.max", "max 100000\n")
        #expect(CgroupLimits.read(root: machine.root).quotaCPUs == nil)
        for nonsense in ["", "0 0", "-5 100000", "1 0", "one two", "99999999999999999999 1"] {
            try machine.file("sys/fs/cgroup/a/cpu.max", nonsense)
            #expect(CgroupLimits.read(root: machine.root).quotaCPUs == nil, "\(nonsense)")
        }
    }

    @Test("v1: cpu and cpuset hierarchies of their own, -1 is no quota, ancestors count")
    func v1() throws {
        let machine = try FakeMachine()
        try machine.file("proc/self/cgroup", "4:cpuset:/box/in\n3:cpu,cpuacct:/box/in\n1:name=systemd:/x\n0::/x\n")
        try machine.file(
            "proc/self/mountinfo",
            """
            31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro
            33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct
            34 31 0:31 / /sys/fs/cgroup/cpu\\040set rw - cgroup cgroup rw,cpuset

            """
        )
        let cpu = "sys/fs/cgroup/cpu,cpuacct"
        try machine.file("\(cpu)/box/in/cpu.cfs_quota_us", "-1\n").file("\(cpu)/box/in/cpu.cfs_period_us", "100000\n")
            .file("\(cpu)/box/cpu.cfs_quota_us", "300000\n").file("\(cpu)/box/cpu.cfs_period_us", "100000\n")
            .file("\(cpu)/box/cpu.stat", "nr_periods 10\nnr_throttled 4\nthrottled_time 5000\n")
            .file("sys/fs/cgroup/cpu set/box/in/cpuset.cpus", "0-5\n")
            .file("sys/fs/cgroup/cpu set/box/in/cpuset.effective_cpus", "0-3\n")
            .file("sys/fs/cgroup/cpu set/box/cpuset.cpus", "2-7\n")
        let limits = CgroupLimits.read(root: machine.root)
        #expect(limits.quotaCPUs == 3)
        #expect(limits.cpuset?.listFormat == "2-3")
        let throttling = try #require(limits.throttling())
        #expect(throttling.periods == 10 && throttling.throttledPeriods == 4)
        #expect(throttling.throttledNanoseconds == 5000)
    }

    @Test("v2: throttling is read from the group that sets the quota, afresh each time")
    func throttling() throws {
        let machine = try FakeMachine().cgroup2("/a/b")
        try machine.directory("sys/fs/cgroup/a/b").file("sys/fs/cgroup/a/cpu.max", "100000 100000\n")
            .file("sys/fs/cgroup/a/b/cpu.stat", "usage_usec 9\nnr_throttled 1\nthrottled_usec 1\n")
            .file("sys/fs/cgroup/a/cpu.stat", "nr_periods 7\nnr_throttled 2\nthrottled_usec 3\n")
        let limits = CgroupLimits.read(root: machine.root)
        #expect(limits.throttling()?.throttledNanoseconds == 3000)
        try machine.file("sys/fs/cgroup/a/cpu.stat", "nr_periods 8\nnr_throttled 3\nthrottled_usec 4\n")
        #expect(limits.throttling()?.throttledPeriods == 3)
    }

    @Test("v2: the effective cpuset wins over the wished one; an empty one inherits")
    func cpusetV2() throws {
        let machine = try FakeMachine().cgroup2("/a/b")
        try machine.file("sys/fs/cgroup/a/b/cpuset.cpus", "\n").file("sys/fs/cgroup/a/cpuset.cpus", "0-9\n")
            .file("sys/fs/cgroup/a/cpuset.cpus.effective", "4-5\n")
        #expect(CgroupLimits.read(root: machine.root).cpuset?.listFormat == "4-5")
        try machine.file("sys/fs/cgroup/a/b/cpuset.cpus.effective", "5\n")
        #expect(CgroupLimits.read(root: machine.root).cpuset?.listFormat == "5")
    }

    @Test("v2: a partition's CPUs are not looked for in its ancestors' effective sets")
    func partition() throws {
        let machine = try FakeMachine().cgroup2("/a/b")
        try machine.file("sys/fs/cgroup/a/b/cpuset.cpus.effective", "6-7\n")
            .file("sys/fs/cgroup/a/b/cpuset.cpus.partition", "isolated\n")
            .file("sys/fs/cgroup/a/cpuset.cpus.effective", "0-5\n")
        #expect(CgroupLimits.read(root: machine.root).cpuset?.listFormat == "6-7")
    }

    @Test(
        "namespaces: the mount's root is taken off the path, and roots above the namespace show the mount alone",
        arguments: [
            ("/docker/x/app", "/docker/x", "app", 1.0),
            ("/docker/x", "/docker/x", "", 1.0),
            ("/app", "/", "app", 1.0),
            ("/", "/../..", "", 1.0),
            ("/../other", "/..", "other", 1.0),
            ("/../../moved", "/", "", 1.0),
        ])
    func namespaces(_ path: String, _ mountRoot: String, _ folder: String, _ cpus: Double) throws {
        let machine = try FakeMachine().cgroup2(path, mountRoot: mountRoot)
        try machine.file("sys/fs/cgroup/\(folder)/cpu.max", "100000 100000\n")
        #expect(CgroupLimits.read(root: machine.root).quotaCPUs == cpus)
    }

    @Test("a group that is not below the mount, or whose folder is gone, falls back to what can be seen")
    func missingFolder() throws {
        let machine = try FakeMachine().cgroup2("/a/gone (deleted)")
        try machine.file("sys/fs/cgroup/a/cpu.max", "200000 100000\n")
        #expect(CgroupLimits.read(root: machine.root).quotaCPUs == 2)
        try machine.cgroup2("/elsewhere", mountRoot: "/docker/x")
        #expect(CgroupLimits.read(root: machine.root).groups.isEmpty)
    }

    @Test("old trees: proc/mounts, a cpuset file system, proc/self/cpuset")
    func oldest() throws {
        let machine = try FakeMachine()
        try machine.file("proc/mounts", "none /dev/cpuset cpuset rw 0 0\n").file("proc/self/cpuset", "/batch\n")
            .file("dev/cpuset/batch/cpus", "1-2\n").file("dev/cpuset/cpus", "0-3\n")
        #expect(CgroupLimits.read(root: machine.root).cpuset?.listFormat == "1-2")
    }
}
