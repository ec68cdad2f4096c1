//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TestSupport
import Testing
import TokenGate

@testable import Coordinator

/// Batches: tokens that share their storage, and are tokens all the same.
@Suite("Batches")
struct BatchTests {
    private struct Odd: Error, Equatable { let number: Int }

    /// One domain, so that the order is known.
    private static func alone(_ configuration: inout Configuration) { configuration.pretend(domains: 1) }

    @Test(
        "Results are in the order of the inputs, errors are those of each token, and each is counted",
        arguments: [0, 1, 15, 16, 17, 5_000])
    func results(count: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 3)
        } _: { coordinator async throws in
            let picky = TaskTokenGuard("batch.picky", on: coordinator) { (n: Int) throws in
                if n % 7 == 3 { throw Odd(number: n) }
                return "\(n)"
            }
            let batch = picky.batch(0..<count)
            #expect(batch.count == count)
            let results = await batch.results
            #expect(results.count == count && batch.isSettled && batch.unsettledCount == 0)
            for (n, result) in results.enumerated() {
                switch result {
                case .success(let text): #expect(text == "\(n)" && n % 7 != 3)
                case .failure(let error): #expect(error as? Odd == Odd(number: n) && n % 7 == 3)
                }
                #expect(batch[n].state == (n % 7 == 3 ? .failed : .completed))
            }
            #expect(Set(batch.map(\.id)).count == count)
            let counts = coordinator.statistics().counts
            #expect(counts.settled == UInt64(count) && counts.live == 0)
            #expect(counts.failed == UInt64((0..<count).count { $0 % 7 == 3 }))
            let operation = coordinator.statistics().operations.first { $0.operationType == "batch.picky" }
            #expect((operation?.run.count ?? 0) == UInt64(count) && (operation?.wait.count ?? 0) == UInt64(count))
            if count > 3 {
                await #expect(throws: Odd(number: 3)) { try await batch.values }
                await #expect(throws: Odd(number: 3)) { try await batch[3].value }
                #expect(try await batch[2].value == "2")
            } else {
                #expect(try await batch.values == (0..<count).map(String.init))
            }
        }
    }

    @Test(
        "Every kind of guard, caller and coordinator has batches",
        arguments: ["free", "heavy", "storage", "sticky", "lead", "async", "early", "paused", "body"])
    func kinds(kind: String) async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
        if kind != "early" { try await coordinator.start() }
        let body: @Sendable (Int) -> Int = { $0 * 2 }
        let square: TaskTokenGuard<Int, Int> =
            switch kind {
            case "heavy": TaskTokenGuard("batch.kind", weight: .heavy, on: coordinator, body)
            case "storage": TaskTokenGuard("batch.kind", storage: .slow, on: coordinator, body)
            case "sticky": TaskTokenGuard("batch.kind", locality: .sticky("k", ordered: true), on: coordinator, body)
            case "lead": TaskTokenGuard("batch.kind", locality: .lead(externalCalls: ["x"]), on: coordinator, body)
            case "async": TaskTokenGuard("batch.kind", on: coordinator) { (n: Int) async in n * 2 }
            default: TaskTokenGuard("batch.kind", on: coordinator, body)
            }
        if kind == "paused" { try coordinator.pause("batch.kind") }
        let batch: TokenBatch<Int> =
            if kind == "body" {
                try await TaskTokenGuard("batch.parent", on: coordinator) { (n: Int) in square.batch(0..<n) }(100).value
            } else {
                square.batch(0..<100)
            }
        if kind == "early" { try await coordinator.start() }
        if kind == "paused" {
            #expect(batch.unsettledCount == 100)
            try coordinator.resume("batch.kind")
        }
        #expect(try await batch.values == (0..<100).map { $0 * 2 })
        #expect(coordinator.statistics().counts.settled == (kind == "body" ? 101 : 100))
        await coordinator.stop()
    }

    @Test("A batch that nobody can run is settled with what is wrong")
    func refused() async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let late = TaskTokenGuard("batch.late", on: coordinator) { (n: Int) in n }
        let bad = TaskTokenGuard("", on: coordinator) { (n: Int) in n }
        for token in bad.batch(0..<3) {
            #expect(token.isSettled)
            let error = await #expect(throws: TokenError.self) { try await token.value }
            #expect(error?.code == .invalidOperationType)
        }
        await coordinator.stop()
        let batch = late.batch(0..<20)
        #expect(batch.isSettled)
        for result in await batch.results {
            let error = #expect(throws: TokenError.self) { try result.get() }
            #expect(error?.code == .coordinatorStopped)
        }
    }

    @Test("C1 a token of a batch is killed by itself, waiting or executing; what its body returns then is late")
    func kill() async throws {
        try await withTestCoordinator(Self.alone) { coordinator async throws in
            let gate = Gate()
            let (ran, cancelled) = (Journal<Int>(), Tally())
            let body = TaskTokenGuard("batch.kill", on: coordinator) { (n: Int) in
                ran.note(n)
                if n == 0 { gate.pass() }
                if TokenContext.current?.isCancelled == true { cancelled.add() }
                return n
            }
            let batch = body.batch(0..<40)
            await gate.waitForArrivals()
            #expect(batch[0].state == .executing && batch[5].state == .admitted)
            #expect(batch[5].kill() && !batch[5].kill())
            #expect(batch[5].isSettled && batch[5].state == .killed)
            #expect(batch[0].kill())
            #expect(coordinator.statistics().counts.killed == 2)
            gate.open()
            let results = await batch.results
            #expect(!ran.all.contains(5) && ran.all.count == 39 && cancelled.value == 1)
            for (n, result) in results.enumerated() where n == 0 || n == 5 {
                let error = #expect(throws: TokenError.self) { try result.get() }
                #expect(error?.code == .killed && error?.message.contains("\(batch[n].id)") == true)
            }
            #expect(results.count { (try? $0.get()) != nil } == 38)
            #expect(await eventually { coordinator.statistics().counts.late == 1 })
            let counts = coordinator.statistics().counts
            #expect(counts.completed == 38 && counts.killed == 2 && counts.live == 0)
            #expect(batch.kill() == 0)
            #expect(await eventually { coordinator.engine.batches.withLock(\.isEmpty) })
        }
    }

    @Test(
        "Kill, discard and stop settle a batch at once, with their own errors",
        arguments: ["kill", "batch", "discard", "stop"])
    func sweeps(way: String) async throws {
        let coordinator = try makeCoordinator(Self.alone)
        try await coordinator.start()
        let gate = Gate()
        let body = TaskTokenGuard("batch.sweep", on: coordinator) { (n: Int) in gate.pass() }
        let batch = body.batch(0..<1_000)
        await gate.waitForArrivals()
        switch way {
        case "kill": #expect(try coordinator.killAll("batch.sweep") == 1_000)
        case "batch": #expect(batch.kill() == 1_000)
        case "discard": #expect(try coordinator.discardWaiting("batch.sweep") == 999)
        default:
            let report = await coordinator.stop(timeout: .zero)
            #expect(report.abandoned.count == 1_000)
            #expect(report.abandoned.count { $0.state == .executing } == 1)
            #expect(Set(report.abandoned.map(\.id)) == Set(batch.map(\.id)))
        }
        #expect(batch.unsettledCount == (way == "discard" ? 1 : 0))
        #expect(coordinator.engine.batches.withLock { $0.count } == batch.unsettledCount)
        let code: TokenError.Code = way == "discard" ? .discarded : way == "stop" ? .coordinatorStopped : .killed
        for token in batch.dropFirst() {
            let error = await #expect(throws: TokenError.self) { try await token.value }
            #expect(error?.code == code)
        }
        gate.open()
        _ = await batch.results
        #expect(await eventually { gate.standing == 0 })
        #expect(gate.arrived == 1)
        #expect(coordinator.statistics().counts.live == 0)
        await coordinator.stop()
    }

    @Test("A pause holds back what a batch has not begun; a stop settles it at once")
    func pause() async throws {
        for stops in [false, true] {
            let coordinator = try makeCoordinator(Self.alone)
            try await coordinator.start()
            let gate = Gate()
            let runs = Tally()
            let body = TaskTokenGuard("batch.pause", on: coordinator) { (n: Int) in
                if runs.add() == 1 { gate.pass() }
            }
            let batch = body.batch(0..<500)
            await gate.waitForArrivals()
            try coordinator.pause("batch.pause")
            gate.open()
            #expect(await eventually { batch[0].isSettled })
            #expect(await eventually { coordinator.statistics().counts.executing == 0 })
            #expect(await eventually { batch.unsettledCount == 499 })
            #expect(runs.value == 1)
            if stops {
                let report = await coordinator.stop(timeout: .seconds(100))
                #expect(report.abandoned.count == 499 && report.duration < .seconds(50))
            } else {
                try coordinator.resume("batch.pause")
                _ = await batch.results
                #expect(runs.value == 500)
                await coordinator.stop()
            }
            #expect(batch.isSettled)
        }
    }

    @Test("A stop with time finishes a batch, also one that lets others have their turn meanwhile")
    func finishes() async throws {
        let coordinator = try makeCoordinator(Self.alone)
        try await coordinator.start()
        let gate = Gate()
        let body = TaskTokenGuard("batch.finishes", on: coordinator) { (n: Int) in
            if n == 0 { gate.pass() }
            // A millisecond in all is a turn.
            for _ in 0..<200 { _ = CurrentThread.tid() }
            return n
        }
        let batch = body.batch(0..<2_000)
        let other = TaskTokenGuard("batch.other", on: coordinator) { (n: Int) in n }
        await gate.waitForArrivals()
        let others = (0..<100).map { other($0) }
        async let report = coordinator.stop(timeout: .seconds(100))
        #expect(await eventually { coordinator.statistics().phase == .draining })
        gate.open()
        #expect(try await batch.values == Array(0..<2_000))
        #expect(await gather(others).allSatisfy { (try? $0.get()) != nil })
        #expect(await report.isClean)
    }

    @Test("One token is awaited, or waited for, while others are not done; a timeout names what is left")
    func single() async throws {
        try await withTestCoordinator(Self.alone) { coordinator async throws in
            let gate = Gate()
            let body = TaskTokenGuard("batch.single", on: coordinator) { (n: Int) in
                if n == 20 { gate.pass() }
                return n
            }
            let batch = body.batch(0..<30)
            #expect(try await batch[3].value == 3)
            let blocked = try await onThread { try batch[4].wait(timeout: .seconds(100)) }
            #expect(blocked == 4)
            let error = await #expect(throws: TokenError.self) {
                _ = try await onThread { try batch.wait(timeout: .milliseconds(1)) }
            }
            #expect(error?.code == .waitTimedOut)
            let negative = await #expect(throws: TokenError.self) {
                _ = try await onThread { try batch[20].wait(timeout: .seconds(-1)) }
            }
            #expect(negative?.code == .invalidArgument)
            async let last = batch[29].value
            gate.open()
            #expect(try await last == 29)
            let all = try await onThread { try batch.wait() }
            #expect(all.compactMap { try? $0.get() } == Array(0..<30))
            #expect(batch[20].resultIfSettled.flatMap { try? $0.get() } == 20)
        }
    }

    @Test("A body that blocks leaves what its worker has taken to others", arguments: [1, 2])
    func blocks(domains: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: domains)
            $0.workersPerCore = 2
        } _: { coordinator async throws in
            let reached = Tally()
            let child = TaskTokenGuard("batch.child") { () async in _ = await eventually { reached.value == 1 } }
            // The first are fast, so that a worker takes many at a time; then one waits for what comes after it.
            let body = TaskTokenGuard("batch.blocks", on: coordinator) { (n: Int) throws in
                if n == 5_000 { try child().wait() }
                if n == 9_999 { reached.add() }
                return n
            }
            #expect(try await body.batch(0..<10_000).values == Array(0..<10_000))
        }
    }

    @Test("A body may wait for a token that was begun with it, before it or after")
    func siblings() async throws {
        try await withTestCoordinator(Self.alone) { coordinator async throws in
            let batches = Journal<TokenBatch<Int>>()
            let go = Gate()
            let body = TaskTokenGuard("batch.sibling", on: coordinator) { (n: Int) throws in
                if n == 0 { go.pass() }
                if n == 3_000 { return try batches.all[0][2_997].wait() + batches.all[0][3_003].wait() }
                return n
            }
            let batch = body.batch(0..<6_000)
            batches.note(batch)
            go.open()
            try #require(await eventually { batch.isSettled })
            #expect(try await batch[3_000].value == 6_000)
        }
    }

    @Test("A batch that is paused is there after the resume, though its operation was swept before")
    func sweptBefore() async throws {
        try await withTestCoordinator(Self.alone) { coordinator async throws in
            let gate = Gate()
            let body = TaskTokenGuard("batch.swept", on: coordinator) { (n: Int) in
                if n == 0 { gate.pass() }
                return n
            }
            try coordinator.killAll("batch.swept")
            let batch = body.batch(0..<200)
            await gate.waitForArrivals()
            try coordinator.pause("batch.swept")
            gate.open()
            #expect(await eventually { coordinator.statistics().counts.executing == 0 })
            try coordinator.resume("batch.swept")
            #expect(try await batch.values == Array(0..<200))
        }
    }

    @Test("C1 a killed batch is over at once, whatever its workers are inside of", arguments: [0, 16, 40])
    func killedInside(place: Int) async throws {
        try await withTestCoordinator(Self.alone) { coordinator async throws in
            let gate = Gate()
            let ran = Journal<Int>()
            let body = TaskTokenGuard("batch.inside", on: coordinator) { (n: Int) in
                ran.note(n)
                if n == place { gate.pass() }
            }
            let batch = body.batch(0..<100)
            await gate.waitForArrivals()
            #expect(batch.kill() > 0)
            #expect(await batch.results.count == 100)
            #expect(batch.isSettled)
            gate.open()
            // Those that were begun with it, and had returned, are late, too.
            #expect(await eventually { coordinator.statistics().counts.late >= 1 })
            #expect(ran.all.count == place + 1)
        }
    }

    @Test("Bodies that wait make no more runners than there are waits at once, and async work gets its turn")
    func turns() async throws {
        try await withTestCoordinator(Self.alone) { coordinator async throws in
            let child = TaskTokenGuard("batch.turn-child") { (n: Int) in n }
            let body = TaskTokenGuard("batch.turns", on: coordinator) { (n: Int) throws in
                for _ in 0..<50 { _ = CurrentThread.tid() }
                return n % 4 == 0 ? try child(n).wait() : n
            }
            let hops = TaskTokenGuard("batch.hops", on: coordinator) { () async in
                for _ in 0..<10 { await Task.yield() }
                return 1
            }
            let batch = body.batch(0..<4_000)
            #expect(try await hops().value == 1)
            #expect(try await batch.values == Array(0..<4_000))
        }
    }

    @Test("A body of a batch is its token: context, children and their identity are that one's")
    func identity() async throws {
        try await withTestCoordinator { coordinator async throws in
            let child = TaskTokenGuard("batch.inner") { (n: Int) in n }
            let body = TaskTokenGuard("batch.outer", on: coordinator) { (n: Int) throws in
                (TokenContext.current?.id, TokenContext.current?.operationType, try child(n).wait())
            }
            let batch = body.batch(0..<100)
            for (n, value) in try await batch.values.enumerated() {
                #expect(value.0 == batch[n].id && value.1 == "batch.outer" && value.2 == n)
            }
            #expect(coordinator.statistics().counts.settled == 200)
        }
    }

    @Test("Events tell each token of a batch, and nothing of what runs it")
    func events() async throws {
        let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
        try await coordinator.start()
        let events = coordinator.events
        let body = TaskTokenGuard("batch.events", on: coordinator) { (n: Int) in n }
        let batch = body.batch(0..<100)
        _ = await batch.results
        await coordinator.stop()
        var seen: [TokenID: [TokenState]] = [:]
        for await event in events {
            if case .token(let id, let operation, let state, _) = event.kind {
                #expect(operation == "batch.events")
                seen[id, default: []].append(state)
            }
        }
        #expect(Set(seen.keys) == Set(batch.map(\.id)))
        #expect(seen.values.allSatisfy { $0 == [.executing, .completed] })
    }

    private final class Counted: Sendable {
        let alive: Tally
        init(_ alive: Tally) {
            self.alive = alive
            alive.add()
        }
        deinit { alive.add(-1) }
    }

    @Test(
        "C1 C2 under kills, pauses, discards and a stop each token settles once, and nothing is kept", arguments: 1...6)
    func storm(round: Int) async throws {
        var numbers = SeededNumbers(for: "batch storm")
        let seed = numbers.next()
        let alive = Tally()
        do {
            let coordinator = try makeCoordinator { $0.pretend(domains: 2) }
            try await coordinator.start()
            let body = TaskTokenGuard("batch.storm", on: coordinator) { (n: Int) throws in
                if n % 13 == 0 { throw Odd(number: n) }
                return Counted(alive)
            }
            let batches = Journal<TokenBatch<Counted>>()
            let turns = Sizes.part(of: 40)
            await concurrently(4) { thread in
                var numbers = SeededNumbers(seed: seed &+ UInt64(thread))
                for turn in 0..<turns {
                    switch thread {
                    case 0, 1:
                        batches.note(body.batch(0..<Int.random(in: 1...300, using: &numbers)))
                        if let batch = batches.all.randomElement(using: &numbers) {
                            batch.randomElement(using: &numbers)?.kill()
                        }
                    case 2:
                        if turn % 8 == 7 { coordinator.discardWaiting() }
                        if turn % 16 == 3 { coordinator.killAll() }
                    default:
                        coordinator.pause()
                        coordinator.resume()
                        if round % 2 == 0, turn == turns * 3 / 4 {
                            Task { await coordinator.stop(timeout: .milliseconds(round)) }
                        }
                    }
                }
            }
            for batch in batches.all { #expect(await batch.results.count == batch.count) }
            await coordinator.stop()
            let total = UInt64(batches.all.reduce(0) { $0 + $1.count })
            #expect(await eventually { coordinator.statistics().counts.settled == total })
            #expect(coordinator.statistics().counts.live == 0)
            #expect(batches.all.allSatisfy { $0.isSettled && $0.allSatisfy(\.isSettled) })
        }
        #expect(await eventually { alive.value == 0 })
    }
}
