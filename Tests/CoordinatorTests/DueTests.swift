//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("tokens that are due later: delay, others to come after, a rate, a key")
struct DueTests {
    private func code(_ token: TaskToken<Int>) -> TokenError.Code? { error(token)?.code }
    private func error(_ token: TaskToken<Int>) -> TokenError? {
        guard case .failure(let error as TokenError)? = token.resultIfSettled else { return nil }
        return error
    }

    @Test("a delayed token waits for its time, without a worker, in sight of control and statistics")
    func delay() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let operation = TaskTokenGuard("due_delay", on: coordinator) { (number: Int) in number }
            let tokens = (1...4).map { operation.with(delay: .seconds($0))($0) }
            #expect(tokens.allSatisfy { $0.state == .waiting } && coordinator.statistics().counts.queued == 4)
            time.advance(by: .seconds(2))
            #expect(await settle(Array(tokens.prefix(2))))
            #expect(!tokens[2].isSettled && !tokens[3].isSettled)
            tokens[2].kill()
            #expect(try coordinator.discardWaiting("due_delay") == 1 && code(tokens[3]) == .discarded)
            #expect(coordinator.realm.timers.count == 0)
            // Now is now, also by the clock.
            let values = [
                try await operation.with(delay: .zero)(5).value,
                try await operation.scheduled(at: .now - .seconds(9))(6).value,
            ]
            #expect(values == [5, 6])
            let later = operation.scheduled(at: .now + .seconds(1_000))(7)
            time.advance(by: .seconds(1_001))
            let value = try await later.value
            #expect(value == 7)
        }
    }

    @Test("C11 a stop settles at once what is due after it gives up, and waits for what is due before")
    func stopping() async throws {
        let time = ManualTime()
        let coordinator = try makeCoordinator { $0.time = time }
        try await coordinator.start()
        let operation = TaskTokenGuard("due_stop", on: coordinator) { (number: Int) in number }
        let soon = operation.with(delay: .seconds(1))(1)
        let late = operation.with(delay: .seconds(10_000))(2)
        async let report = coordinator.stop(timeout: .seconds(5_000))
        #expect(await settles(late))
        #expect(code(late) == .coordinatorStopped && !soon.isSettled)
        let refused = operation.with(delay: .seconds(1))(3)
        #expect(code(refused) == .coordinatorStopped)
        time.advance(by: .seconds(1))
        let value = try await soon.value
        #expect(value == 1)
        #expect(await report.abandoned.map(\.id) == [late.id])
    }

    @Test("a token comes after all of its dependencies, of whatever coordinator")
    func after() async throws {
        try await withTestCoordinator { coordinator in
            try await withTestCoordinator { other in
                let gates = [Gate(), Gate()]
                let ended = Tally()
                let first = zip([coordinator, other], gates).map { coordinator, gate in
                    TaskTokenGuard("due_first", on: coordinator) { (number: Int) in
                        gate.pass()
                        ended.add()
                        return number
                    }(1)
                }
                let operation = TaskTokenGuard("due_after", on: coordinator) { (_: Int) in ended.value }
                let token = operation.with(after: first)(0)
                gates[0].open()
                #expect(await settles(first[0]))
                #expect(token.state == .waiting)
                gates[1].open()
                let value = try await token.value
                #expect(value == 2)
                // Those that are settled already are no wait.
                let again = try await operation.with(after: first)(0).value
                #expect(again == 2)
            }
        }
    }

    @Test("a dependency that did not complete settles the dependent, with the reason, or lets it run if asked")
    func failedDependency() async throws {
        struct Fault: Error {}
        try await withTestCoordinator { coordinator in
            let failing = TaskTokenGuard("due_failing", on: coordinator) { (_: Int) throws -> Int in throw Fault() }
            let operation = TaskTokenGuard("due_dependent", on: coordinator) { (number: Int) in number }
            let failed = failing(0)
            let chain = operation.with(after: [failed])(1)
            let end = operation.with(after: [chain])(2)
            let anyway = operation.with(after: [failed, chain], afterFailure: .run)(3)
            #expect(await settle([chain, end, anyway]))
            #expect(error(chain)?.code == .dependencyFailed && error(chain)?.cause is Fault)
            #expect(
                error(end)?.code == .dependencyFailed && error(end)?.cause is Fault)
            let value = try anyway.resultIfSettled?.get()
            #expect(value == 3)
            let killed = operation.with(delay: .seconds(1_000))(4)
            let orphan = operation.with(after: [killed])(5)
            killed.kill()
            #expect(await settles(orphan))
            #expect((error(orphan)?.cause as? TokenError)?.code == .killed)
            #expect(coordinator.statistics().counts.submitted == 6)
        }
    }

    /// A token that is not kept.
    private final class Held: @unchecked Sendable {
        weak var token: AnyTaskToken?
        init(_ token: AnyTaskToken) { self.token = token }
    }

    @Test("a keyed call waits for a place, too, and with the key of a live token gives it back")
    func submitWithKey() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = 2
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard("due_submit", on: coordinator) { (number: Int) in
                gate.pass()
                return number
            }
            let first = try await operation.with(key: "a").submit(1)
            let again = try await operation.with(key: "a").submit(2)
            #expect(first === again && coordinator.statistics().admission?.inUse == 1)
            let second = try await operation.with(key: "b").submit(3)
            async let third = operation.scheduled(at: .now, key: "c").submit(4)
            #expect(await eventually { coordinator.statistics().admission?.waiting == 1 })
            #expect(coordinator.statistics().counts.submitted == 2)
            gate.open()
            let values = try await (first.value, second.value, third.value)
            #expect(values == (1, 3, 4))
            // What a call with a time asks for beside it holds as well.
            let later = operation.scheduled(
                at: .now + .seconds(3_600), after: [first], timeout: .seconds(7_200), key: "d")
            #expect(later(5) === later(6))
            let other = Task { try await operation.with(key: "e").submit(7) }
            _ = try await other.value.value
        }
    }

    /// Where the second would wait for a place first, it would come when the first one's work is done, and do it again.
    @Test(
        "a keyed call that waits for a place takes the token that has the key, or gets it meanwhile", arguments: [1, 2])
    func keyWhileWaiting(capacity: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = capacity
        } _: { coordinator in
            let (gate, ran) = (Gate(), Tally())
            let operation = TaskTokenGuard("due_key_waits", on: coordinator) { (number: Int) in
                ran.add()
                gate.pass()
                return number
            }
            let first = try await operation.with(key: "a").submit(1)
            let others = (1..<capacity).map { operation(10 + $0) }
            // There is no place, and none is needed.
            let again = try await operation.with(key: "a").submit(2)
            let blocking = try operation.with(key: "a").submitBlocking(3, timeout: .zero)
            #expect(again === first && blocking === first)
            // None has it yet: one of them waits for a place, the others for that one, with their threads or without.
            let waiting = (0..<10).map { number in Task { try await operation.with(key: "b").submit(number) } }
            let threads = Task { () throws -> [TaskToken<Int>] in
                let tokens = Journal<TaskToken<Int>>()
                await concurrently(4) { number in
                    if let token = try? operation.with(key: "b").submitBlocking(number, timeout: nil) {
                        tokens.note(token)
                    }
                }
                return tokens.all
            }
            #expect(await eventually { coordinator.statistics().admission?.waiting == 14 })
            gate.open()
            let leader = try await waiting[0].value
            for task in waiting {
                let token = try await task.value
                #expect(token === leader)
            }
            let blocked = try await threads.value
            #expect(blocked.count == 4 && blocked.allSatisfy { $0 === leader })
            _ = try await (first.value, leader.value)
            #expect(await settle(others))
            #expect(ran.value == capacity + 1)
            #expect(await eventually { coordinator.statistics().admission?.inUse == 0 })
            #expect(coordinator.statistics().admission?.waiting == 0)
        }
    }

    /// It is what a call from C with no more patience comes to.
    @Test("a keyed call that is refused for want of a place does not end the waits of others with that key")
    func refusedWithKey() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = 1
        } _: { coordinator in
            let (gate, ran) = (Gate(), Journal<Int>())
            let operation = TaskTokenGuard("due_refused", on: coordinator) { (n: Int) in ran.note(n) }
            let holder = TaskTokenGuard("due_holder", on: coordinator) { gate.pass() }()
            let patient = (0..<5).map { n in Task { try await operation.with(key: "k").submit(n) } }
            #expect(await eventually { coordinator.statistics().admission?.waiting == 5 })
            for n in 100..<110 {
                let hasty = operation.with(key: "k")(n)
                #expect(hasty.state == .failed && (hasty.failure as? TokenError)?.code == .overloaded)
            }
            // Others that come meanwhile wait, too.
            let late = Task { try await operation.with(key: "k").submit(5) }
            #expect(await eventually { coordinator.statistics().admission?.waiting == 6 })
            gate.open()
            var tokens: [TaskToken<Void>] = []
            for task in patient + [late] { tokens.append(try await task.value) }
            #expect(await settle([holder] + tokens) && tokens.allSatisfy { $0.state == .completed })
            #expect(ran.all.allSatisfy { $0 < 100 } && ran.count == Set(tokens.map(\.id)).count, "\(ran.all)")
        }
    }

    @Test("what waits for its time or for others needs no place, however its caller would wait for one")
    func deferredNeedsNoPlace() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.capacity = 1
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard("due_deferred", on: coordinator) { (number: Int) in
                if number == 0 { gate.pass() }
                return number
            }
            let first = operation(0)
            let later = try await operation.with(delay: .seconds(3_600)).submit(1)
            let scheduled = try await operation.scheduled(at: .now + .seconds(3_600)).submit(2)
            let after = try await operation.with(after: [first]).submit(3)
            let blocking = try operation.with(
                CallOptions(delay: .seconds(3_600), after: [], afterFailure: .fail, timeout: nil, key: nil)
            )
            .submitBlocking(4, timeout: .zero)
            #expect(coordinator.statistics().admission?.inUse == 1 && coordinator.statistics().counts.submitted == 5)
            gate.open()
            let value = try await after.value
            #expect(value == 3)
            for token in [later, scheduled, blocking] { token.kill() }
        }
    }

    @Test("a chain of any length keeps its end alone, and one error for all of it")
    func chains() async throws {
        struct Fault: Error {}
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard("due_chain", on: coordinator) { (number: Int) in number }
            for fails in [false, true] {
                let gate = Gate()
                let first = TaskTokenGuard("due_chain_first", on: coordinator) { (number: Int) throws -> Int in
                    gate.pass()
                    if fails { throw Fault() }
                    return number
                }(0)
                var last = operation.with(after: [first])(1)
                let second = Held(last)
                for number in 2..<Sizes.part(of: 20_000) { last = operation.with(after: [last])(number) }
                gate.open()
                #expect(await settles(last))
                #expect(await eventually { second.token == nil })
                if fails { #expect(error(last)?.cause is Fault) } else { #expect(last.state == .completed) }
            }
        }
    }

    @Test("C1 C2 keys while tokens are killed: none is lost, a stop finds nothing", arguments: 0..<4)
    func keysAndKills(_ seed: Int) async throws {
        let coordinator = try makeCoordinator()
        try await coordinator.start()
        let breaker = CircuitBreaker(failureRate: 0.5, minimumRuns: 2, coolDown: .microseconds(1))
        let operation = TaskTokenGuard("due_key_kill", options: OperationOptions(breaker: breaker), on: coordinator) {
            (number: Int) in number
        }
        await withTaskGroup(of: Void.self) { group in
            for caller in 0..<6 {
                group.addTask {
                    for number in 0..<300 {
                        let delay: Duration? = (number + seed) % 3 == 0 ? .microseconds(20) : nil
                        let token = operation.with(delay: delay, key: "\((caller + number) % 2)")(number)
                        if number % 4 == 0 { token.kill() } else { await token.settled() }
                    }
                }
            }
        }
        #expect(await eventually { coordinator.statistics().counts.live == 0 })
        #expect(await coordinator.stop().isClean)
    }

    @Test("C9 a body waits for a token that comes after others of its own, on one worker", arguments: [true, false])
    func waitingForDependents(_ isAsync: Bool) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.workersPerCore = 1
        } _: { coordinator in
            let operation = TaskTokenGuard("due_inner", on: coordinator) { (number: Int) in number }
            let ordered = TaskTokenGuard("due_inner_ordered", locality: .sticky("k", ordered: true), on: coordinator) {
                (number: Int) in number
            }
            let outer =
                isAsync
                ? TaskTokenGuard("due_outer", locality: .sticky("k", ordered: true), on: coordinator) {
                    (count: Int) async throws -> Int in
                    var last: [AnyTaskToken] = []
                    for number in 0..<count { last = [ordered.with(after: last)(number)] }
                    return try await operation.with(after: last)(count).value
                }
                : TaskTokenGuard("due_outer", locality: .sticky("k", ordered: true), on: coordinator) {
                    (count: Int) throws -> Int in
                    var last: [AnyTaskToken] = []
                    for number in 0..<count { last = [ordered.with(after: last)(number)] }
                    return try operation.with(after: last)(count).wait()
                }
            let value = try await outer(20).value
            #expect(value == 20)
        }
    }

    @Test("a rate lets a burst through and then one after the other, in order, and each when it is due")
    func rate() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.time = time
        } _: { coordinator in
            let ran = Guarded<[Int]>([])
            let operation = TaskTokenGuard(
                "due_rate", options: OperationOptions(rate: RateLimit(perSecond: 2, burst: 3)), on: coordinator
            ) { (number: Int) in
                ran.withLock { $0.append(number) }
                return number
            }
            let tokens = (0..<10).map { operation($0) }
            #expect(await settle(Array(tokens.prefix(3))))
            #expect(ran.withLock { $0.sorted() } == [0, 1, 2])
            for due in 3..<10 {
                time.advance(by: .milliseconds(499))
                #expect(!tokens[due].isSettled)
                time.advance(by: .milliseconds(1))
                #expect(await settles(tokens[due]))
            }
            #expect(ran.withLock { $0.suffix(7) } == [3, 4, 5, 6, 7, 8, 9])
        }
    }

    @Test("a key makes calls one while the first is alive; after that, and for another result, there is a new token")
    func key() async throws {
        try await withTestCoordinator { coordinator in
            let gate = Gate()
            let calls = Tally()
            let operation = TaskTokenGuard("due_key", on: coordinator) { (number: Int) in
                calls.add()
                gate.pass()
                return number
            }
            let first = operation.with(key: "a")(1)
            let same = operation.with(key: "a")(2)
            let other = operation.with(key: "b")(3)
            let text = TaskTokenGuard("due_key", on: coordinator) { (number: Int) in "\(number)" }.with(key: "a")(4)
            #expect(same === first && other !== first && text !== first)
            gate.open()
            let values = [try await same.value, try await other.value]
            #expect(values == [1, 3])
            let word = try await text.value
            #expect(word == "4")
            let again = operation.with(key: "a")(5)
            let value = try await again.value
            #expect(again !== first && value == 5 && calls.value == 3)
        }
    }

    @Test("C1 C2 many threads with one key: each gets the one live token, and every token ends", arguments: 0..<4)
    func keyStress(_ seed: Int) async throws {
        try await withTestCoordinator { coordinator in
            let ran = Tally()
            let operation = TaskTokenGuard("due_key_stress", on: coordinator) { (number: Int) in
                ran.add()
                return number
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<8 {
                    group.addTask {
                        for number in 0..<Sizes.part(of: 300) {
                            let key = "\((caller + number + seed) % 3)"
                            _ = try await operation.with(key: key)(number).value
                        }
                    }
                }
                try await group.waitForAll()
            }
            let counts = coordinator.statistics().counts
            #expect(counts.completed == counts.submitted && Int(counts.submitted) == ran.value)
        }
    }
}
