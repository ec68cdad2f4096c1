//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("C4: pinned means pinned")
struct PinningTests {
    private let eperm: Int32 = 1
    private let einval: Int32 = 22
    private let enosys: Int32 = 38

    /// Runs a thread to its end and returns its report.
    private func report(
        cpus: CPUSet?, nice: Int = 0, system: any AffinitySystem = LinuxAffinity()
    ) throws -> PinReport {
        let box = Box<PinReport>()
        let thread = try PinnedThread.spawn(name: "pin", cpus: cpus, nice: nice, system: system) { box.put($0) }
        #expect(thread.join())
        return try #require(box.value)
    }

    @Test("C4: a thread pins itself to each allowed CPU, and the mask read back is the one asked for")
    func pinsToEachCPU() throws {
        for cpu in try CurrentThread.affinity() {
            let wanted = try CPUSet([cpu])
            let seen = Box<(PinReport, Int?, CPUSet)>()
            let thread = try PinnedThread.spawn(name: "pin", cpus: wanted) { report in
                if let actual = try? CurrentThread.affinity() { seen.put((report, CurrentThread.cpu(), actual)) }
            }
            thread.join()
            let (report, ran, actual) = try #require(seen.value)
            #expect(report.status == .pinned && report.verified)
            #expect(report.requested == wanted && report.actual == wanted && actual == wanted)
            #expect(ran == cpu)
            #expect(report.tid != CurrentThread.tid())
        }
    }

    @Test("C4: a refused pin leaves the thread running, unpinned, and the report says why")
    func refused() throws {
        for errno in [eperm, einval] {
            let mask = try CPUSet(list: "0-3")
            let report = try report(
                cpus: CPUSet([2]), system: FakeAffinitySystem(mask: mask) { $0.setAffinity = errno })
            #expect(report.status == .refused(errno: errno))
            #expect(!report.verified && report.actual == mask && report.requested?.listFormat == "2")
            #expect(report.description.contains("unpinned"))
        }
    }

    @Test("C4: a pin that only pretends is not called pinned")
    func pretended() throws {
        let mask = try CPUSet(list: "0-3")
        let report = try report(cpus: CPUSet([2]), system: FakeAffinitySystem(mask: mask) { $0.pretends = true })
        #expect(report.status == .unverified && !report.verified && report.actual == mask)
    }

    @Test("C4: a mask that cannot be read back is unverified")
    func unreadable() throws {
        let report = try report(
            cpus: CPUSet([0]), system: FakeAffinitySystem(mask: CPUSet()) { $0.affinity = enosys })
        #expect(report.status == .unverified && report.actual == nil)
    }

    @Test("C4: the real kernel's refusal of a CPU that does not exist is reported")
    func noSuchCPU() throws {
        let report = try report(cpus: CPUSet([65_535]))
        #expect(report.status == .refused(errno: einval))
        #expect(report.actual == (try CurrentThread.affinity()))
    }

    @Test("C4: a mask beyond 1,024 CPUs is set and read back whole")
    func largeMask() throws {
        let wanted = try CPUSet(list: "7,2000-2003,65535")
        let report = try report(cpus: wanted, system: FakeAffinitySystem(mask: CPUSet([0])))
        #expect(report.verified && report.actual == wanted)
    }

    @Test("C4: without a wish nothing is pinned")
    func notRequested() throws {
        let report = try report(cpus: nil)
        #expect(report.status == .notRequested && report.requested == nil && !report.verified)
        #expect(report.actual == (try CurrentThread.affinity()))
    }

    @Test("the nice value is the thread's own, and the report tells what is in force")
    func nice() throws {
        let mine = try LinuxAffinity().nice()
        #expect(try report(cpus: nil, nice: 19).nice == 19)
        #expect(try LinuxAffinity().nice() == mine)
        let refused = FakeAffinitySystem(mask: try CPUSet([0])) { $0.setNice = eperm }
        #expect(try report(cpus: nil, nice: 19, system: refused).nice == mine)
    }

    @Test("the time slice is the thread's own, where the kernel knows of slices; wrong ones are refused by name")
    func timeSlice() throws {
        func slice(_ slice: Duration?) throws -> UInt64? {
            let seen = Box<UInt64?>()
            try PinnedThread.spawn(name: "slice", cpus: nil, timeSlice: slice) { _ in
                seen.put((try? LinuxAffinity().timeSlice()) ?? nil)
            }.join()
            return try #require(seen.value)
        }
        if let own = try LinuxAffinity().timeSlice() {
            #expect(try slice(nil) == own)
            #expect(try slice(.microseconds(300)) == 300_000)
            #expect(try slice(.milliseconds(100)) == 100_000_000)
            #expect(try LinuxAffinity().timeSlice() == own)
        }
        for wrong in [Duration.microseconds(-1), .nanoseconds(99_999), .milliseconds(101), .seconds(Int64.max)] {
            let error = try #require(throws: AffinityError.self) { _ = try slice(wrong) }
            #expect(error.code == .invalidArgument && error.message.contains("\(wrong)"), "\(error)")
        }
    }

    @Test("C12: a thread that cannot be created is a typed error, and its body never runs")
    func creationFails() throws {
        let system = FakeAffinitySystem(mask: try CPUSet([0])) { $0.createThread = 11 }
        let ran = Box<Bool>()
        let error = try #require(throws: AffinityError.self) {
            _ = try PinnedThread.spawn(name: "w7", cpus: nil, system: system) { _ in ran.put(true) }
        }
        #expect(error.code == .threadUnavailable && error.message.contains("w7") && error.cause is SystemCallError)
        #expect(ran.value == nil)
        let huge = try #require(throws: AffinityError.self) {
            _ = try PinnedThread.spawn(name: "huge", cpus: nil, stackSize: .max) { _ in }
        }
        #expect(huge.code == .threadUnavailable)
    }

    @Test("C12: wrong values are refused by name")
    func wrongValues() throws {
        func code(_ body: () throws -> Void) throws -> AffinityError.Code {
            try #require(throws: AffinityError.self, performing: body).code
        }
        #expect(try code { _ = try PinnedThread.spawn(name: "w", cpus: CPUSet()) { _ in } } == .emptyCPUSet)
        for nice in [-21, 20, .min, .max] {
            #expect(
                try code { _ = try PinnedThread.spawn(name: "w", cpus: nil, nice: nice) { _ in } } == .invalidArgument)
        }
        for size in [65_535, 1, 0, -1, .min] {
            #expect(
                try code { _ = try PinnedThread.spawn(name: "w", cpus: nil, stackSize: size) { _ in } }
                    == .invalidArgument)
        }
        #expect(try code { try CurrentThread.setAffinity(CPUSet()) } == .emptyCPUSet)
    }

    @Test(
        "a name is cut to 15 bytes between characters",
        arguments: [
            ("worker", "worker"), ("0123456789abcdefgh", "0123456789abcde"), ("0123456789abcdé", "0123456789abcd"),
            ("", ""),
        ])
    func names(_ name: String, _ kept: String) throws {
        let seen = Box<String>()
        try PinnedThread.spawn(name: name, cpus: nil) { _ in seen.put(CurrentThread.name()) }.join()
        #expect(seen.value == kept)
    }

    /// pthread_detach(3) of a thread that ends meanwhile reads memory that is unmapped by then.
    @Test(
        "a thread that is let go, before or after its end, by name or by the last reference, is detached by itself alone"
    )
    func lettingGo() async throws {
        let system = FakeAffinitySystem(mask: try CurrentThread.affinity())
        let (gate, ran) = (Gate(), Tally())
        let running = try PinnedThread.spawn(name: "running", cpus: nil, system: system) { _ in gate.pass() }
        await gate.waitForArrivals()
        running.detach()
        #expect(system.endings == FakeAffinitySystem.Endings())
        gate.open()
        #expect(await eventually { system.endings.detachedByThemselves == 1 })

        let rounds = Sizes.part(of: 200)
        await concurrently(4) { _ in
            for round in 0..<rounds {
                let thread = try? PinnedThread.spawn(name: "ending", cpus: nil, system: system) { _ in ran.add() }
                if round % 4 < 2 { while ran.value <= round { sched_yield() } }
                if round % 2 == 0 { thread?.detach() }
            }
        }
        #expect(await eventually { system.endings.all == 4 * rounds + 1 })
        #expect(ran.value == 4 * rounds && system.endings.detachedByOthers == 0, "\(system.endings)")
    }

    @Test("many may join; the thread itself may not wait for itself; detach lets go")
    func joining() throws {
        let gate = DispatchSemaphore(value: 0)
        let own = Box<PinnedThread>()
        let selfJoin = Box<Bool>()
        let thread = try PinnedThread.spawn(name: "join", cpus: nil) { _ in
            gate.wait()
            if let thread = own.value { selfJoin.put(thread.join()) }
        }
        own.put(thread)
        let joiners = try (0..<3).map { _ in
            try PinnedThread.spawn(name: "joiner", cpus: nil) { _ in thread.join() }
        }
        gate.signal()
        for joiner in joiners { #expect(joiner.join()) }
        #expect(thread.join())
        #expect(selfJoin.value == false)

        let done = DispatchSemaphore(value: 0)
        let loose = try PinnedThread.spawn(name: "loose", cpus: nil) { _ in done.signal() }
        loose.detach()
        loose.detach()
        #expect(!loose.join())
        done.wait()
    }

    @Test("what a pinned thread starts inherits its mask, unless it is started with the original one")
    func inheritance() throws {
        let allowed = try CurrentThread.affinity()
        let one = try CPUSet([try #require(allowed.first)])
        let seen = Box<(CPUSet?, CPUSet?, CPUSet?)>()
        @Sendable func child() -> CPUSet? {
            let box = Box<CPUSet>()
            _ = try? PinnedThread.spawn(name: "child", cpus: nil) { $0.actual.map(box.put) }.join()
            return box.value
        }
        try PinnedThread.spawn(name: "parent", cpus: one) { _ in
            let inherited = child()
            let freed = CurrentThread.withOriginalAffinity { _ in child() }
            seen.put((inherited, freed, try? CurrentThread.affinity()))
        }
        .join()
        let (inherited, freed, after) = try #require(seen.value)
        #expect(inherited == one)
        #expect(freed == Machine.originalMask)
        #expect(after == one)
    }

    @Test("withAffinity puts the mask back, also when the body throws")
    func restores() throws {
        struct Oops: Error {}
        let before = try CurrentThread.affinity()
        let one = try CPUSet([try #require(before.first)])
        #expect(throws: Oops.self) {
            try CurrentThread.withAffinity(one) { report in
                #expect(report.verified)
                throw Oops()
            }
        }
        #expect(try CurrentThread.affinity() == before)
    }
}

/// A place for one value, shared between threads.
private final class Box<Value: Sendable>: Sendable {
    private let storage = Mutex<Value?>(nil)
    var value: Value? { storage.withLock { $0 } }
    func put(_ value: Value) { storage.withLock { $0 = value } }
}
