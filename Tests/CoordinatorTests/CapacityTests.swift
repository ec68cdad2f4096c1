//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("capacity: a coordinator takes in as many tokens as it is told to")
struct CapacityTests {
    private func code(_ token: some AnyTaskToken) -> TokenError.Code? {
        guard let token = token as? TaskToken<Int>, case .failure(let error) = token.resultIfSettled else { return nil }
        return (error as? TokenError)?.code
    }

    private func configure(
        _ configuration: inout Configuration, _ capacity: Int, _ overload: Configuration.OverloadPolicy
    ) {
        configuration.pretend(domains: 1)
        configuration.capacity = capacity
        configuration.overload = overload
    }

    @Test("C10 reject: what comes on top settles at once with an error that names the capacity, and is counted")
    func reject() async throws {
        try await withTestCoordinator {
            configure(&$0, 3, .reject)
        } _: { coordinator in
            let gate = Gate()
            let held = TaskTokenGuard("capacity_held", on: coordinator) { (number: Int) in
                gate.pass()
                return number
            }
            let inside = (0..<3).map { held($0) }
            let outside = (3..<8).map { held($0) }
            #expect(outside.allSatisfy { $0.state == .failed && code($0) == .overloaded })
            guard case .failure(let error as TokenError) = try #require(outside[0].resultIfSettled) else {
                Issue.record("no error")
                return
            }
            #expect(error.message.contains("capacity 3") && error.message.contains("reject"))
            let admission = try #require(coordinator.statistics().admission)
            #expect(
                admission.capacity == 3 && admission.inUse == 3 && admission.rejected == 5 && admission.dropped == 0)
            gate.open()
            for token in inside { #expect(try await token.value < 3) }
            #expect(coordinator.statistics().admission?.inUse == 0)
            #expect(try await held(9).value == 9)
        }
    }

    @Test(
        "a caller that awaits one token after the other never meets its own place, whatever the policy",
        arguments: [Configuration.OverloadPolicy.suspend, .reject, .dropOldest], [false, true])
    func oneAfterTheOther(_ overload: Configuration.OverloadPolicy, _ ofOperation: Bool) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            if !ofOperation { ($0.capacity, $0.overload) = (1, overload) }
        } _: { coordinator in
            let options = ofOperation ? OperationOptions(capacity: 1, overload: overload) : OperationOptions()
            let sync = TaskTokenGuard("capacity_sync", options: options, on: coordinator) { (number: Int) in number }
            let async = TaskTokenGuard("capacity_async", options: options, on: coordinator) { (number: Int) async in
                await Task.yield()
                return number
            }
            for number in 0..<300 {
                let value = try await (number % 2 == 0 ? sync : async)(number).value
                #expect(value == number)
            }
            try await onThread { for number in 0..<300 { _ = try sync(number).wait() } }
        }
    }

    @Test("a token that is killed while a pause holds it leaves its place to another", arguments: [true, false])
    func killedWhileHeld(_ all: Bool) async throws {
        try await withTestCoordinator {
            configure(&$0, 2, .reject)
        } _: { coordinator in
            coordinator.pause()
            let held = TaskTokenGuard("capacity_paused", on: coordinator) { (number: Int) in number }
            let first = (0..<2).map { held($0) }
            #expect(code(held(2)) == .overloaded)
            if all { coordinator.killAll() } else { for token in first { token.kill() } }
            let second = (0..<2).map { held($0) }
            #expect(second.allSatisfy { !$0.isSettled })
            #expect(code(held(2)) == .overloaded)
            coordinator.resume()
            for token in second { _ = try await token.value }
        }
    }

    @Test(
        "C9 descendants always come in: a body waits for a hundred children in a coordinator of one place",
        arguments: [Configuration.OverloadPolicy.suspend, .reject, .dropOldest])
    func descendants(_ overload: Configuration.OverloadPolicy) async throws {
        try await withTestCoordinator {
            configure(&$0, 1, overload)
        } _: { coordinator in
            let child = TaskTokenGuard("capacity_child", on: coordinator) { (number: Int) in number }
            let parent = TaskTokenGuard("capacity_parent", on: coordinator) { (count: Int) throws -> Int in
                try (0..<count).map { child($0) }.reduce(0) { try $0 + $1.wait() }
            }
            var sum = try await parent(100).value
            #expect(sum == 4_950)
            let asynchronous = TaskTokenGuard("capacity_async_parent", on: coordinator) {
                (count: Int) async throws -> Int in
                var sum = 0
                for number in 0..<count { sum += try await child.submit(number).value }
                return sum
            }
            #expect(await eventually { coordinator.statistics().admission?.inUse == 0 })
            sum = try await asynchronous(100).value
            #expect(sum == 4_950)
        }
    }

    @Test("C10 suspend: callers wait in their order, and never are more tokens inside than there are places")
    func suspend() async throws {
        try await withTestCoordinator {
            configure(&$0, 4, .suspend)
        } _: { coordinator in
            let inside = Tally()
            let above = Tally()
            let work = TaskTokenGuard("capacity_suspend", on: coordinator) { (number: Int) in number }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for caller in 0..<8 {
                    group.addTask {
                        var sum = 0
                        for number in 0..<200 {
                            let token = try await work.submit(caller * 1_000 + number)
                            inside.add()
                            let inUse = coordinator.statistics().admission?.inUse ?? .max
                            if !(0...4).contains(inUse) { above.add() }
                            sum += try await token.value
                        }
                        return sum
                    }
                }
                var total = 0
                for try await sum in group { total += sum }
                #expect(total == (0..<8).reduce(0) { $0 + $1 * 1_000 * 200 + 19_900 })
            }
            #expect(inside.value == 1_600)
            #expect(above.value == 0)
            #expect(coordinator.statistics().admission?.rejected == 0)
            coordinator.pause()
            let tokens = (0..<4).map { work($0) }
            let before = try #require(coordinator.statistics().admission?.suspended)
            let callers = (0..<3).map { number in Task { try await work.submit(number) } }
            #expect(await eventually { coordinator.statistics().admission?.suspended == before + 3 })
            coordinator.resume()
            for caller in callers { _ = try await caller.value.value }
            #expect(await settle(tokens))
            // What had been counted stays.
            #expect(coordinator.statistics().admission?.suspended == before + 3)
        }
    }

    @Test("suspend: a plain call does not wait and is rejected; a thread waits with submitBlocking, as long as it said")
    func threads() async throws {
        try await withTestCoordinator {
            configure(&$0, 1, .suspend)
        } _: { coordinator in
            let gate = Gate()
            let held = TaskTokenGuard("capacity_threads", on: coordinator) { (number: Int) in
                gate.pass()
                return number
            }
            let first = held(1)
            #expect(code(held(2)) == .overloaded)
            let late = await #expect(throws: TokenError.self) {
                try await onThread { try held.submitBlocking(3, timeout: .milliseconds(1)) }
            }
            #expect(late?.code == .waitTimedOut)
            let negative = await #expect(throws: TokenError.self) {
                try await onThread { try held.submitBlocking(3, timeout: .seconds(-1)) }
            }
            #expect(negative?.code == .invalidArgument)
            async let waiting: TaskToken<Int> = onThread { try held.submitBlocking(4) }
            #expect(await eventually { coordinator.statistics().admission?.waiting == 1 })
            gate.open()
            let waited = try await waiting
            #expect(try await waited.value == 4)
            #expect(try await first.value == 1)
        }
    }

    @Test("suspend: a caller that is cancelled while it waits submits nothing, and its place goes to the next")
    func cancelled() async throws {
        try await withTestCoordinator {
            configure(&$0, 1, .suspend)
        } _: { coordinator in
            let gate = Gate()
            let held = TaskTokenGuard("capacity_cancelled", on: coordinator) { (number: Int) in
                gate.pass()
                return number
            }
            let first = held(0)
            let waiting = (1...3).map { number in Task { try await held.submit(number) } }
            #expect(await eventually { coordinator.statistics().admission?.waiting == 3 })
            waiting[0].cancel()
            await #expect(throws: CancellationError.self) { try await waiting[0].value }
            let before = Task {
                withUnsafeCurrentTask { $0?.cancel() }; return try await held.submit(9)
            }
            await #expect(throws: CancellationError.self) { try await before.value }
            gate.open()
            #expect(try await first.value == 0)
            for task in waiting.dropFirst() { _ = try await task.value.value }
            #expect(coordinator.statistics().counts.submitted == 3)
            #expect(await eventually { coordinator.statistics().admission?.inUse == 0 })
        }
    }

    @Test("C11 who waits for a place when the coordinator stops gets a token that says so")
    func stopping() async throws {
        let coordinator = try makeCoordinator { configure(&$0, 1, .suspend) }
        try await coordinator.start()
        let gate = Gate()
        let held = TaskTokenGuard("capacity_stop", on: coordinator) { (number: Int) in
            gate.pass()
            return number
        }
        let first = held(0)
        let waiting = Task { try await held.submit(1) }
        let blocked = Task { try await onThread { try held.submitBlocking(2) } }
        #expect(await eventually { coordinator.statistics().admission?.waiting == 2 })
        async let report = coordinator.stop()
        for task in [waiting, blocked] { #expect(code(try await task.value) == .coordinatorStopped) }
        gate.open()
        #expect(await report.isClean)
        #expect(try await first.value == 0)
    }

    @Test("C10 dropOldest: of those that wait the first makes room, what a worker has been sent is left alone")
    func dropOldest() async throws {
        try await withTestCoordinator {
            configure(&$0, 6, .dropOldest)
        } _: { coordinator in
            let gate = Gate()
            let ran = Guarded<[Int]>([])
            let held = TaskTokenGuard("capacity_drop", on: coordinator) { (number: Int) in
                gate.pass()
                ran.withLock { $0.append(number) }
                return number
            }
            // 0, 1 and 2 are sent to the worker, half of the capacity; 3, 4, 5 stand in the line.
            let tokens = (0..<10).map { held($0) }
            #expect(tokens[3...6].allSatisfy { code($0) == .overloaded && $0.state == .killed })
            let admission = try #require(coordinator.statistics().admission)
            #expect(admission.inUse == 6 && admission.dropped == 4 && admission.rejected == 0)
            // One that was killed in the line is not dropped for another: it has left its place.
            tokens[7].kill()
            let more = held(10)
            #expect(!more.isSettled && !tokens[8].isSettled)
            gate.open()
            #expect(await settle(tokens + [more]))
            #expect(ran.withLock { $0 } == [0, 1, 2, 8, 9, 10])
        }
    }

    @Test("C9 a body that waits for a stranger in the line lets it through")
    func strangerInLine() async throws {
        try await withTestCoordinator {
            configure(&$0, 4, .dropOldest)
        } _: { coordinator in
            let gate = Gate()
            let stranger = Guarded<TaskToken<Int>?>(nil)
            let number = TaskTokenGuard("capacity_stranger", on: coordinator) { (number: Int) in number }
            let waits = TaskTokenGuard("capacity_waits", on: coordinator) { (_: Int) throws in
                gate.pass()
                return try stranger.withLock { $0 }?.wait() ?? -1
            }
            let first = [waits(0), waits(1)]
            let last = number(7)
            stranger.withLock { $0 = last }
            #expect(last.state == .waiting)
            gate.open()
            for token in first {
                let number = try await token.value
                #expect(number == 7)
            }
        }
    }

    @Test(
        "tokens submitted before the start count, and those in the line are settled by a stop",
        arguments: [true, false])
    func beforeStart(_ starts: Bool) async throws {
        let coordinator = try makeCoordinator { configure(&$0, 4, .dropOldest) }
        let number = TaskTokenGuard("capacity_early", on: coordinator) { (number: Int) in number }
        let tokens = (0..<5).map { number($0) }
        #expect(code(tokens[2]) == .overloaded)
        if starts {
            try await coordinator.start()
            for index in [0, 1, 3, 4] { #expect(try await tokens[index].value == index) }
        }
        let report = await coordinator.stop(timeout: .zero)
        #expect(report.abandoned.count == (starts ? 0 : 4))
        #expect(tokens.allSatisfy { $0.isSettled })
    }

    @Test("a batch counts token by token")
    func batch() async throws {
        try await withTestCoordinator {
            configure(&$0, 10, .reject)
        } _: { coordinator in
            coordinator.pause()
            let number = TaskTokenGuard("capacity_batch", on: coordinator) { (number: Int) in number }
            let tokens = number.batch(0..<25)
            #expect(coordinator.statistics().counts.failed == 15)
            coordinator.resume()
            let values = await tokens.results.compactMap { try? $0.get() }
            #expect(values == Array(0..<10))
        }
    }

    @Test("C11 a stop settles a long line that a pause holds")
    func longLine() async throws {
        let count = Sizes.part(of: 20_000)
        let coordinator = try makeCoordinator { configure(&$0, count, .dropOldest) }
        try await coordinator.start()
        coordinator.pause()
        let number = TaskTokenGuard("capacity_long", on: coordinator) { (number: Int) in number }
        let tokens = (0..<count).map { number($0) }
        let report = await coordinator.stop()
        #expect(tokens.allSatisfy { code($0) == .coordinatorStopped } && report.abandoned.count == count)
        #expect(coordinator.statistics().admission?.inUse == 0)
    }

    @Test("a call that waited for a place and is refused before it comes in gives it back")
    func refusedWithPlace() async throws {
        try await withTestCoordinator {
            configure(&$0, 1, .suspend)
        } _: { coordinator in
            let keyed = TaskTokenGuard("capacity_keyed", locality: .sticky { (key: String) in key }, on: coordinator) {
                (key: String) in key.count
            }
            for _ in 0..<3 {
                let token = try await keyed.submit("")
                #expect(code(token) == .invalidArgument)
            }
            let value = try await keyed.submit("four").value
            #expect(value == 4)
        }
    }

    @Test("C12 a capacity out of range is refused by name", arguments: [0, -1, 1_000_000_001, .min, .max])
    func badCapacity(_ capacity: Int) throws {
        let error = #expect(throws: TokenError.self) { try makeCoordinator { $0.capacity = capacity } }
        #expect(error?.code == .invalidConfiguration && error?.message.contains("capacity \(capacity)") == true)
    }
}
