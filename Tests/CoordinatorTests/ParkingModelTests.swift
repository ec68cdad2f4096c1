//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Testing

/// The park and wake protocol of one crew, in the steps in which the code takes them: producers that push, then look at
/// the crew's bit; two threads, of which one may run a body at a time; a body that blocks until another has run; where asked
/// for, a sampler that lets two run at a time, and one again, while that body blocks without saying so.
///
/// What happens under the crew's lock is one step, except where it touches what producers see without the lock: the bit
/// and the mailbox. There it is as many steps as the code has, and the lock is modelled.
private struct ParkingModel: Hashable {
    enum Variant: Sendable, CaseIterable {
        case asBuilt, withoutRecheck, bitAfterRecheck, blockingWithoutLook
        /// The system refuses some threads; then nobody looks whether another one has gone idle meanwhile.
        case refusing, refusingWithoutLook
        /// The body blocks in a system call, and the number of threads is raised, then lowered again.
        case adapting, adaptingWithoutLook, adaptingWithoutBit

        var refuses: Bool { self == .refusing || self == .refusingWithoutLook }
        var adapts: Bool { self == .adapting || self == .adaptingWithoutLook || self == .adaptingWithoutBit }
    }

    enum Producer: Hashable { case push, look, wake, done }
    enum Sampler: Hashable { case raise, look, lower, done }
    enum Worker: Hashable {
        case absent, making, take, goIdle, publish, recheck, parked, body, blocking, blockedLook, blocked, rejoin
    }

    static let threads = 2
    var producers = [Producer](repeating: .push, count: 2)
    var workers: [Worker] = [.take, .absent]
    /// Tokens in the mailbox, oldest first: 0 is a body that blocks until 1 has run.
    var mail: [Int] = []
    var bit = false
    var active = 1
    var target = 1
    var sampler = Sampler.raise
    var idle: [Int] = []
    var notified = [false, false]
    var running = [-1, -1]
    var lock = -1
    var ran: Set<Int> = []

    private var canStart: Bool { active < target && (!idle.isEmpty || workers.contains(.absent)) }

    /// `wake` of the engine, in one step: all of it is under the lock, but for the unpark.
    private mutating func wake() {
        guard canStart else { return }
        active += 1
        if let worker = idle.popLast() {
            notified[worker] = true
        } else if let absent = workers.firstIndex(of: .absent) {
            workers[absent] = .making
        }
        bit = canStart
    }

    func successors(_ variant: Variant) -> [ParkingModel] {
        var all: [ParkingModel] = []
        for index in producers.indices {
            if let next = produced(index) { all.append(next) }
        }
        for index in workers.indices {
            if let next = worked(index, variant) { all.append(next) }
            if variant.refuses, let next = refused(index, variant) { all.append(next) }
        }
        if variant.adapts, let next = sampled(variant) { all.append(next) }
        return all
    }

    private func produced(_ index: Int) -> ParkingModel? {
        var next = self
        switch producers[index] {
        case .push:
            next.mail.append(index)
            next.producers[index] = .look
        case .look: next.producers[index] = bit ? .wake : .done
        case .wake:
            guard lock < 0 else { return nil }
            next.wake()
            next.producers[index] = .done
        case .done: return nil
        }
        return next
    }

    /// The sampler: raises at any time, looks for what waits, and lowers when the body that blocked has what it waited for,
    /// or at once.
    private func sampled(_ variant: Variant) -> ParkingModel? {
        var next = self
        guard lock < 0 else { return nil }
        switch sampler {
        case .raise:
            // It has seen a body that blocks: before that there is no reason.
            guard running.contains(0) else { return nil }
            next.target = 2
            if variant != .adaptingWithoutBit { next.bit = next.canStart }
            next.sampler = variant == .adaptingWithoutLook ? .lower : .look
        case .look:
            if !mail.isEmpty { next.wake() }
            next.sampler = .lower
        case .lower:
            guard ran.contains(1) else { return nil }
            next.target = 1
            next.bit = next.canStart
            next.sampler = .done
        case .done: return nil
        }
        return next
    }

    /// The thread could not be made.
    private func refused(_ index: Int, _ variant: Variant) -> ParkingModel? {
        guard lock < 0, workers[index] == .making else { return nil }
        var next = self
        next.workers[index] = .absent
        next.active -= 1
        if variant == .refusing, !mail.isEmpty, next.active < 1, let idle = next.idle.popLast() {
            next.active += 1
            next.notified[idle] = true
        }
        next.bit = next.canStart
        return next
    }

    private func worked(_ index: Int, _ variant: Variant) -> ParkingModel? {
        var next = self
        guard lock < 0 || lock == index else { return nil }
        switch workers[index] {
        case .absent: return nil
        case .making: next.workers[index] = .take
        case .take:
            if active > target || mail.isEmpty {
                next.workers[index] = .goIdle
            } else {
                next.running[index] = next.mail.removeFirst()
                next.workers[index] = .body
            }
        case .goIdle:
            next.lock = index
            next.active -= 1
            next.idle.append(index)
            next.workers[index] = variant == .bitAfterRecheck ? .recheck : .publish
        case .publish:
            next.bit = next.canStart
            if variant != .withoutRecheck, variant != .bitAfterRecheck {
                next.workers[index] = .recheck
            } else {
                next.workers[index] = .parked
                next.lock = -1
            }
        case .recheck:
            if active < target, !mail.isEmpty {
                next.idle.removeAll { $0 == index }
                next.active += 1
                next.bit = next.canStart
                next.workers[index] = .take
                next.lock = -1
            } else if variant == .bitAfterRecheck {
                next.workers[index] = .publish
            } else {
                next.workers[index] = .parked
                next.lock = -1
            }
        case .parked:
            guard notified[index] else { return nil }
            next.notified[index] = false
            next.workers[index] = .take
        case .body:
            if running[index] == 0, !ran.contains(1) {
                // In a system call the crew knows nothing of it.
                if variant.adapts { return nil }
                next.workers[index] = .blocking
            } else {
                next.ran.insert(running[index])
                next.running[index] = -1
                next.workers[index] = .take
            }
        case .blocking:
            next.active -= 1
            next.bit = next.canStart
            next.workers[index] = variant == .blockingWithoutLook ? .blocked : .blockedLook
        case .blockedLook:
            if !mail.isEmpty { next.wake() }
            next.workers[index] = .blocked
        case .blocked:
            // Where threads are refused it waits for something outside, which comes at any time.
            guard ran.contains(1) || variant.refuses else { return nil }
            next.workers[index] = .rejoin
        case .rejoin:
            next.active += 1
            next.bit = next.canStart
            if variant.refuses {
                next.ran.insert(0)
                next.running[index] = -1
            }
            next.workers[index] = variant.refuses ? .take : .body
        }
        return next
    }
}

@Suite("Parking")
struct ParkingModelTests {
    /// Explores all interleavings; answers the number of states, and those that are stuck with work left.
    private func explore(_ variant: ParkingModel.Variant) -> (states: Int, stuck: [ParkingModel], wrong: [ParkingModel])
    {
        var seen: Set<ParkingModel> = []
        var stack = [ParkingModel()]
        var (stuck, wrong): ([ParkingModel], [ParkingModel]) = ([], [])
        while let state = stack.popLast() {
            guard seen.insert(state).inserted else { continue }
            let next = state.successors(variant)
            // Where a thread is refused, a blocked body may have nobody to run what it waits for: not the crew's fault.
            let isExcused = variant.refuses && !state.workers.contains(.parked)
            if next.isEmpty, state.ran.count < 2, !isExcused { stuck.append(state) }
            let unblocked = state.workers.count { $0 == .body }
            if unblocked > 2 || state.active < 0 || state.active > 2 { wrong.append(state) }
            stack.append(contentsOf: next)
        }
        return (seen.count, stuck, wrong)
    }

    @Test("Parking: in no interleaving of two producers and two threads is a wake-up lost")
    func asBuilt() {
        let result = explore(.asBuilt)
        #expect(result.stuck.isEmpty, "\(String(describing: result.stuck.first))")
        #expect(result.wrong.isEmpty, "\(String(describing: result.wrong.first))")
        #expect(result.states > 500)
    }

    @Test("Parking: where threads are refused, no token is left behind an idle thread")
    func refusing() {
        let result = explore(.refusing)
        #expect(result.stuck.isEmpty, "\(String(describing: result.stuck.first))")
        #expect(result.wrong.isEmpty, "\(String(describing: result.wrong.first))")
    }

    @Test("Parking: where the number of threads changes at any moment, no token is left behind")
    func adapting() {
        let result = explore(.adapting)
        #expect(result.stuck.isEmpty, "\(String(describing: result.stuck.first))")
        #expect(result.wrong.isEmpty, "\(String(describing: result.wrong.first))")
        #expect(result.states > 500)
    }

    @Test(
        "Parking: without any of the looks, or with the bit set too late, wake-ups are lost",
        arguments: [
            ParkingModel.Variant.withoutRecheck, .bitAfterRecheck, .blockingWithoutLook, .refusingWithoutLook,
            .adaptingWithoutLook, .adaptingWithoutBit,
        ])
    private func broken(variant: ParkingModel.Variant) {
        #expect(!explore(variant).stuck.isEmpty)
    }
}
