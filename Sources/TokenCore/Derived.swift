//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

extension TaskToken {
    /// A token for this token's result, transformed.
    ///
    /// The transform is a token of its own, of the operation type `"<operation>.map"`: once this one completes it is
    /// submitted to the same coordinator and runs on a worker like any body. A failure passes through and skips it.
    ///
    /// - Parameter transform: runs at most once.
    public final func map<Mapped: Sendable>(
        _ transform: @escaping @Sendable (Success) throws -> Mapped
    ) -> TaskToken<Mapped> {
        let derived = DerivedToken(source: self, transform: transform)
        guard let submitter = realm?.submitter else {
            if isSettled, case .failure(let error) = outcomeOnceSettled {
                derived.fail(error)
            } else {
                derived.refuse(TokenError(.coordinatorStopped, "the coordinator of token \(id) is gone"))
            }
            return derived
        }
        // Made inside a body, it is that body's child, whoever the source belongs to.
        if let lineage = Submission.place(explicit: submitter)?.lineage, lineage.submitter === submitter {
            derived.lineage = lineage
        }
        derived.reservedAt = tge_now_ns()
        submitter.reserve(derived)
        derived.transition { $0.holding() }
        onSettled { [self] in
            switch outcomeOnceSettled {
            case .success: derived.submit(to: submitter)
            case .failure(let error): derived.fail(error)
            }
        }
        return derived
    }

    /// A token for the results of both.
    ///
    /// It is a token of the operation type `"<operation>.zip"` and of this token's coordinator. Once both are settled it
    /// completes, or fails with the error of the first that failed, in this order. Nothing of the caller's runs for it.
    public final func zip<Other: Sendable>(_ other: TaskToken<Other>) -> TaskToken<(Success, Other)> {
        let pair = PairToken(self, other)
        realm?.submitter?.reserve(pair)
        pair.transition { $0.holding() }
        let countdown = Countdown(2) { pair.settle() }
        onSettled { countdown.countDown() }
        other.onSettled { countdown.countDown() }
        return pair
    }
}

/// A token that runs a transform of another's result.
private final class DerivedToken<Source: Sendable, Mapped: Sendable>: OutcomeToken<Mapped>, @unchecked Sendable {
    /// Let go once the transform has run or been skipped, so that a chain keeps only its end alive.
    private let source: Guarded<TaskToken<Source>?>
    private let transform: @Sendable (Source) throws -> Mapped
    /// Written before anyone else knows it.
    var reservedAt: Int64 = 0

    init(source: TaskToken<Source>, transform: @escaping @Sendable (Source) throws -> Mapped) {
        self.source = Guarded(source)
        self.transform = transform
        let operation = (try? Operation.named(source.operationType + ".map")) ?? source.operation
        super.init(plan: TokenPlan(operation: operation, tags: TokenTags(weight: source.tags.weight)), keeping: nil)
        lineage = source.lineage
    }

    package override var sources: [AnyTaskToken] { source.withLock { $0 }.map { [$0] } ?? [] }
    package override var isDerived: Bool { true }
    package override var submittedFirst: Int64 { reservedAt }

    package override func invoke() -> Bool {
        guard let source = takeSource() else { fatalError("the transform of token \(id) was started twice") }
        return keep(Result { try transform(source.outcomeOnceSettled.get()) })
    }

    private func takeSource() -> TaskToken<Source>? {
        source.withLock { source in
            defer { source = nil }
            return source
        }
    }

    func submit(to submitter: any TokenSubmitter) { if !isSettled { submitter.submit(self, claim: .free) } }

    func fail(_ error: any Error) {
        finishElsewhere {
            _ = takeSource()
            return keep(.failure(error))
        }
    }
}

/// A token that nobody runs: it is settled by those it is made of.
private final class PairToken<First: Sendable, Second: Sendable>: OutcomeToken<(First, Second)>, @unchecked Sendable {
    /// Let go once both are settled.
    private let pair: Guarded<(TaskToken<First>, TaskToken<Second>)?>

    // Written out because Swift 6.3 reports infinite recursion in the stub that it would synthesise here.
    override init(plan: TokenPlan, keeping nothing: Result<(First, Second), any Error>?) {
        fatalError("a pair is made of its tokens")
    }

    init(_ first: TaskToken<First>, _ second: TaskToken<Second>) {
        pair = Guarded((first, second))
        let operation = (try? Operation.named(first.operationType + ".zip")) ?? first.operation
        super.init(plan: TokenPlan(operation: operation, tags: TokenTags()), keeping: nil)
        lineage = first.lineage
    }

    package override var sources: [AnyTaskToken] { pair.withLock { $0 }.map { [$0.0, $0.1] } ?? [] }
    package override var isDerived: Bool { true }

    func settle() {
        finishElsewhere {
            let taken = pair.withLock { pair in
                defer { pair = nil }
                return pair
            }
            guard let (first, second) = taken else { fatalError("the pair \(id) was settled twice") }
            return keep(Result { (try first.outcomeOnceSettled.get(), try second.outcomeOnceSettled.get()) })
        }
    }
}
