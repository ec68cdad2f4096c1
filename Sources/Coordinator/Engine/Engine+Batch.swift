//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Synchronization
package import TokenCore

// Batches: their tokens are counted, controlled and reported as any, but stand in no mailbox. One runner for each domain does,
// a token of an operation that nobody sees; it takes tokens of the batch as long as there are any (Docs/Batch.md).
extension Engine: BatchHost {
    // MARK: Submitting

    package func submit(_ batch: BatchCore) -> Bool {
        let record = operations.record(batch.plan.operation)
        guard gate.isPlain, record.controlNow.isOpen else { return false }
        batch.realm = realm
        batch.firstSequence = record.countSubmissions(batch.count, shard: Self.shardOfThread())
        // After the count: a stop that does not see these tokens is seen here.
        let gate = gate
        let control = record.controlNow
        batch.epoch = control.epoch
        batch.submittedAt = now()
        batches.withLock { $0[ObjectIdentifier(batch)] = batch }
        if gate.contains(.stopped) || gate.contains(.draining) {
            batch.settleAll(for: .coordinatorStopped, executing: true)
            return true
        }
        if record.controlNow.epoch != batch.epoch {
            batch.settleAll(for: record.controlNow.reason, executing: true)
        }
        for _ in 0..<min(domains.count, batch.count) { sendRunner(of: batch, record) }
        return true
    }

    /// Puts a runner into a mailbox, or among what a pause holds: as a token of the batch would be, also while the coordinator
    /// drains.
    private func sendRunner(of batch: BatchCore, _ record: OperationRecord) {
        let runner = BatchRunner(batch, host: self)
        let runners = operations.record(.batchRunner)
        number(runner, runners)
        // After the count: a stop that does not see it is seen here. No thread would find it any more.
        if gate.contains(.stopped) {
            runner.settle(for: .coordinatorStopped, reportingTo: self)
            return
        }
        runner.epoch = runners.controlNow.epoch
        runner.submittedAt = now()
        let owned = Unmanaged<AnyTaskToken>.passRetained(runner)
        if !holdIfPaused(owned, record) { deliver(owned, runners) }
    }

    // MARK: Running

    package func run(_ runner: BatchRunner) {
        let batch = runner.batch
        let record = operations.record(batch.plan.operation)
        guard let worker = Worker.current else {
            fatalError("batch \(batch.id(of: 0)) is run by a thread that is no worker")
        }
        let began = now()
        var most = 1
        runner.began = began
        while true {
            if gate.contains(.stopped) { return }
            if isHeld(record) { return sendRunner(of: batch, record) }
            let first = runner.began
            if let part = batch.takeLeftover(most) {
                run(part, of: batch, runner, worker, record)
            } else {
                runner.rest = batch.take(most)
                if runner.rest.isEmpty { return }
                while !runner.rest.isEmpty {
                    let part = BatchCore.part(of: runner.rest)
                    runner.rest = (runner.rest.lowerBound + part.tokens.nonzeroBitCount)..<runner.rest.upperBound
                    run(part, of: batch, runner, worker, record)
                    // Slower than those before: it looks around first, and others may have them.
                    if runner.began - first > Self.longestTurn || isHeld(record) {
                        // Runners that found nothing left have ended.
                        if runner.rest.count > 16, batch.untaken == 0 { sendRunner(of: batch, record) }
                        giveRestBack(runner)
                    }
                }
            }
            most = Self.nextShare(most, took: runner.began - first, left: batch.untaken / (2 * domains.count))
            if runner.hasSuccessor { return }
            // The worker's other tokens stand behind this runner, and those that come get behind the next.
            if runner.began - began > Self.longestTurn, batch.hasUntaken, hasOthers(worker.crew) {
                return sendRunner(of: batch, record)
            }
        }
    }

    private func isHeld(_ record: OperationRecord) -> Bool { record.controlNow.isPaused || gate.contains(.paused) }

    /// Whether a crew has something else to do, or more threads at it than it should.
    private func hasOthers(_ crew: Crew) -> Bool {
        crew.hasMail || crew.state.withLock { !$0.jobs.isEmpty || $0.active > $0.target }
    }

    private func giveRestBack(_ runner: BatchRunner) {
        let rest = runner.rest
        runner.rest = 0..<0
        if !rest.isEmpty { runner.batch.giveBack(rest) }
    }

    /// How many tokens to take next: enough for the counter that all workers share to cost nothing, few enough for all to end
    /// about together, and one where bodies take long.
    private static func nextShare(_ last: Int, took: Int64, left: Int) -> Int {
        let wanted = took < shortestShare ? last * 2 : took > 2 * shortestShare ? last / 2 : last
        return max(1, min(wanted, left, largestShare))
    }

    private static let shortestShare: Int64 = 20_000
    private static let largestShare = 4096
    /// How long a runner keeps its worker where others wait, in nanoseconds.
    private static let longestTurn: Int64 = 1_000_000

    /// Runs tokens that the runner has taken.
    private func run(
        _ part: BatchCore.Part, of batch: BatchCore, _ runner: BatchRunner, _ worker: Worker, _ record: OperationRecord
    ) {
        let todo = batch.begin(part)
        if todo == 0 { return }
        worker.counters(record).now.pointee.started.bump(Int64(todo.nonzeroBitCount))
        if events.hasListeners { tell(todo, part.group, of: batch, .executing, domain: worker.domain) }
        runner.work.pointee = BatchWork(todo: todo)
        (runner.group, runner.accounted) = (part.group, 0)
        batch.runBodies(part.group, runner.work)
        account(runner, worker, record)
    }

    /// Counts and settles what has ended of the group that a runner works on.
    private func account(_ runner: BatchRunner, _ worker: Worker, _ record: OperationRecord) {
        let (batch, group) = (runner.batch, runner.group)
        let ended = runner.work.pointee.ended & ~runner.accounted
        let end = now()
        defer { runner.began = end }
        let done = ended.nonzeroBitCount
        if done == 0 { return }
        runner.accounted |= ended
        let returned = ended & runner.work.pointee.returned
        let counters = worker.counters(record).now
        counters.pointee.wait.record(runner.began - batch.submittedAt, times: done)
        counters.pointee.run.record((end - runner.began) / Int64(done), times: done)
        // Those that were killed meanwhile are late.
        let killed = worker.counters(record).settling {
            let killed = batch.finish((group, ended), returned: returned)
            let settled = ended & ~killed
            counters.pointee.completed.bump(Int64((settled & returned).nonzeroBitCount))
            counters.pointee.failed.bump(Int64((settled & ~returned).nonzeroBitCount))
            return killed
        }
        let settled = ended & ~killed
        if let history { note(batch, settled, group, returned, runner.began, end, worker, in: history) }
        if killed != 0 { counters.pointee.late.bump(Int64(killed.nonzeroBitCount)) }
        if events.hasListeners {
            tell(settled & returned, group, of: batch, .completed, domain: worker.domain)
            tell(settled & ~returned, group, of: batch, .failed, domain: worker.domain)
            for index in indices(killed, group) {
                events.emit { .lateResult(id: batch.id(of: index), operationType: record.operation.name) }
            }
        }
        batch.tell((group, settled))
        batch.bringDown(by: settled.nonzeroBitCount)
        if batch.isSettled { forget(batch) }
    }

    /// A body blocks: what has ended before it is settled, what its runner has taken besides, others can have.
    package func runnerWillBlock(_ runner: BatchRunner) {
        guard let worker = Worker.current else { return }
        let batch = runner.batch
        let record = operations.record(batch.plan.operation)
        account(runner, worker, record)
        giveRestBack(runner)
        let todo = runner.work.pointee.todo
        runner.work.pointee.todo = 0
        if todo != 0 {
            // Those that were killed meanwhile stay counted as started, and settled.
            let given = batch.giveBack((runner.group, todo))
            worker.counters(record).now.pointee.started.bump(Int64(-given))
        }
        // This one's worker is not there for what is left: another goes on in its place.
        if !runner.hasSuccessor, batch.hasUntaken {
            runner.hasSuccessor = true
            sendRunner(of: batch, record)
        }
    }

    // MARK: Settling

    package func batch(
        _ batch: BatchCore, didSettle tokens: UInt16, inGroup group: Int, hadBegun: UInt16, for reason: SettleReason
    ) {
        let record = operations.record(batch.plan.operation)
        if reason == .coordinatorStopped {
            abandoned.withLock { list in
                for index in indices(tokens, group) {
                    let hadBegun = hadBegun & 1 << (index % 16) != 0
                    list?.append(
                        .init(
                            id: batch.id(of: index), operationType: record.operation.name,
                            state: hadBegun ? .executing : .admitted))
                }
            }
        }
        if let history { note(batch, tokens, group, hadBegun: hadBegun, reason, in: history) }
        if events.hasListeners { tell(tokens, group, of: batch, reason.state, domain: nil) }
        let executing = UInt64(hadBegun.nonzeroBitCount)
        let waiting = UInt64(tokens.nonzeroBitCount) - executing
        let counters = record.elsewhere
        if executing > 0 { counters.pointee.killedExecuting.add(executing, ordering: .sequentiallyConsistent) }
        if waiting > 0 { counters.pointee.killedWaiting.add(waiting, ordering: .sequentiallyConsistent) }
    }

    /// Settles what batches of an operation, or of all, have waiting, and with `executing` what runs; answers how many.
    func settleBatches(of operation: Operation?, for reason: SettleReason, executing: Bool) -> Int {
        let all = batches.withLock { $0.values.filter { operation == nil || $0.plan.operation === operation } }
        return all.reduce(0) { $0 + $1.settleAll(for: reason, executing: executing) }
    }

    package func forget(_ batch: BatchCore) {
        let forgotten = batches.withLock { $0.removeValue(forKey: ObjectIdentifier(batch)) }
        _ = forgotten  // freed outside the lock
    }

    // MARK: Events

    private func tell(_ tokens: UInt16, _ group: Int, of batch: BatchCore, _ state: TokenState, domain: Int?) {
        for index in indices(tokens, group) {
            events.emit {
                .token(
                    id: batch.id(of: index), operationType: batch.plan.operation.name, state: state,
                    domain: domain.map { $0 + 1 })
            }
        }
    }

    func indices(_ tokens: UInt16, _ group: Int) -> [Int] {
        (0..<16).filter { tokens & 1 << $0 != 0 }.map { group * 16 + $0 }
    }
}
