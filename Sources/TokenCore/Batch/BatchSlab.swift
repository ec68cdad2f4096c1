//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A batch and the row of its results.
@usableFromInline
package final class BatchSlab<Success: Sendable>: BatchCore, @unchecked Sendable {
    // A slot is written by the worker that runs its token, before the token has returned; read by who saw that.
    @usableFromInline let slots: UnsafeMutablePointer<Success>

    @usableFromInline
    package override init(count: Int, plan: TokenPlan, body: @escaping BatchBody) {
        slots = .allocate(capacity: max(1, count))
        super.init(count: count, plan: plan, body: body)
    }

    deinit {
        for group in 0..<((count + BatchWord.size - 1) / BatchWord.size) {
            let kept = word(group).kept
            let first = slots + group * BatchWord.size
            if kept == .max {
                first.deinitialize(count: BatchWord.size)
            } else {
                for place in 0..<BatchWord.size where kept & 1 << place != 0 { (first + place).deinitialize(count: 1) }
            }
        }
        slots.deallocate()
    }

    /// What became of a settled token.
    @usableFromInline
    func outcome(of index: Int) -> Result<Success, any Error> {
        let bits = bits(of: index)
        if bits.isKilled { return .failure(settlementError(of: index)) }
        if bits.hasFailed, let error = failure(of: index) { return .failure(error) }
        return .success(slots[index])
    }

    /// What became of all, once they are settled.
    ///
    /// Inlinable, so that it is compiled for the type of the results.
    @inlinable
    func outcomes() -> [Result<Success, any Error>] {
        guard count > 0 else { return [] }
        return Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            let target = buffer.baseAddress.unsafelyUnwrapped
            var index = 0
            while index < count {
                let fault = firstFault(from: index)
                for index in index..<(fault ?? count) { (target + index).initialize(to: .success(slots[index])) }
                if let fault { (target + fault).initialize(to: outcome(of: fault)) }
                index = fault.map { $0 + 1 } ?? count
                initialized = index
            }
        }
    }

    /// What all bodies returned, once they are settled.
    @inlinable
    func results() throws -> [Success] {
        if let fault = firstFault(from: 0) { _ = try outcome(of: fault).get() }
        return Array(UnsafeBufferPointer(start: slots, count: count))
    }

    private func settlementError(of index: Int) -> TokenError {
        reason(of: index).error(of: "token \(id(of: index)) of \"\(plan.operation.name)\"")
    }

    func state(of index: Int) -> TokenState {
        let bits = bits(of: index)
        if bits.isKilled { return reason(of: index).state }
        if bits.hasEnded { return bits.hasFailed ? .failed : .completed }
        return bits.isBegun ? .executing : .admitted
    }

    // MARK: Waiting

    private func watcher() -> AnyTaskToken {
        BatchWatcher(self)
    }

    /// Waits for a token, or for all, without blocking a thread.
    @usableFromInline
    func settled(_ index: Int?) async {
        let watcher = watcher()
        if watch(index, by: watcher) { await watcher.settled() }
    }

    /// As above, unless the calling task is cancelled first; false then.
    @usableFromInline
    func settledUnlessCancelled(_ index: Int?) async -> Bool {
        let watcher = watcher()
        guard watch(index, by: watcher) else { return true }
        if await watcher.settledUnlessCancelled() { return true }
        unwatch(watcher)
        return false
    }

    /// Blocks the thread until a token, or all, are settled.
    func block(_ index: Int?, timeout: Duration?) throws(TokenError) {
        let deadline = try deadline(after: timeout)
        let watcher = watcher()
        guard watch(index, by: watcher) else { return }
        do {
            try watcher.blockUntilSettled(deadline: deadline, timeout: timeout)
        } catch {
            unwatch(watcher)
            let subject = index.map { "token \(id(of: $0))" } ?? "\(unsettledCount) of \(count) tokens"
            throw TokenError(
                .waitTimedOut, "\(subject) of \"\(plan.operation.name)\" had not settled after \(timeout ?? .zero)")
        }
    }
}
