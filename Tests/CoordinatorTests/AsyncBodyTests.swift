//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Dispatch
import Foundation
import TestSupport
import Testing
import TokenGate

/// What code of a body finds where it stands.
private struct Glimpse: Sendable {
    let place: String
    let isAway: Bool
    let thread = CurrentThread.name()
    let cpu = CurrentThread.cpu()
    let context = TokenContext.current

    init(_ place: String, isAway: Bool = false) { (self.place, self.isAway) = (place, isAway) }
}

/// Runs its jobs on a queue of its own, as the actors of other libraries do.
private final class QueueExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "elsewhere")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}

private actor Elsewhere {
    private nonisolated let executor = QueueExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func look(_ place: String) async -> [Glimpse] {
        let before = Glimpse(place, isAway: true)
        await Task.yield()
        return [before, Glimpse(place + ", after a yield", isAway: true)]
    }
}

private actor Plain {
    func look(_ place: String) async -> [Glimpse] {
        let before = Glimpse(place)
        await Task.yield()
        return [before, Glimpse(place + ", after a yield")]
    }
}

/// A nonisolated function, as helpers are.
private func helper(_ place: String) async -> Glimpse {
    await Task.yield()
    return Glimpse(place)
}

@MainActor private func onMainActor() async -> [Glimpse] {
    let before = Glimpse("main actor", isAway: true)
    await Task.yield()
    return [before, Glimpse("main actor, after a yield", isAway: true)]
}

/// Suspends in every way there is, and looks around after each.
private func journey(_ other: TaskTokenGuard<Int, Int>) async throws -> [Glimpse] {
    var seen = [Glimpse("begin")]
    await Task.yield()
    seen.append(Glimpse("yield"))
    try await Task.sleep(for: .microseconds(100))
    seen.append(Glimpse("sleep"))
    await withCheckedContinuation { continuation in Thread.detachNewThread { continuation.resume() } }
    seen.append(Glimpse("continuation"))
    _ = try await other(1).value
    seen.append(Glimpse("token"))
    seen.append(await helper("helper"))
    seen += await onMainActor()
    seen.append(Glimpse("back from the main actor"))
    seen += await Plain().look("default actor")
    seen.append(Glimpse("back from a default actor"))
    seen += await Elsewhere().look("actor with an executor of its own")
    seen.append(Glimpse("back from an executor of its own"))
    async let one = helper("async let")
    async let two = Plain().look("default actor in async let")
    seen.append(await one)
    seen += await two
    seen.append(Glimpse("back from async let"))
    seen += await withTaskGroup(of: [Glimpse].self) { group in
        for _ in 0..<3 {
            group.addTask {
                async let nested = helper("async let in a group")
                return await [helper("group"), nested, helper("group, after")]
            }
        }
        return await group.reduce(into: []) { $0 += $1 }
    }
    seen.append(Glimpse("back from a group"))
    for await number in AsyncStream(unfolding: { await helper("stream").place.count > 0 ? 1 : nil }).prefix(2) {
        seen.append(Glimpse("stream \(number)"))
    }
    return seen
}

/// Async bodies (issue: "they keep anchor, seed and tags across every suspension, and free the worker while suspended").
@Suite struct AsyncBodyTests {
    /// Checks that all of it was seen by one body, at home in its domain's crew but where it was away.
    private func expectOneHome(
        _ seen: [Glimpse], of token: AnyTaskToken, crew: String, _ coordinator: OperationsCoordinator
    ) throws {
        let number = try #require(seen.first?.context?.domain)
        let domain = try #require(coordinator.statistics().domains.first { $0.number == number })
        let isPinned = domain.workers.allSatisfy { $0.pin?.verified == true }
        #expect(seen.count >= 30)
        for glimpse in seen {
            let place = Comment(rawValue: "\(token.operationType), \(glimpse.place): \(glimpse.thread)")
            #expect(glimpse.context?.id == token.id, place)
            #expect(glimpse.context?.domain == number, place)
            #expect(glimpse.context?.seed == token.seed, place)
            #expect(glimpse.context?.operationType == token.operationType, place)
            if glimpse.isAway {
                #expect(!glimpse.thread.hasPrefix("tg"), place)
            } else {
                #expect(glimpse.thread.hasPrefix("tg\(number)-\(crew)".prefix(15)), place)
                if isPinned, let cpu = glimpse.cpu { #expect(domain.cpus.contains(cpu), place) }
            }
        }
    }

    @Test(
        "an async body keeps its core, its kind of thread, its id and its seed across every suspension",
        arguments: ["free", "light", "heavy", "storage", "sticky", "ordered", "lead"])
    func everySuspension(kind: String) async throws {
        try await withTestCoordinator { coordinator in
            let other = TaskTokenGuard("async.other") { (n: Int) in n }
            let name = "async.\(kind)"
            let body: @Sendable (Int) async throws -> [Glimpse] = { _ in try await journey(other) }
            let operation =
                switch kind {
                case "light": TaskTokenGuard(name, weight: .light, on: coordinator, body)
                case "heavy": TaskTokenGuard(name, weight: .heavy, on: coordinator, body)
                case "storage": TaskTokenGuard(name, storage: .fast, on: coordinator, body)
                case "sticky": TaskTokenGuard(name, locality: .sticky { $0 }, on: coordinator, body)
                case "ordered": TaskTokenGuard(name, locality: .sticky("k", ordered: true), on: coordinator, body)
                case "lead":
                    TaskTokenGuard(name, locality: .lead(externalCalls: ["async.other"]), on: coordinator, body)
                default: TaskTokenGuard(name, on: coordinator, body)
                }
            for number in 0..<6 {
                let token = operation(number)
                let seen = try await token.value
                let crew = kind == "heavy" || kind == "storage" ? kind : "standard"
                try expectOneHome(seen, of: token, crew: crew, coordinator)
                #expect((token.seed != nil) == (kind == "lead"))
            }
        }
    }

    @Test("C5 async bodies of one anchor stay in its domain while they overlap, suspended at different places")
    func overlapping() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 8)
        } _: { coordinator in
            let sticky = TaskTokenGuard("async.overlap", locality: .sticky { $0 % 4 }, on: coordinator) {
                (number: Int) async throws -> [String] in
                var threads = [CurrentThread.name()]
                for _ in 0..<number {
                    await Task.yield()
                    threads.append(CurrentThread.name())
                    try await Task.sleep(for: .microseconds(50))
                    async let child = helper("child").thread
                    threads.append(await child)
                }
                return threads
            }
            let tokens = (0..<64).map { sticky($0) }
            for key in 0..<4 {
                var domains: Set<Substring> = []
                for number in stride(from: key, to: 64, by: 4) {
                    domains.formUnion(try await tokens[number].value.map { $0.prefix(3) })
                }
                #expect(domains.count == 1, "anchor \(key): \(domains)")
            }
        }
    }

    @Test(
        "C6 what an async body submits carries its seed and runs in its domain, after every suspension and from every task"
    )
    func seeds() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 4)
        } _: { coordinator in
            let child = TaskTokenGuard("async.child") { (_: Int) in (CurrentThread.name(), TokenContext.current?.seed) }
            let lead = TaskTokenGuard(
                "async.lead", locality: .lead(externalCalls: ["async.child"]), on: coordinator
            ) { (_: Int) async throws -> [TaskToken<(String, Seed?)>] in
                var tokens = [child(0)]
                await Task.yield()
                tokens.append(child(1))
                try await Task.sleep(for: .microseconds(100))
                tokens.append(child(2))
                tokens.append(await MainActor.run { child(3) })
                tokens.append(child(4))
                async let one = child(5)
                tokens.append(await one)
                tokens += await withTaskGroup(of: TaskToken<(String, Seed?)>.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            await Task.yield()
                            return child(6)
                        }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                tokens.append(await Task { child(7) }.value)
                return tokens
            }
            for _ in 0..<8 {
                let token = lead(0)
                let children = try await token.value
                let seed = try #require(token.seed)
                var homes: Set<Substring> = []
                for child in children {
                    let (thread, seen) = try await child.value
                    #expect(seen == seed && child.seed == seed)
                    homes.insert(thread.prefix(4))
                }
                #expect(children.count == 10 && homes.count == 1, "\(homes)")
            }
            #expect(coordinator.statistics().leasesOpened == 8)
        }
    }

    /// Waits where a test lets it: in a continuation, a child task, a group, an actor, on the main actor.
    private static func suspend(_ way: Int, until gate: Gate) async {
        switch way % 5 {
        case 0: _ = await gate.waitForArrivals()
        case 1:
            async let child = gate.waitForArrivals()
            _ = await child
        case 2:
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { _ = await gate.waitForArrivals() } }
            }
        case 3: await Waiting().wait(for: gate)
        default: await Self.onMain(gate)
        }
    }

    private actor Waiting { func wait(for gate: Gate) async { _ = await gate.waitForArrivals() } }

    @MainActor private static func onMain(_ gate: Gate) async { _ = await gate.waitForArrivals() }

    @Test("C7 a suspended async body leaves its only worker to others, whatever it is suspended in")
    func workerIsFree() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let gate = Gate()
            let (begun, onHome) = (Tally(), Tally())
            let sleeper = TaskTokenGuard("async.sleeper", on: coordinator) { (way: Int) async -> Void in
                begun.add()
                await Self.suspend(way, until: gate)
                if CurrentThread.name().hasPrefix("tg1-standard") { onHome.add() }
            }
            let tokens = (0..<50).map { sleeper($0) }
            #expect(await eventually { begun.value == 50 })
            // All are suspended, or become so by themselves: the one worker gets to what comes after them.
            let plain = TaskTokenGuard("async.plain", on: coordinator) { (n: Int) in n }
            for number in 0..<20 {
                let value = try await plain(number).value
                #expect(value == number)
            }
            #expect(tokens.allSatisfy { $0.state == .executing })
            #expect(coordinator.statistics().domains[0].workers.count == 1)
            gate.open()
            gate.pass()
            #expect(await settle(tokens))
            #expect(onHome.value == 50)
        }
    }

    @Test("C4 an async body that a waiting ancestor began ends in its domain, whoever finds the entry left behind")
    func entryTakenOver() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.workersPerCore = 1
            $0.eventBuffer = 100_000
        } _: { coordinator in
            let events = coordinator.events
            let child = TaskTokenGuard("async.taken", on: coordinator) { (n: Int) async -> Int in
                try? await Task.sleep(for: .milliseconds(1))
                return n
            }
            let busy = TaskTokenGuard("async.busy", on: coordinator) { (n: Int) in
                for _ in 0..<2_000 { _ = CurrentThread.tid() }
            }
            let parent = TaskTokenGuard("async.parent", on: coordinator) { (n: Int) throws -> Int in
                try (0..<6).map { child($0) }.reduce(0) { try $0 + $1.wait() }
            }
            for n in 0..<Sizes.part(of: 50) { #expect(await settle([busy(n), parent(n), busy(n)])) }
            await coordinator.stop()
            var began: [TokenID: Int] = [:]
            var ends = 0
            for await event in events {
                guard case .token(let id, "async.taken", let state, let domain?) = event.kind else { continue }
                if state == .executing { began[id] = domain }
                if state == .completed {
                    ends += 1
                    #expect(began[id] == domain)
                }
            }
            #expect(ends == 6 * Sizes.part(of: 50))
        }
    }

    @Test("C7 an async body whose callee blocks another executor keeps no worker")
    func blockedElsewhere() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let gate = Gate()
            let blocked = TaskTokenGuard("async.blocked", on: coordinator) { () async -> String in
                await Blocking().pass(gate)
                return CurrentThread.name()
            }
            let token = blocked()
            #expect(await gate.waitForArrivals())
            let plain = TaskTokenGuard("async.beside", on: coordinator) { (n: Int) in n }
            let value = try await plain(3).value
            #expect(value == 3 && token.state == .executing)
            gate.open()
            let thread = try await token.value
            #expect(thread.hasPrefix("tg1-standard"))
            #expect(gate.timedOut == 0)
        }
    }

    private actor Blocking {
        private nonisolated let executor = QueueExecutor()
        nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
        func pass(_ gate: Gate) { gate.pass() }
    }
}
