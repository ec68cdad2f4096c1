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
        guard gate.isPlain, !record.controlNow.isPaused else { return false }
        batch.realm = realm
        batch.firstSequence = record.countSubmissions(batch.count, shard: Self.shardOfThread())
        // After the count: a stop that does not see these tokens is seen here.
        let gate = gate
        let control = record.controlNow
        batch.epoch = control.epoch
        batch.submittedAt = now()
        batches.withLock { $0[ObjectIdentifier(batch)] = batch }
        if gate.contains(.stopped) || gate.contains(.draining) {
            settleAll(of: batch, for: .coordinatorStopped, executing: true)
            return true
        }
        if record.controlNow.epoch != batch.epoch {
            settleAll(of: batch, for: record.controlNow.reason, executing: true)
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
        runner.epoch = runners.controlNow.epoch
        runner.submittedAt = now()
        let owned = Unmanaged<AnyTaskToken>.passRetained(runner)
        if !holdIfPaused(owned, record) { deliver(owned, runners) }
    }

    // MARK: Running

    package func run(_ runner: BatchRunner) {
        let batch = runner.batch
        let record = operations.record(batch.plan.operation)
        guard let worker = Worker.current, let frame = BodyFrame.current else {
            fatalError("batch \(batch.id(of: 0)) is run by a thread that is no worker")
        }
        let began = now()
        var start = began
        var most = 1
        while true {
            if record.controlNow.isPaused || gate.contains(.paused) { return sendRunner(of: batch, record) }
            if let part = batch.takeLeftover() {
                start = run(part, of: batch, runner, worker, frame, record, since: start)
            } else {
                runner.rest = batch.take(most)
                if runner.rest.isEmpty { return }
                let first = start
                while !runner.rest.isEmpty {
                    let part = BatchCore.part(of: runner.rest)
                    runner.rest = (runner.rest.lowerBound + part.tokens.nonzeroBitCount)..<runner.rest.upperBound
                    start = run(part, of: batch, runner, worker, frame, record, since: start)
                }
                most = Self.nextShare(most, took: start - first, left: batch.untaken / (2 * domains.count))
            }
            bringDown(runner)
            // The worker's other tokens stand behind this runner, and those that come get behind the next.
            if start - began > Self.longestTurn, worker.crew.hasMail, batch.hasUntaken {
                return sendRunner(of: batch, record)
            }
        }
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

    /// Runs tokens that the runner has taken; answers when they ended.
    private func run(
        _ part: BatchCore.Part, of batch: BatchCore, _ runner: BatchRunner, _ worker: Worker, _ frame: BodyFrame,
        _ record: OperationRecord, since start: Int64
    ) -> Int64 {
        let todo = batch.begin(part)
        if todo == 0 { return start }
        let counters = worker.counters(record)
        let count = todo.nonzeroBitCount
        counters.now.pointee.started.bump(Int64(count))
        let isListened = events.hasListeners
        if isListened { tell(todo, part.group, of: batch, .executing, domain: worker.domain) }
        (runner.work.pointee.todo, runner.group, runner.givenBack) = (todo, part.group, 0)
        let returned = batch.runBodies(part.group, runner.work)
        frame.renew()
        let end = now()
        let ran = todo & ~runner.givenBack
        let done = ran.nonzeroBitCount
        counters.now.pointee.wait.record(start - batch.submittedAt, times: done)
        counters.now.pointee.run.record((end - start) / Int64(max(1, done)), times: done)
        // Those that were killed are late; the others are counted before anyone sees them settled.
        let early = batch.killed((part.group, ran))
        let counted = ran & ~early
        counters.now.pointee.completed.bump(Int64((counted & returned).nonzeroBitCount))
        counters.now.pointee.failed.bump(Int64((counted & ~returned).nonzeroBitCount))
        let killed = batch.finish((part.group, ran), returned: returned)
        if killed != 0 {
            let between = killed & ~early
            counters.now.pointee.completed.bump(-Int64((between & returned).nonzeroBitCount))
            counters.now.pointee.failed.bump(-Int64((between & ~returned).nonzeroBitCount))
            counters.now.pointee.late.bump(Int64(killed.nonzeroBitCount))
        }
        let settled = ran & ~killed
        counters.now.pointee.finished.bump(Int64(settled.nonzeroBitCount))
        if isListened {
            tell(settled & returned, part.group, of: batch, .completed, domain: worker.domain)
            tell(settled & ~returned, part.group, of: batch, .failed, domain: worker.domain)
            for index in indices(killed, part.group) {
                events.emit {
                    .lateResult(id: batch.id(of: index), operationType: record.operation.name)
                }
            }
        }
        batch.tell((part.group, settled))
        runner.settled += settled.nonzeroBitCount
        return end
    }

    private func bringDown(_ runner: BatchRunner) {
        runner.batch.bringDown(by: runner.settled)
        runner.settled = 0
        if runner.batch.isSettled { forget(runner.batch) }
    }

    /// What the runner has taken, and does not run as long as its body blocks, others can have.
    package func runnerWillBlock(_ runner: BatchRunner) {
        bringDown(runner)
        let batch = runner.batch
        let (rest, todo) = (runner.rest, runner.work.pointee.todo)
        runner.rest = 0..<0
        runner.work.pointee.todo = 0
        if !rest.isEmpty { batch.giveBack(rest) }
        if todo != 0 {
            runner.givenBack |= todo
            let given = batch.giveBack((runner.group, todo))
            if let worker = Worker.current {
                let counters = worker.counters(operations.record(batch.plan.operation))
                counters.now.pointee.started.bump(Int64(-given))
                // Killed after they had begun, as far as anyone knows: they stay counted as started, and settled.
            }
        }
        // This one's worker is not there for what is left: another takes its place.
        if batch.hasUntaken { sendRunner(of: batch, operations.record(batch.plan.operation)) }
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
        return all.reduce(0) { $0 + settleAll(of: $1, for: reason, executing: executing) }
    }

    @discardableResult
    private func settleAll(of batch: BatchCore, for reason: SettleReason, executing: Bool) -> Int {
        batch.settleAll(for: reason, executing: executing)
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

    private func indices(_ tokens: UInt16, _ group: Int) -> [Int] {
        (0..<16).filter { tokens & 1 << $0 != 0 }.map { group * 16 + $0 }
    }
}
