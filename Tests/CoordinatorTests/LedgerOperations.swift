//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import TokenCore
import TokenGate

/// One of the ledger's operations, and what its tokens are held to.
struct LedgerOperation: Sendable {
    let name: String
    let operation: TaskTokenGuard<Int, Int>
    /// How often the body throws before it returns, for operations that try again.
    var failures: (@Sendable (Int) -> Int)?
    /// Whether errors of others reach its callers.
    var hasChildren = false
    /// Whether it is called with a key.
    var isKeyed = false
    /// Whether the calling thread waits for a place.
    var waitsForPlace = false
    /// Whether the body returns only when it is asked to end.
    var isEndless: @Sendable (Int) -> Bool = { _ in false }

    /// The most attempts of those that try again.
    static let attempts = 3
    private static let refusals: [TokenError.Code] = [.operationBlocked, .overloaded, .dependencyFailed]

    /// What the end of a call's token contradicts, if anything.
    func fault(_ call: Int, _ result: Result<Int, any Error>, _ token: TaskToken<Int>) -> String? {
        let attempts = token.attempts
        switch result {
        case .success(let value):
            if isEndless(call) { return "returned, though nobody asked it to end" }
            if let failures {
                return attempts == failures(call) + 1
                    ? nil : "returned in attempt \(attempts), after \(failures(call)) failures"
            }
            return value == call || hasChildren && value == call + 1 ? nil : "returned \(value)"
        case .failure(let error as TokenError):
            if token.state == .failed, !hasChildren {
                if !Self.refusals.contains(error.code) { return "failed with \(error)" }
                if attempts != 0 { return "began \(attempts) times, and settled with \(error)" }
            }
            if token.state == .timedOut, error.code != .timedOut { return "timed out with \(error)" }
            return token.state == .completed ? "completed with \(error)" : nil
        case .failure(let error):
            if token.state != .failed { return "in state \(token.state), threw \(error)" }
            guard let failures else { return attempts == 1 || hasChildren ? nil : "threw in attempt \(attempts)" }
            return attempts == Self.attempts && failures(call) >= attempts
                ? nil : "threw in attempt \(attempts), of \(failures(call)) that were to fail"
        }
    }
}

/// The operations of the ledger, each with its own way of running.
struct LedgerOperations: Sendable {
    struct Failure: Error {}

    static let anchors = 17
    /// Keys of calls that share tokens.
    static let keys = 24
    /// The most that the limited operation is ever allowed at once.
    static let mostAtOnce = 3
    /// What the children of bodies are called; they are not in the ledger.
    static let child = "ledger_child"

    let all: [LedgerOperation]
    /// All of their names, with those of children.
    var types: [String] { all.map(\.operation.operationType) + [Self.child] }

    init(_ coordinator: OperationsCoordinator, _ ledger: Ledger) {
        all = Self.plain(coordinator, ledger) + Self.managed(coordinator, ledger)
    }

    private static func result(_ n: Int) throws -> Int {
        if n % 11 == 0 { throw Failure() }
        return n
    }

    /// Without options, as they are from the first.
    private static func plain(_ coordinator: OperationsCoordinator, _ ledger: Ledger) -> [LedgerOperation] {
        let body: @Sendable (Int) throws -> Int = { n in
            ledger.begin(n)
            return try result(n)
        }
        let anchored: @Sendable (Int) throws -> Int = { n in
            ledger.begin(n)
            ledger.inside(n % anchors) { for _ in 0..<n % 7 { _ = CurrentThread.tid() } }
            return try result(n)
        }
        let child = TaskTokenGuard(child) { (n: Int) in try result(n) }
        let key: @Sendable (Int) -> Int = { $0 % anchors }
        let plain = TaskTokenGuard("ledger_plain", weight: .light, on: coordinator, body)
        let heavy = TaskTokenGuard("ledger_heavy", weight: .heavy, on: coordinator, body)
        let writer = TaskTokenGuard("ledger_writer", storage: .slow, on: coordinator, body)
        let sticky = TaskTokenGuard("ledger_sticky", locality: .sticky(key), on: coordinator, anchored)
        let ordered = TaskTokenGuard("ledger_ordered", locality: .sticky(ordered: true, key), on: coordinator, anchored)
        let lead = TaskTokenGuard(
            "ledger_lead", locality: .lead(externalCalls: [Self.child]), on: coordinator
        ) { (n: Int) in
            ledger.begin(n)
            _ = child(n)
            return try child(n + 1).wait()
        }
        let async = TaskTokenGuard("ledger_async", on: coordinator) { (n: Int) async throws in
            ledger.begin(n)
            await Task.yield()
            return try await child(n).value
        }
        let parent = TaskTokenGuard("ledger_parent", storage: .slow, on: coordinator) { (n: Int) in
            ledger.begin(n)
            return try child(n).wait()
        }
        return [
            LedgerOperation(name: "plain", operation: plain), LedgerOperation(name: "heavy", operation: heavy),
            LedgerOperation(name: "writer", operation: writer), LedgerOperation(name: "sticky", operation: sticky),
            LedgerOperation(name: "ordered", operation: ordered),
            LedgerOperation(name: "lead", operation: lead, hasChildren: true),
            LedgerOperation(name: "async", operation: async, hasChildren: true),
            LedgerOperation(name: "parent", operation: parent, hasChildren: true),
        ]
    }

    /// With options: tried again, out of time, limited, refused, shared.
    private static func managed(_ coordinator: OperationsCoordinator, _ ledger: Ledger) -> [LedgerOperation] {
        let body: @Sendable (Int) throws -> Int = { n in
            ledger.begin(n)
            return try result(n)
        }
        let failures: @Sendable (Int) -> Int = { $0 % (LedgerOperation.attempts + 1) }
        let failuresOfKey: @Sendable (Int) -> Int = { failures($0 % keys) }
        let isEndless: @Sendable (Int) -> Bool = { $0 % 5 == 0 }
        func make(
            _ name: String, storage: StorageSpeed? = nil, locality: Locality<Int> = .free, _ options: OperationOptions,
            _ body: @escaping @Sendable (Int) throws -> Int
        ) -> TaskTokenGuard<Int, Int> {
            TaskTokenGuard(
                "ledger_\(name)", storage: storage, locality: locality, options: options, on: coordinator, body)
        }
        func retry(_ delay: Duration) -> RetryPolicy {
            RetryPolicy(attempts: LedgerOperation.attempts, backOff: .constant(delay))
        }
        func failing(_ failures: @escaping @Sendable (Int) -> Int) -> @Sendable (Int) throws -> Int {
            { n in
                ledger.begin(n)
                if let attempt = TokenContext.current?.attempt, attempt <= failures(n) { throw Failure() }
                return n
            }
        }
        let again = make("again", OperationOptions(retry: retry(.zero)), failing(failures))
        let againSlow = make(
            "again_slow", storage: .slow, locality: .sticky { $0 % anchors },
            OperationOptions(retry: retry(.microseconds(100)), timeout: .milliseconds(50)), failing(failures))
        let timed = make(
            "timed",
            OperationOptions(
                queueTimeout: .milliseconds(2), runTimeout: .microseconds(300), timeout: .milliseconds(20))
        ) { n in
            ledger.begin(n)
            while isEndless(n), TokenContext.current?.isCancelled == false { sched_yield() }
            return try result(n)
        }
        let keyed = make("keyed", OperationOptions(retry: retry(.microseconds(50))), failing(failuresOfKey))
        let limited = make("limited", OperationOptions(priority: .high, concurrency: 2)) { n in
            ledger.begin(n)
            ledger.inside(atMost: mostAtOnce) { for _ in 0..<n % 7 { _ = CurrentThread.tid() } }
            return try result(n)
        }
        let dropping = make("dropping", OperationOptions(capacity: 48, overload: .dropOldest), body)
        let rejecting = make("rejecting", OperationOptions(priority: .low, capacity: 24, overload: .reject), body)
        let suspending = make("suspending", OperationOptions(capacity: 32), body)
        let rated = make("rated", OperationOptions(rate: RateLimit(perSecond: 100_000, burst: 16)), body)
        let breaking = make(
            "breaking",
            OperationOptions(
                breaker: CircuitBreaker(
                    failureRate: 0.5, minimumRuns: 5, window: .milliseconds(50), coolDown: .milliseconds(1), probes: 2))
        ) { n in
            ledger.begin(n)
            if n % 3 != 0 { throw Failure() }
            return n
        }
        let captured = TaskTokenGuard(
            "ledger_captured", options: OperationOptions(context: .captured), on: coordinator
        ) { (n: Int) async throws in
            ledger.begin(n)
            await Task.yield()
            return try result(n)
        }
        return [
            LedgerOperation(name: "again", operation: again, failures: failures),
            LedgerOperation(name: "again_slow", operation: againSlow, failures: failures),
            LedgerOperation(name: "timed", operation: timed, isEndless: isEndless),
            LedgerOperation(name: "keyed", operation: keyed, failures: failuresOfKey, isKeyed: true),
            LedgerOperation(name: "limited", operation: limited),
            LedgerOperation(name: "dropping", operation: dropping),
            LedgerOperation(name: "rejecting", operation: rejecting),
            LedgerOperation(name: "suspending", operation: suspending, waitsForPlace: true),
            LedgerOperation(name: "rated", operation: rated), LedgerOperation(name: "breaking", operation: breaking),
            LedgerOperation(name: "captured", operation: captured),
        ]
    }

    /// Makes one call, of any operation, in one of the ways there are.
    ///
    /// From an ordinary thread.
    func call(_ call: Int, _ ledger: Ledger, using numbers: inout SeededNumbers) throws -> TaskToken<Int> {
        let chosen = all[Int.random(in: 0..<all.count, using: &numbers)]
        let operation = chosen.operation
        let delay = Duration.microseconds(Int.random(in: 0...2_000, using: &numbers))
        let token: TaskToken<Int>
        switch Int.random(in: 0..<16, using: &numbers) {
        case _ where chosen.isKeyed:
            let key = call % Self.keys
            token = operation.with(delay: call % 3 == 0 ? delay : nil, key: "\(key)")(call)
            ledger.noteKey(key, call, token)
        case 0: token = operation.with(delay: delay)(call)
        case 1: token = operation.with(timeout: delay + .microseconds(1))(call)
        case 2, 3:
            let mustComplete = Bool.random(using: &numbers)
            let others = ledger.pick(Int.random(in: 1...3, using: &numbers), using: &numbers)
            ledger.noteConditions(of: call, others, mustComplete: mustComplete)
            token = operation.with(after: others, afterFailure: mustComplete ? .fail : .run)(call)
        case 4: token = operation.scheduled(at: .now + delay)(call)
        default: token = chosen.waitsForPlace ? try operation.submitBlocking(call) : operation(call)
        }
        // It keeps itself until it is settled.
        token.onSettled { [unowned token] in ledger.note(call, token, chosen) }
        if Int.random(in: 0..<8, using: &numbers) == 0 { ledger.share(token, at: call) }
        return token
    }
}
