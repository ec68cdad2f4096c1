//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Foundation
import TestSupport
import Testing
import TokenGate

/// What is bound around a call.
private enum Trace {
    @TaskLocal static var id = "nobody"
    @TaskLocal static var depth = 0
    @TaskLocal static var object: Traced?
}

/// Counts those that are gone.
private final class Traced: Sendable {
    private let gone: Tally
    init(_ gone: Tally) { self.gone = gone }
    deinit { gone.add() }
}

@Suite("context: task-locals and priority of the submission, in the body")
struct ContextTests {
    private static let captured = OperationOptions(context: .captured)

    /// What a body finds.
    private struct Found: Sendable, Equatable {
        var id = Trace.id
        var depth = Trace.depth
        var priority: UInt8 = Task.currentPriority.rawValue
    }

    /// An async body that looks before and after suspensions, and in child tasks.
    private static func journey(_ other: TaskTokenGuard<Int, Int>) async throws -> [Found] {
        var found = [Found()]
        await Task.yield()
        found.append(Found())
        try await Task.sleep(for: .microseconds(50))
        found.append(Found())
        _ = try await other(1).value
        found.append(Found())
        async let child = { Found() }()
        found.append(await child)
        found += await withTaskGroup(of: Found.self) { group in
            for _ in 0..<3 { group.addTask { Found() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        found.append(await MainActor.run { Found() })
        found.append(await Task { Found() }.value)
        return found
    }

    @Test(
        "task-locals and priority of the submitting task are there in synchronous and async bodies, wherever they run")
    func fromTasks() async throws {
        try await withTestCoordinator { coordinator in
            let other = TaskTokenGuard("context.other") { (n: Int) in n }
            let sync = TaskTokenGuard("context.sync", options: Self.captured, on: coordinator) { (_: Int) in
                (Found(), CurrentThread.name())
            }
            let async = TaskTokenGuard("context.async", options: Self.captured, on: coordinator) {
                (_: Int) async throws in
                try await Self.journey(other)
            }
            for priority in [TaskPriority.low, .medium, .high] {
                try await Task(priority: priority) {
                    for number in 0..<10 {
                        let expected = Found(id: "request \(number)", depth: number, priority: priority.rawValue)
                        let tokens = Trace.$id.withValue(expected.id) {
                            Trace.$depth.withValue(number) { (sync(number), async(number)) }
                        }
                        let (found, thread) = try await tokens.0.value
                        #expect(found == expected)
                        #expect(thread.hasPrefix("tg"))
                        let all = try await tokens.1.value
                        #expect(all.count == 10 && all.allSatisfy { $0 == expected }, "\(all)")
                    }
                }.value
            }
        }
    }

    @Test("what is bound on a thread without a task is there; without the option nothing is")
    func fromThreads() async throws {
        try await withTestCoordinator { coordinator in
            let with = TaskTokenGuard("context.thread", options: Self.captured, on: coordinator) { (_: Int) in Trace.id
            }
            let without = TaskTokenGuard("context.without", on: coordinator) { (_: Int) in Trace.id }
            let asyncWithout = TaskTokenGuard("context.async-without", on: coordinator) { (_: Int) async in Trace.id }
            let managed = TaskTokenGuard(
                "context.managed", options: OperationOptions(retry: RetryPolicy()), on: coordinator
            ) { (_: Int) in Trace.id }
            let found = try await onThread {
                try Trace.$id.withValue("thread") {
                    try [with(1), without(2), asyncWithout(3), managed(4)].map { try $0.wait() }
                }
            }
            #expect(found == ["thread", "nobody", "nobody", "nobody"])
        }
    }

    @Test("each attempt finds the context, and a token that waits for its time or for others the one of its submission")
    func later() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let found = Journal<String>()
            let options = OperationOptions(
                retry: RetryPolicy(attempts: 3, backOff: .constant(.seconds(1)), jitter: 0), context: .captured)
            let failing = TaskTokenGuard("context.retry", options: options, on: coordinator) { (_: Int) throws -> Int in
                found.note(Trace.id)
                if found.all.count < 3 { throw CocoaError(.fileNoSuchFile) }
                return found.all.count
            }
            let retried = Trace.$id.withValue("retried") { failing(0) }
            for _ in 0..<2 {
                #expect(await eventually { coordinator.realm.timers.count == 1 })
                time.advance(by: .seconds(1))
            }
            let attempts = try await retried.value
            #expect(attempts == 3 && found.all == ["retried", "retried", "retried"])

            let plain = TaskTokenGuard("context.later", options: Self.captured, on: coordinator) { (_: Int) in Trace.id
            }
            let delayed = Trace.$id.withValue("delayed") { plain.with(delay: .seconds(5))(0) }
            let after = Trace.$id.withValue("after") { plain.with(after: [delayed])(0) }
            let (first, second) = (
                Trace.$id.withValue("first") { plain.with(delay: .seconds(5), key: "k")(0) },
                Trace.$id.withValue("second") { plain.with(key: "k")(0) }
            )
            #expect(first === second)
            time.advance(by: .seconds(5))
            let ids = try await (delayed.value, after.value, first.value)
            #expect(ids == ("delayed", "after", "first"))
        }
    }

    @Test("C6 a body with a context is itself: what it submits descends from it, in its lead and on its core")
    func lineage() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let leaf = TaskTokenGuard("context.leaf", options: Self.captured) { (_: Int) in
                (TokenContext.current?.id, TokenContext.current?.seed, TokenContext.current?.domain, Trace.id)
            }
            let middle = TaskTokenGuard("context.middle", options: Self.captured) { (n: Int) async throws in
                #expect(TokenContext.current?.operationType == "context.middle" && Trace.id == "outer")
                await Task.yield()
                let token = Trace.$id.withValue("inner") { leaf(n) }
                let found = try await token.value
                #expect(found.0 == token.id && found.3 == "inner")
                return (TokenContext.current?.id, found.1, found.2)
            }
            for isAsync in [false, true] {
                let calls = ["context.middle", "context.leaf"]
                let lead: TaskTokenGuard<Int, (TokenID?, Seed?, Int?)> =
                    isAsync
                    ? TaskTokenGuard("context.lead", locality: .lead(externalCalls: calls), on: coordinator) {
                        (n: Int) async throws in
                        try await Trace.$id.withValue("outer") { middle(n) }.value
                    }
                    : TaskTokenGuard("context.lead", locality: .lead(externalCalls: calls), on: coordinator) {
                        (n: Int) throws in
                        try Trace.$id.withValue("outer") { middle(n) }.wait()
                    }
                for number in 0..<4 {
                    let token = lead(number)
                    let (id, seed, _) = try await token.value
                    #expect(id != token.id && seed == token.seed && seed != nil)
                }
            }
            #expect(coordinator.statistics().leasesOpened == coordinator.statistics().leasesReleased)
        }
    }

    @Test("C9 bodies with a context may wait for others, blocking or async, on one CPU with one worker")
    func waiting() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let value = try await Sum.sum(100, on: coordinator).value
            #expect(value == 100)
            let many = (0..<Sizes.part(of: 500)).map { number in
                Trace.$depth.withValue(number) { Sum.sum(3, on: coordinator) }
            }
            for (number, token) in many.enumerated() {
                let value = try await token.value
                #expect(value == number * 3 + 3)
            }
        }
    }

    private enum Sum {
        /// Adds up what it finds, one body inside the other.
        static func sum(_ count: Int, on coordinator: OperationsCoordinator) -> TaskToken<Int> {
            let options = OperationOptions(context: .captured)
            if count % 2 == 0 {
                return TaskTokenGuard("context.sum", options: options, on: coordinator) { (n: Int) throws -> Int in
                    n == 0 ? 0 : try sum(n - 1, on: coordinator).wait() + 1 + Trace.depth
                }(count)
            }
            return TaskTokenGuard("context.sum", options: options, on: coordinator) { (n: Int) async throws -> Int in
                n == 0 ? 0 : try await sum(n - 1, on: coordinator).value + 1 + Trace.depth
            }(count)
        }
    }

    @Test(
        "C2 what a context holds is freed however the token ends, also where the token itself is kept",
        arguments: [
            "run", "thrown", "killed", "discarded", "timed out", "stopped", "refused", "blocked", "never started",
        ])
    func freed(end: String) async throws {
        let (gone, made) = (Tally(), 20)
        let time = ManualTime()
        let coordinator = try makeCoordinator {
            $0.pretend(domains: 1)
            $0.time = time
        }
        var options = Self.captured
        if end == "timed out" { options.timeout = .seconds(1) }
        if end == "refused" { options.timeout = .seconds(-1) }
        let runs = Tally()
        let operation = TaskTokenGuard("context.freed \(end)", options: options, on: coordinator) { (n: Int) throws in
            runs.add()
            if end == "thrown" { throw CocoaError(.fileNoSuchFile) }
        }
        if end == "blocked" { try coordinator.block(operation.operationType) }
        if end != "never started" { try await coordinator.start() }
        if !["run", "thrown", "refused", "blocked", "never started"].contains(end) { coordinator.pause() }
        let tokens = (0..<made).map { number in
            Trace.$object.withValue(Traced(gone)) {
                number % 2 == 0 ? operation(number) : operation.with(delay: .zero)(number)
            }
        }
        switch end {
        case "killed": for token in tokens { token.kill() }
        case "discarded": coordinator.discardWaiting()
        case "timed out": time.advance(by: .seconds(1))
        case "stopped", "never started": await coordinator.stop(timeout: .zero)
        default: break
        }
        #expect(await settle(tokens))
        #expect(await eventually { gone.value == made })
        #expect(runs.value == (end == "run" || end == "thrown" ? made : 0))
        await coordinator.stop()
    }

    @Test("a token that is killed while its body runs lets the context go when the body ends")
    func killedInside() async throws {
        let gone = Tally()
        try await withTestCoordinator { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard("context.killed", options: Self.captured, on: coordinator) { (_: Int) in
                gate.pass()
                return Trace.object != nil
            }
            let token = Trace.$object.withValue(Traced(gone)) { operation(1) }
            #expect(await gate.waitForArrivals())
            #expect(token.kill())
            #expect(gone.value == 0)
            gate.open()
            #expect(await eventually { gone.value == 1 })
        }
        #expect(gone.value == 1)
    }

    @Test("kills race with beginnings: each token settles once, each body runs or not, each context is freed")
    func races() async throws {
        let gone = Tally()
        try await withTestCoordinator { coordinator in
            let runs = Tally()
            let operation = TaskTokenGuard("context.races", options: Self.captured, on: coordinator) { (_: Int) in
                runs.add()
                return Trace.object != nil
            }
            for _ in 0..<20 {
                let tokens = (0..<100).map { number in Trace.$object.withValue(Traced(gone)) { operation(number) } }
                await concurrently(2) { index in
                    for token in index == 0 ? tokens : tokens.reversed() { token.kill() }
                }
                #expect(await settle(tokens))
                for token in tokens where token.state == .completed {
                    let hadContext = try await token.value
                    #expect(hadContext)
                }
            }
            #expect(await eventually { gone.value == 2_000 })
        }
    }
}
