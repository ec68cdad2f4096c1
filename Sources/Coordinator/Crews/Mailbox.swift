//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Synchronization
internal import TokenCore

/// An intrusive queue of tokens: any number of producers, one consumer at a time.
///
/// Pushing is one exchange and one store, without loop or lock. After D. Vyukov, "Intrusive MPSC node-based queue",
/// 1024cores.net; but for the last token's leaving, where the stub takes its place only if nobody pushes meanwhile. Were it
/// pushed like a token, it could come to stand behind one: the queue would look empty to all but its consumer, and a
/// token would be left behind the body that this one goes on to run.
///
/// | field | protected by |
/// |---|---|
/// | `tail` | atomic; every push goes through it. It holds the stub's address exactly when the queue is empty: the stub is in the queue only as its head |
/// | `head` | the lock of the crew that owns the mailbox |
///
/// A mailbox owns one reference to each token in it. A token stands in one mailbox at a time.
final class Mailbox: @unchecked Sendable {
    private let stub = AnyTaskToken(plan: .idle)
    // Producers write the tail with each push, the consumer the head with each pop.
    private let padding = CachePadding()
    private let tail: Atomic<UInt>
    private let paddingAfter = CachePadding()
    @exclusivity(unchecked) private var head: Unmanaged<AnyTaskToken>

    init() {
        head = .passUnretained(stub)
        tail = Atomic(head.bits)
    }

    /// Adds a token; takes over the caller's reference.
    ///
    /// Sequentially consistent, so a push that comes before a look at the sleepers is seen by whoever goes to sleep
    /// after (Docs/Parking.md).
    func push(_ token: Unmanaged<AnyTaskToken>) {
        token._withUnsafeGuaranteedRef { $0.link.store(0, ordering: .relaxed) }
        let before = tail.exchange(token.bits, ordering: .sequentiallyConsistent)
        // Whoever stood last cannot leave the queue before it is linked here.
        Unmanaged<AnyTaskToken>(bits: before)._withUnsafeGuaranteedRef {
            $0.link.store(token.bits, ordering: .releasing)
        }
    }

    /// Whether no push has begun that was not taken out since.
    ///
    /// Sequentially consistent, see `push`.
    var isEmpty: Bool { tail.load(ordering: .sequentiallyConsistent) == Unmanaged.passUnretained(stub).bits }

    /// When the oldest token that has arrived was submitted.
    ///
    /// Under the crew's lock.
    var oldestSubmission: Int64? { oldest?._withUnsafeGuaranteedRef { $0.submittedAt } }

    /// The oldest token, if it can leave.
    private var oldest: Unmanaged<AnyTaskToken>? {
        let oldest = head.bits == Unmanaged.passUnretained(stub).bits ? head.link : head
        // Where another is just arriving behind it, it cannot leave yet.
        guard let oldest, oldest.link != nil || tail.load(ordering: .acquiring) == oldest.bits else { return nil }
        return oldest
    }

    /// Takes the oldest token out, with its reference, if its body has begun: somebody who waits for it has it in hand.
    ///
    /// Under the crew's lock.
    func popLeftBehind() -> Unmanaged<AnyTaskToken>? {
        guard let oldest, oldest._withUnsafeGuaranteedRef({ $0.current.hasBegun }), case .token(let token) = pop()
        else {
            return nil
        }
        return token
    }

    enum Popped {
        case token(Unmanaged<AnyTaskToken>)
        case empty
        /// A producer is between its two steps; the token arrives in a moment.
        case arriving
    }

    /// Takes the oldest token out, and with it the reference.
    ///
    /// Under the crew's lock.
    func pop() -> Popped {
        var first = head
        var next = first.link
        if first.bits == Unmanaged.passUnretained(stub).bits {
            guard let token = next else { return isEmpty ? .empty : .arriving }
            (head, first, next) = (token, token, token.link)
        }
        if let next {
            head = next
            return .token(first)
        }
        // The last token may leave only when something stands in its place.
        let place = Unmanaged<AnyTaskToken>.passUnretained(stub)
        stub.link.store(0, ordering: .relaxed)
        let (isLast, _) = tail.compareExchange(
            expected: first.bits, desired: place.bits, successOrdering: .sequentiallyConsistent,
            failureOrdering: .acquiring)
        if isLast {
            head = place
            return .token(first)
        }
        guard let next = first.link else { return .arriving }
        head = next
        return .token(first)
    }

    /// The address of the oldest token, taken out with its reference; 0 where there is none that has arrived.
    ///
    /// Under the crew's lock.
    func popBits() -> UInt { if case .token(let token) = pop() { token.bits } else { 0 } }

    /// Calls `body` with every token that is linked in, oldest first, as long as it answers true.
    ///
    /// Under the crew's lock.
    ///
    /// - Returns: false where it answered false.
    func forEach(while body: (AnyTaskToken) -> Bool) -> Bool {
        var node: Unmanaged<AnyTaskToken>? = head
        while let current = node {
            let token = current.takeUnretainedValue()
            if token !== stub, !body(token) { return false }
            node = current.link
        }
        return true
    }
}

extension Unmanaged<AnyTaskToken> {
    var bits: UInt { UInt(bitPattern: toOpaque()) }

    init(bits: UInt) {
        guard let address = UnsafeRawPointer(bitPattern: bits) else { fatalError("mailbox link \(bits)") }
        self = .fromOpaque(address)
    }

    fileprivate var link: Unmanaged<AnyTaskToken>? {
        let bits = _withUnsafeGuaranteedRef { $0.link.load(ordering: .acquiring) }
        return bits == 0 ? nil : Unmanaged(bits: bits)
    }
}
