//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A token of the engine's own, which runs tokens of a batch on one worker: as many as there are, or until it is others' turn.
///
/// Its body is that of the token it is running: that one's identity is what bodies see.
package final class BatchRunner: AnyTaskToken, @unchecked Sendable {
    package let batch: BatchCore
    private let host: any BatchHost
    // Touched by the thread that runs it only.
    // A pointer, since a body that blocks has it changed while the batch works on it.
    package let work = UnsafeMutablePointer<BatchWork>.allocate(capacity: 1)
    /// The rest of what it has taken, not begun.
    package var rest = 0..<0
    /// The group it works on, when it began there, and what of it is accounted for.
    package var group = 0
    package var began: Int64 = 0
    package var accounted: UInt16 = 0
    /// Another runner goes on in its place.
    package var hasSuccessor = false

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    package override init(plan: TokenPlan) { fatalError("a runner is made for a batch") }

    package init(_ batch: BatchCore, host: any BatchHost) {
        self.batch = batch
        self.host = host
        work.initialize(to: BatchWork())
        super.init(plan: TokenPlan(operation: .batchRunner, tags: batch.plan.tags))
    }

    deinit { work.deallocate() }

    package override func invoke() -> Bool {
        host.run(self)
        return true
    }

    package override func willBlock() { host.runnerWillBlock(self) }

    package override var idInside: TokenID { batch.id(of: work.pointee.current) }
    package override var operationInside: Operation { batch.plan.operation }
    package override var indexInside: Int { work.pointee.current }
    package override func isSettledInside(_ index: Int) -> Bool {
        let bits = batch.bits(of: index)
        return bits.isKilled || bits.hasEnded
    }
    package override func lineageWasMade() { work.pointee.hasLineage = true }
}

/// A token that stands for one of a batch, or for all of them, for one who waits.
package final class BatchWatcher: AnyTaskToken, @unchecked Sendable {
    package let batch: BatchCore

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    package override init(plan: TokenPlan) { fatalError("a watcher is made for a batch") }

    init(_ batch: BatchCore) {
        self.batch = batch
        super.init(plan: TokenPlan(operation: batch.plan.operation, tags: TokenTags()))
    }
}
