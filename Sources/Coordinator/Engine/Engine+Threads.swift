//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import TokenCore

// Waking and making threads. The protocol is in Docs/Parking.md.
extension Engine {
    // MARK: Waking

    /// Puts one more thread of a crew to work, if it can use one: wakes an idle one, or makes a new one.
    ///
    /// - Returns: whether it did; not where the crew has started meanwhile, or the system refuses the thread.
    @discardableResult
    func wake(_ crew: Crew) -> Bool {
        let woken: (worker: Worker?, mustSpawn: Bool) = crew.state.withLock { state in
            if let worker = activateIdle(of: crew, &state) { return (worker, false) }
            guard crew.canStart(state) else { return (nil, false) }
            defer { publishReadiness(of: crew, &state) }
            state.active += 1
            state.threads += 1
            return (nil, true)
        }
        if let worker = woken.worker {
            worker.parker.unpark()
            return true
        }
        guard woken.mustSpawn else { return false }
        if Worker.current?.crew.kind == .heavy, spawner.ask(for: crew) { return true }
        return spawnOrHandOver(crew)
    }

    /// Counts an idle worker as active, if there is one and the crew can use it: the caller unparks it.
    ///
    /// Under the crew's lock.
    private func activateIdle(of crew: Crew, _ state: inout Crew.State) -> Worker? {
        guard crew.canStart(state), let worker = state.idle.popLast() else { return nil }
        state.active += 1
        publishReadiness(of: crew, &state)
        return worker
    }

    /// Sets the crew's bit to what its state says.
    ///
    /// Under its lock.
    func publishReadiness(of crew: Crew, _ state: inout Crew.State) {
        let isReady = crew.canStart(state) && !isRetired(crew.domain)
        guard isReady != state.isReady else { return }
        state.isReady = isReady
        crews.ready(crew.kind).set(crew.domain, isReady)
    }

    // MARK: Making

    /// The nice value of heavy workers: the process's own plus the configured distance; 0 leaves it alone.
    private var heavyNice: Int {
        configuration.heavyNice == 0 ? 0 : min(19, baseNice + configuration.heavyNice)
    }

    /// The kernel lets a waking thread in ahead of a running one that has a longer slice (Linux 6.12): without that, a light
    /// token's worker waits for the slice of a heavy one, 2 to 4 ms, in one case of a hundred.
    private static let standardSlice = Duration.microseconds(100)

    /// Makes a thread for which `threads` and `active` are counted already.
    func spawn(_ crew: Crew) throws(TokenError) {
        let worker = crew.state.withLock { state in
            state.nextNumber += 1
            let worker = Worker(crew: crew, number: state.nextNumber, of: self)
            state.workers.append(worker)
            return worker
        }
        do {
            let thread = try PinnedThread.spawn(
                name: "tg\(crew.domain + 1)-\(crew.kind)-\(worker.number)",
                cpus: configuration.pinMode == .none ? nil : pins(of: crew.domain),
                nice: crew.kind == .heavy ? heavyNice : 0,
                timeSlice: crew.kind == .standard ? Self.standardSlice : .zero,
                stackSize: configuration.stackSize, system: configuration.affinitySystem
            ) { [self] report in
                crew.state.withLock { _ in worker.report = report }
                events.emit {
                    .workerStarted(domain: crew.domain + 1, crew: "\(crew.kind)", number: worker.number, pin: report)
                }
                worker.inhabit { live(worker) }
                worker.giveCountersBack()
                events.emit { .workerEnded(domain: crew.domain + 1, crew: "\(crew.kind)", number: worker.number) }
            }
            thread.detach()
            crew.state.withLock { $0.isRefused = false }
        } catch {
            // Another may have gone idle meanwhile, leaving what there is to this one.
            let idle: Worker? = crew.state.withLock { state in
                defer { publishReadiness(of: crew, &state) }
                state.workers.removeAll { $0 === worker }
                state.threads -= 1
                state.active -= 1
                state.isRefused = true
                guard crew.hasMail || !state.jobs.isEmpty || canSteal(crew) else { return nil }
                return activateIdle(of: crew, &state)
            }
            idle?.parker.unpark()
            throw TokenError(
                .threadUnavailable, "domain \(crew.domain + 1) could not start a \(crew.kind) thread", cause: error)
        }
    }

    /// Makes a thread; where the system refuses and the crew has none at all, the standard crew gets its work.
    ///
    /// - Returns: whether it was made.
    @discardableResult
    func spawnOrHandOver(_ crew: Crew) -> Bool {
        do {
            try spawn(crew)
            return true
        } catch {
            events.emit { .threadRefused(domain: crew.domain + 1, crew: "\(crew.kind)", error: "\(error)") }
            if crew.kind != .standard { handOver(crew) }
            // Whoever asked for the thread may have left it at that.
            wakeIdle(besides: crew)
            return false
        }
    }

    /// Gives what a crew without threads has to the standard crew of its domain.
    private func handOver(_ crew: Crew) {
        var stranded: [Unmanaged<AnyTaskToken>] = []
        var jobs: [Crew.Job] = []
        crew.state.withLock { state in
            guard state.threads == 0 else { return }
            while true {
                switch crew.next(&state) {
                case .token(let token): stranded.append(token)
                case .job(let job): jobs.append(job)
                case .arriving, .none: return
                }
            }
        }
        if stranded.isEmpty, jobs.isEmpty { return }
        let standard = domains[crew.domain][.standard]
        for token in stranded {
            let isBound = crew.kind == .storage || isBound(token.takeUnretainedValue())
            standard.push(token, isBound: isBound, mailRank(of: token.takeUnretainedValue()))
        }
        let isClosed = standard.state.withLock { state in
            for job in jobs { state.add(job.work, job.lineage, owner: job.owner) }
            return state.isClosed
        }
        if isClosed { return retireLeftovers([standard]) }
        if !wake(standard) { wakeIdle(besides: standard) }
    }

    /// Wakes an idle thread of another domain where a crew has free tokens that its own threads may not get to.
    ///
    /// Makes none: where the system refuses one it refuses the next, too.
    private func wakeIdle(besides crew: Crew) {
        guard crew.kind != .storage, crew.hasFree else { return }
        for step in 1..<max(1, domains.count) {
            let other = domains[(crew.domain + step) % domains.count][crew.kind]
            if isRetired(other.domain) { continue }
            if let worker = other.state.withLock({ activateIdle(of: other, &$0) }) { return worker.parker.unpark() }
        }
    }
}
