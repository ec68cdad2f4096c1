//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import Routing
internal import Synchronization
internal import TokenCore

// Convergence: how many threads of a crew run at once follows what they do (Docs/Adaptation.md).
extension Engine {
    /// What is seen of a crew in one look under its lock.
    private struct Look {
        var isClosed = false
        var active = 0
        var target = 1
        /// At least; what stands behind the first in a mailbox is not counted.
        var queued = 0
        var oldest: Int64?
        var firstJob: UInt64?
        var nextJob: UInt64 = 0
        var threads: [(tid: Int32, absences: UInt64)] = []
    }

    /// Looks at each standard and heavy crew once, and lets more or fewer of its threads run where that is called for.
    ///
    /// Called by one thread at a time.
    ///
    /// - Returns: whether anything runs or waits.
    @discardableResult
    func sampleCrews() -> Bool {
        guard let adapter else { return false }
        if adapter.memories.isEmpty {
            let memory = Adapter.Memory(convergence: Convergence(configuration.convergence))
            adapter.memories = .init(repeating: memory, count: domains.count * 2)
        }
        var isBusy = false
        for domain in domains.indices {
            for kind in [CrewKind.standard, .heavy] {
                let crew = domains[domain][kind]
                let place = domain * 2 + kind.rawValue
                // Some loads for a crew that has nothing to do. Those of a retired domain are never ready.
                let isAtWork =
                    crew.hasMail
                    || (isRetired(domain)
                        ? crew.state.withLock { $0.active > 0 } : !crews.ready(kind).contains(domain))
                if isAtWork { isBusy = true }
                if isAtWork || adapter.memories[place].isDirty { sample(crew, &adapter.memories[place]) }
            }
        }
        rereadMachine()
        return isBusy
    }

    private func sample(_ crew: Crew, _ memory: inout Adapter.Memory) {
        let look = look(at: crew)
        let now = configuration.time.now
        defer { (memory.nextJob, memory.time) = (look.nextJob, now) }
        guard !look.isClosed, look.queued > 0 || look.target > 1 else {
            // Nothing waits, and nothing was changed: what its bodies do makes no difference.
            guard memory.isDirty else { return }
            memory.convergence.reset()
            memory.readings = [:]
            memory.isDirty = false
            return crew.state.withLock { $0.blockedShare = nil }
        }
        memory.isDirty = true
        let share = blockedShare(look, &memory, now)
        var age: Int64 = 0
        // Tokens bear the engine's own time.
        if let oldest = look.oldest { age = max(0, self.now() - oldest) }
        // A job that was there at the last sample has waited since then.
        if let first = look.firstJob, first <= memory.nextJob { age = max(age, now - memory.time) }
        let sample = Convergence.Sample(
            active: look.active, target: look.target, cap: crew.cap, queued: look.queued, oldestAge: age,
            blockedShare: share, now: now)
        let decision = memory.convergence.decide(sample)
        switch decision {
        case .keep: crew.state.withLock { $0.blockedShare = share }
        case .raise(let target, let reason), .lower(let target, let reason):
            retarget(crew, to: target, share, Self.words(reason, sample))
        }
    }

    private func look(at crew: Crew) -> Look {
        crew.state.withLock { state in
            var look = Look(isClosed: state.isClosed, active: state.active, target: state.target)
            look.oldest = crew.oldestSubmission(state)
            look.queued = state.jobs.count + (crew.hasMail ? 1 : 0)
            look.firstJob = state.jobs.first?.number
            look.nextJob = state.nextJob
            if look.queued == 0, look.target == 1 { return look }
            for worker in state.workers where worker.standing == .active && worker.cover == 0 {
                guard worker.runningCount > 0 || worker.jobOwner != 0, let tid = worker.report?.tid else { continue }
                look.threads.append((tid, worker.absences))
            }
            return look
        }
    }

    /// For which share of the time since the last sample the threads that run bodies were blocked: neither on a CPU nor able to
    /// run.
    ///
    /// Only threads count that have run bodies all the while. Nil where there are none, or nothing can be read.
    private func blockedShare(_ look: Look, _ memory: inout Adapter.Memory, _ now: Int64) -> Double? {
        let clocks = configuration.threadClocks
        var readings: [Int32: Adapter.Reading] = [:]
        var (blocked, total): (Int64, Int64) = (0, 0)
        for (tid, absences) in look.threads {
            guard let usage = clocks.usage(of: tid) else { continue }
            readings[tid] = Adapter.Reading(usage: usage, absences: absences, time: now)
            guard let before = memory.readings[tid], before.absences == absences, before.time < now else { continue }
            let interval = now - before.time
            var rest = max(0, interval - (usage.ran - before.usage.ran) - (usage.waited - before.usage.waited))
            // One that has been waiting for a CPU all the while is not charged for it before it gets one.
            if rest > interval / 4, clocks.isRunnable(tid) == true { rest = 0 }
            blocked += min(rest, interval)
            total += interval
        }
        if !look.threads.isEmpty { adapter?.status = readings.isEmpty ? .unreadable : .measuring }
        memory.readings = readings
        return total > 0 ? Double(blocked) / Double(total) : nil
    }

    /// Lets another number of a crew's threads run, and puts them to work.
    private func retarget(_ crew: Crew, to target: Int, _ share: Double?, _ reason: String) {
        let before: Int? = crew.state.withLock { state in
            if state.isClosed { return nil }
            let before = state.target
            state.target = target
            state.blockedShare = share
            publishReadiness(of: crew, &state)
            return before
        }
        guard let before, before != target else { return }
        events.emit {
            .workersChanged(domain: crew.domain + 1, crew: "\(crew.kind)", from: before, to: target, reason: reason)
        }
        // Who has pushed before the bit was set has woken nobody.
        for _ in 0..<max(0, target - before) { wakeForWork(crew) }
    }

    private static func words(_ reason: Convergence.Reason, _ sample: Convergence.Sample) -> String {
        let share = sample.blockedShare.map { "\(Int(($0 * 100).rounded())) %" } ?? "an unknown share"
        return switch reason {
        case .blocked:
            "blocked: running bodies were blocked for \(share) of their time, and a token has waited for "
                + "\(sample.oldestAge / 1_000_000) ms"
        case .busy: "busy: running bodies were blocked for \(share) of their time only, and take turns on the core"
        case .unused: "unused: nothing waits, and \(sample.active) of \(sample.target) are at work"
        case .cap: "cap: \(sample.cap) at most"
        }
    }
}
