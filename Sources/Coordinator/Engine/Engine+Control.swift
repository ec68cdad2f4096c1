//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
internal import TokenCore

// Pause, resume, kill, discard: what reaches into the queues.
extension Engine {
    // MARK: Pause

    func pause(_ operation: Operation?) -> Bool {
        if let operation { return operations.record(operation).setPaused(true) }
        let before = gate
        open(.paused)
        return !before.contains(.paused)
    }

    func resume(_ operation: Operation?) -> Bool {
        let changed: Bool
        if let operation {
            changed = operations.record(operation).setPaused(false)
        } else {
            changed = gate.contains(.paused)
            close(.paused)
        }
        releasePaused()
        return changed
    }

    /// Lets those go on whose pause is over.
    func releasePaused() {
        for token in withPaused({ $0.takeAll() }) {
            let record = operations.record(token.takeUnretainedValue())
            // Still paused: back to the list, in order.
            if holdIfPaused(token, record) { continue }
            takePermits(token, record)
        }
    }

    // MARK: Block

    func setBlocked(_ operation: Operation, _ blocked: Bool) -> Bool {
        operations.record(operation).setBlocked(blocked)
    }

    // MARK: Sweeps

    /// Settles what an operation, or all, has waiting, and for a kill also what executes.
    ///
    /// - Returns: how many this call settled.
    func sweep(_ operation: Operation?, _ reason: SettleReason, executing: Bool) -> Int {
        let records = operation.map { [operations.record($0)] } ?? operations.seen
        for record in records { record.sweep(reason) }
        let batched = settleBatches(of: operation, for: reason, executing: executing)
        let found = live(of: operation, waiting: true, executing: executing)
        // Whoever holds the turn or the permit gives it back where its token is found dead, not here.
        let count = found.reduce(batched) { $0 + ($1.settle(for: reason, reportingTo: self) ? 1 : 0) }
        purge()
        return count
    }

    /// Takes settled tokens out of the lists they stood in, so that neither their memory nor the next sweep's time
    /// depends on when the lists move.
    ///
    /// What stands in a mailbox is found by its workers soon enough.
    func purge() {
        walks.add(1, ordering: .relaxed)
        for token in withPaused({ $0.takeSettled() }) { retire(token) }
        clearLines()
        defer { trimNeeded() }
        for line in allLines {
            let dead = line.permits.withLock { permits in
                permits.removeWaiters {
                    if case .token(let token) = $0 { token.takeUnretainedValue().isSettled } else { false }
                }
            }
            for case .token(let token) in dead { retire(token) }
        }
        for shard in anchors {
            let dead = shard.table.withLock { table in
                table.removeWaiters { $0.takeUnretainedValue().isSettled }
            }
            for token in dead { retire(token) }
        }
    }

    /// Settles what a sweep doomed and a carrier may have put into a list behind its back.
    func sweepInTransit(_ record: OperationRecord) {
        let control = record.controlNow
        for token in live(of: record.operation, waiting: true, executing: false) where token.epoch != control.epoch {
            token.settle(for: control.reason, reportingTo: self)
        }
    }

    /// The live tokens of an operation, or of all, wherever they are.
    ///
    /// Each list is locked in turn, none with another; nothing is settled under a lock.
    func live(of operation: Operation?, waiting: Bool, executing: Bool, runners: Bool = false) -> [AnyTaskToken] {
        var found: [AnyTaskToken] = []
        func take(_ token: AnyTaskToken) {
            if operation.map({ $0 === token.operation }) ?? (runners || token.operation !== Operation.batchRunner) {
                if !token.isSettled, waiting || token.state == .executing { found.append(token) }
            }
        }
        func take(_ token: Unmanaged<AnyTaskToken>) { take(token.takeUnretainedValue()) }
        if waiting {
            pending.withLock { $0?.forEach(take) }
            for admission in allAdmissions { admission.withLock { $0.forEachStanding(take) } }
            reserved.withLock { $0.values.forEach(take) }
            for shard in anchors { shard.table.withLock { $0.forEachWaiter(take) } }
            withPaused { $0.forEach(take) }
            for line in allLines {
                line.permits.withLock { permits in
                    permits.forEachWaiter { if case .token(let token) = $0 { take(token) } }
                }
            }
        }
        for domain in domains {
            for crew in domain.crews {
                crew.state.withLock { crew.forEachToken($0, waiting: waiting, executing: executing, take) }
            }
        }
        if executing { suspended.withLock { $0.values.forEach(take) } }
        return found
    }
}
