//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization

/// What a worker is doing for a batch: of the tokens of a group those that it still has to run, the one that it runs, whose
/// bodies have ended, and whose returned.
@usableFromInline
package struct BatchWork {
    @usableFromInline package var todo: UInt16 = 0
    @usableFromInline package var ended: UInt16 = 0
    @usableFromInline package var returned: UInt16 = 0
    @usableFromInline package var current = 0
    /// The body that runs has submitted something: what the next one submits does not descend from it.
    @usableFromInline package var hasLineage = false

    package init(todo: UInt16 = 0) { self.todo = todo }
}

/// Runs the bodies of what `work` has to do in a group, and keeps the results.
@usableFromInline
package typealias BatchBody =
    @Sendable (_ batch: BatchCore, _ group: Int, _ work: UnsafeMutablePointer<BatchWork>) -> Void

/// A submitter that takes batches.
package protocol BatchSubmitter: TokenSubmitter {
    /// Takes a batch on; false where it has to be submitted token by token.
    func submit(_ batch: BatchCore) -> Bool
}

/// Who counts a batch's tokens and runs them.
package protocol BatchHost: BatchSubmitter {
    /// Runs tokens of the runner's batch, on a worker, until there are none or others want their turn.
    func run(_ runner: BatchRunner)

    /// A runner's body is about to block its thread: others must be able to run what the runner has taken.
    func runnerWillBlock(_ runner: BatchRunner)

    /// Tokens of a group were settled by someone who does not run them.
    ///
    /// Called before waiters are told.
    func batch(
        _ batch: BatchCore, didSettle tokens: UInt16, inGroup group: Int, hadBegun: UInt16, for reason: SettleReason)

    /// All tokens of a batch are settled.
    func forget(_ batch: BatchCore)
}

/// Tokens that were submitted together: their states in words, their results in a row (`BatchSlab`).
///
/// Workers take ranges of them, by a counter that only grows (`take`), and what others gave back. Docs/Batch.md tells who may
/// do what.
@usableFromInline
package class BatchCore: @unchecked Sendable {
    @usableFromInline package final let count: Int
    @usableFromInline package final let plan: TokenPlan
    private final let body: BatchBody
    private final let words: UnsafeMutablePointer<Atomic<UInt64>>
    private final let wordCount: Int

    // Set by the host before anyone else knows the batch.
    package final unowned(unsafe) var realm: TokenRealm?
    package final var firstSequence: UInt64 = 0
    package final var submittedAt: Int64 = 0
    package final var epoch: UInt32 = 0

    private final let padding = CachePadding()
    private final let cursor = Atomic<Int>(0)
    private final let paddingAfter = CachePadding()
    /// Tokens that are not settled, or whose settlement is not counted yet.
    private final let left: Atomic<Int>
    private final let hasLeftovers = Atomic<Bool>(false)
    /// Somebody waits for single tokens.
    private final let isWatched = Atomic<Bool>(false)
    private final let shared = Guarded(Shared())

    private struct Shared {
        var leftovers: [(group: Int, tokens: UInt16)] = []
        var watchers: [(index: Int?, watcher: AnyTaskToken)] = []
        /// What bodies threw, by index.
        var failures: [Int: any Error] = [:]
        /// Why a token was settled that did not return, by index; empty until there is one.
        var reasons: [SettleReason] = []
    }

    @usableFromInline
    package init(count: Int, plan: TokenPlan, body: @escaping BatchBody) {
        self.count = count
        self.plan = plan
        self.body = body
        wordCount = (count + BatchWord.size - 1) / BatchWord.size
        words = .allocate(capacity: wordCount)
        for index in 0..<wordCount { (words + index).initialize(to: Atomic(0)) }
        left = Atomic(count)
    }

    deinit { words.deallocate() }

    package final var isSettled: Bool { left.load(ordering: .acquiring) == 0 }
    package final var unsettledCount: Int { left.load(ordering: .acquiring) }

    package final func id(of index: Int) -> TokenID {
        TokenID(origin: realm?.origin ?? 0, sequence: firstSequence &+ UInt64(index))
    }

    final func word(_ group: Int) -> BatchWord { BatchWord(raw: words[group].load(ordering: .acquiring)) }

    final func bits(of index: Int) -> (isBegun: Bool, hasEnded: Bool, isKilled: Bool, hasFailed: Bool) {
        word(index / BatchWord.size).state(of: index % BatchWord.size)
    }

    // MARK: Workers

    /// Tokens of one group.
    package typealias Part = (group: Int, tokens: UInt16)

    /// Takes the next tokens that nobody has taken: at most `most`; an empty range where there are none.
    package final func take(_ most: Int) -> Range<Int> {
        // Read first, so that the counter does not run on for ever.
        guard cursor.load(ordering: .relaxed) < count else { return 0..<0 }
        let first = cursor.add(most, ordering: .relaxed).oldValue
        return first < count ? first..<min(first + most, count) : 0..<0
    }

    /// How many nobody has taken yet.
    package final var untaken: Int { max(0, count - cursor.load(ordering: .relaxed)) }

    /// Takes of what a worker gave back, at most so many.
    package final func takeLeftover(_ most: Int) -> Part? {
        guard hasLeftovers.load(ordering: .acquiring) else { return nil }
        return shared.withLock { shared in
            var part = shared.leftovers.popLast()
            if let whole = part, whole.tokens.nonzeroBitCount > most {
                var rest = whole.tokens
                for _ in 0..<most { rest &= rest &- 1 }
                shared.leftovers.append((whole.group, rest))
                part = (whole.group, whole.tokens & ~rest)
            }
            hasLeftovers.store(!shared.leftovers.isEmpty, ordering: .releasing)
            return part
        }
    }

    package final var hasUntaken: Bool { untaken > 0 || hasLeftovers.load(ordering: .acquiring) }

    /// The part of a range that is in its first group.
    package static func part(of range: Range<Int>) -> Part {
        let (group, place) = range.lowerBound.quotientAndRemainder(dividingBy: BatchWord.size)
        let length = min(range.count, BatchWord.size - place)
        return (group, UInt16(truncatingIfNeeded: ((1 << length) - 1) << place))
    }

    /// Begins tokens that the caller has taken; answers those that are not settled.
    package final func begin(_ part: Part) -> UInt16 {
        let bits = BatchWord.beginning(part.tokens)
        let before = words[part.group].bitwiseOr(bits, ordering: .acquiringAndReleasing).oldValue
        return part.tokens & ~BatchWord(raw: before).killed
    }

    package final func runBodies(_ group: Int, _ work: UnsafeMutablePointer<BatchWork>) { body(self, group, work) }

    /// Whether a token was killed after it was begun with others: its body need not run.
    @usableFromInline
    final func isKilled(_ index: Int) -> Bool { bits(of: index).isKilled }

    /// A body has ended that has submitted something.
    @usableFromInline
    final func renewLineage(_ work: UnsafeMutablePointer<BatchWork>) {
        work.pointee.hasLineage = false
        BodyFrame.current?.renew()
    }

    /// Tokens have returned, their results in their slots, or thrown; answers those that were killed meanwhile, whose results do
    /// not count.
    package final func finish(_ part: Part, returned: UInt16) -> UInt16 {
        let bits = BatchWord.ending(part.tokens, failed: part.tokens & ~returned)
        let before = words[part.group].bitwiseOr(bits, ordering: .sequentiallyConsistent).oldValue
        return part.tokens & BatchWord(raw: before).killed
    }

    @usableFromInline
    final func noteFailure(_ error: any Error, of index: Int) { shared.withLock { $0.failures[index] = error } }

    package final func failure(of index: Int) -> (any Error)? { shared.withLock { $0.failures[index] } }

    /// The first token from `index` on that was killed or failed; all are settled.
    @usableFromInline
    final func firstFault(from index: Int) -> Int? {
        var index = index
        while index < count {
            let word = word(index / BatchWord.size)
            let faults = (word.killed | word.failed) >> UInt16(index % BatchWord.size)
            if faults != 0 { return index + faults.trailingZeroBitCount }
            index = (index / BatchWord.size + 1) * BatchWord.size
        }
        return nil
    }

    /// Puts tokens back that the caller has begun and not run; answers how many.
    package final func giveBack(_ part: Part) -> Int {
        var given: UInt16 = 0
        change(part.group) { word in
            let (next, back) = word.givingBack(part.tokens)
            given = back
            return next
        }
        addLeftover((part.group, given))
        return given.nonzeroBitCount
    }

    /// Puts tokens back that the caller has taken and not begun.
    package final func giveBack(_ range: Range<Int>) {
        var range = range
        while !range.isEmpty {
            let part = Self.part(of: range)
            addLeftover(part)
            range = (range.lowerBound + part.tokens.nonzeroBitCount)..<range.upperBound
        }
    }

    private func addLeftover(_ part: Part) {
        guard part.tokens != 0 else { return }
        shared.withLock { shared in
            shared.leftovers.append(part)
            hasLeftovers.store(true, ordering: .releasing)
        }
    }

    // MARK: Settling otherwise

    /// Settles one token; false when it was settled.
    final func settle(_ index: Int, for reason: SettleReason) -> Bool {
        let part = Self.part(of: index..<(index + 1))
        return settle(part, for: reason, executing: true) == 1
    }

    /// Settles all tokens that are not settled, those that have begun only where `executing`; answers how many.
    @discardableResult
    package final func settleAll(for reason: SettleReason, executing: Bool) -> Int {
        (0..<wordCount).reduce(0) { $0 + settle((group: $1, tokens: .max), for: reason, executing: executing) }
    }

    private func settle(_ part: Part, for reason: SettleReason, executing: Bool) -> Int {
        let places = min(BatchWord.size, count - part.group * BatchWord.size)
        let tokens = part.tokens & UInt16(truncatingIfNeeded: (1 << places) - 1)
        var killed: UInt16 = 0
        var begun: UInt16 = 0
        // Under the lock, so that the reasons are those of who settled them.
        shared.withLock { shared in
            if shared.reasons.isEmpty { shared.reasons = Array(repeating: .killed, count: count) }
            let before = change(part.group) { word in
                let (next, now) = word.killing(tokens, executing: executing)
                killed = now
                return next
            }
            begun = killed & before.begun
            for place in 0..<places where killed & 1 << place != 0 {
                shared.reasons[part.group * BatchWord.size + place] = reason
            }
        }
        guard killed != 0 else { return 0 }
        let host = realm?.submitter as? any BatchHost
        host?.batch(self, didSettle: killed, inGroup: part.group, hadBegun: begun, for: reason)
        tell((part.group, killed))
        bringDown(by: killed.nonzeroBitCount)
        if isSettled { host?.forget(self) }
        return killed.nonzeroBitCount
    }

    final func reason(of index: Int) -> SettleReason {
        shared.withLock { $0.reasons.isEmpty ? .killed : $0.reasons[index] }
    }

    @discardableResult
    private func change(_ group: Int, _ move: (BatchWord) -> BatchWord) -> BatchWord {
        var seen = words[group].load(ordering: .acquiring)
        while true {
            let next = move(BatchWord(raw: seen))
            let (done, found) = words[group].weakCompareExchange(
                expected: seen, desired: next.raw, successOrdering: .sequentiallyConsistent, failureOrdering: .acquiring
            )
            if done { return BatchWord(raw: seen) }
            seen = found
        }
    }

    // MARK: Waiting

    /// Tokens are settled and counted: tells whoever waits for one of them.
    package final func tell(_ part: Part) {
        guard isWatched.load(ordering: .sequentiallyConsistent) else { return }
        tellWatchers { $0 / BatchWord.size == part.group && part.tokens & 1 << ($0 % BatchWord.size) != 0 }
    }

    /// That many tokens are settled, counted and told: tells whoever waits for all, once they are.
    package final func bringDown(by settled: Int) {
        guard settled > 0 else { return }
        if left.subtract(settled, ordering: .sequentiallyConsistent).newValue == 0 { tellWatchers { _ in true } }
    }

    private func tellWatchers(where isSettled: (Int) -> Bool) {
        let isOver = left.load(ordering: .acquiring) == 0
        let told = shared.withLock { shared in
            var told: [AnyTaskToken] = []
            shared.watchers.removeAll { index, watcher in
                guard index.map(isSettled) ?? isOver else { return false }
                told.append(watcher)
                return true
            }
            return told
        }
        for watcher in told { watcher.fire() }
    }

    /// Settles `watcher` when a token, or all where `index` is nil, are settled; false where that is so already.
    final func watch(_ index: Int?, by watcher: AnyTaskToken) -> Bool {
        shared.withLock { shared in
            if let index {
                // First the mark, then the look: whoever settles it afterwards sees the mark, and waits for the lock.
                isWatched.store(true, ordering: .sequentiallyConsistent)
                let raw = words[index / BatchWord.size].load(ordering: .sequentiallyConsistent)
                let state = BatchWord(raw: raw).state(of: index % BatchWord.size)
                if state.hasEnded || state.isKilled { return false }
            } else if left.load(ordering: .sequentiallyConsistent) == 0 {
                return false
            }
            shared.watchers.append((index, watcher))
            return true
        }
    }

    final func unwatch(_ watcher: AnyTaskToken) { shared.withLock { $0.watchers.removeAll { $0.watcher === watcher } } }
}

extension AnyTaskToken {
    /// Completes a token that nobody runs.
    fileprivate func fire() { finishElsewhere { true } }
}
