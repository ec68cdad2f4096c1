//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGateMacros

/// What decorated functions do when they are called.
@Suite struct SubmissionTests {
    @Test("A call returns its token at once, and runs nothing on the caller's thread")
    func atOnce() async throws {
        try await withCoordinator { coordinator async throws in
            coordinator.pause()
            let token = stringOp("hello")
            #expect(token.operationType == "macro.string")
            #expect(!token.isSettled, "all is paused")
            coordinator.resume()
            #expect(try await token.value == 5)
        }
    }

    @Test("C2 A call where there is no coordinator settles with an error, as a guard's does")
    func nowhere() async throws {
        let stopped = try makeCoordinator()
        await stopped.stop()
        await withAmbientSubmitter(stopped) {
            await expectError(.coordinatorStopped, of: stringOp("late"))
        }
    }

    @Test("Labels, defaults, several of a kind and closures reach the body as they were at the call")
    func parameters() async throws {
        try await withCoordinator { _ async throws in
            try await nothing().value
            #expect(try await labelled(2, by: 3, plus: 1, 1, 1, then: { "\($0)" }).value == "9")
            #expect(try await labelled(2) { "<\($0)>" }.value == "<20>")
            #expect(try await sign(-1).value == "negative")
            #expect(try await taken(1, operation: 2, takenBody: 3).value == 1006)
        }
    }

    @Test("What the body throws settles the token, whether or not the function says `throws`")
    func throwing() async throws {
        try await withCoordinator { _ async throws in
            await #expect(throws: Sour(number: 1)) { try await thrower(1).value }
            let token = try declaredThrower(2)
            await #expect(throws: Sour(number: 2)) { try await token.value }
            await #expect(throws: Sour(number: 3)) { try await typedThrower(true).value }
            #expect(try await typedThrower(false).value == 3)
        }
    }

    @Test("A body that awaits is an async one, while the call needs no await")
    func asyncBodies() async throws {
        try await withCoordinator { _ async throws in
            let token = asynchronous(4)
            #expect(try await token.value == 7)
            #expect(try await nestedAwait().value, "on a worker's thread")
        }
    }

    @Test("C12 Options are those of a guard: a body is tried again, a limit holds, a bad value settles the token")
    func operationOptions() async throws {
        try await withCoordinator { coordinator async throws in
            let token = stubborn(failing: 2)
            #expect(try await token.value == 3)
            #expect(token.attempts == 3)
            await #expect(throws: Sour(number: 3)) { try await stubborn(failing: 3).value }
            #expect(try await Desk(id: 7).answer().value == 7)
            let desk = coordinator.statistics().operations.first { $0.operationType == "macro.desk" }
            #expect(desk?.concurrency?.limit == 1)
            await expectError(.invalidArgument, of: hopeless())
        }
    }

    @Test("Methods see their instance, or their type")
    func methods() async throws {
        try await withCoordinator { _ async throws in
            let greeter = Greeter(greeting: "Hello")
            #expect(try await greeter.greet("core").value == "Hello, core!")
            #expect(try await Greeter.shout("core").value == "CORE!")
            #expect(try await greeter.me().value.greeting == "Hello")
            #expect(try await (greeter + greeter).value.greeting == "HelloHello")
            #expect(try await greeter.wave().value == "Hello ~")
            #expect(try await greeter.later("x")().value == "Hello x")
        }
    }

    @Test("Classes: implicit self, super, overrides, requirements of protocols and their extensions")
    func classes() async throws {
        try await withCoordinator { _ async throws in
            let objects: [any Named] = [Base(), Derived()]
            var titles: [String] = []
            for object in objects { titles.append(try await object.title(1).value) }
            #expect(titles == ["base1", "derived base1base"])
            #expect(try await Base().twice(2).value == "base2base2")
        }
    }

    @Test("Actors and the main actor: the call keeps its isolation, the body has none")
    func isolation() async throws {
        try await withCoordinator { _ async throws in
            let till = Till()
            let tokens = [await till.add(1), await till.add(2)]
            let sums = await gather(tokens).map { try? $0.get() }
            #expect(sums == [1, 3] || sums == [3, 2])
            #expect(try await till.title().value == "till")
            let token = await fromMain(1)
            #expect(try await token.value == 2)
        }
    }

    @Test("Generic functions and types, where each call makes its guard, are one operation")
    func generics() async throws {
        try await withCoordinator { coordinator async throws in
            #expect(try await generic("a", 1, same: "a").value == ["a", "a"])
            #expect(try await generic(1, "a", same: 2).value == [])
            #expect(try await Box(content: "x").unpacked().value == "x")
            #expect(try await Box.boxed(7).value.content == 7)
            let own = coordinator.statistics().operations.filter { $0.operationType == "macro.generic" }
            #expect(own.count == 1)
            #expect(own.first?.counts.completed == 2)
        }
    }

    @Test("Local functions can be decorated, and capture")
    func local() async throws {
        let factor = 3
        @TaskTokenGuard("macro.local")
        func times(_ n: Int) -> TaskToken<Int> { n * factor }
        try await withCoordinator { _ async throws in #expect(try await times(4).value == 12) }
    }

    @Test("`#function` is the function's name")
    func functionName() async throws {
        try await withCoordinator { _ async throws in
            #expect(try await named(1, of: 2).value == ["named(_:of:)", "named(_:of:)"])
        }
    }

    @Test("An operation has the tags that were asked for, and is one in statistics")
    func options() async throws {
        try await withCoordinator { coordinator async throws in
            let tokens = (0..<10).map { _ in nothing() }
            _ = await gather(tokens)
            let own = coordinator.statistics().operations.filter { $0.operationType == "macro.nothing" }
            #expect(own.map(\.counts.completed) == [10])

            #expect(tokens[0].tags.weight == .medium)
            #expect(tokens[0].tags.storage == nil)
            #expect(tokens[0].tags.isPlain)
            #expect(stringOp("").tags.weight == .light)
            #expect(labelled(1) { "\($0)" }.tags.weight == .heavy)
            #expect(asynchronous(1).tags.storage == .fast)
            #expect(asynchronous(1).tags.flags == .async)
            #expect(fixed().tags.flags == .anchored)
            #expect(Account(id: "a").look().tags.flags == [.anchored, .ordered])
            #expect(child().tags.flags == [])
            #expect(lead(1).tags.flags == .lead)
        }
    }

    @Test("The guard is made once, at the first call; by each call where the language has no static for it")
    func guards() async throws {
        try await withCoordinator { _ async throws in
            _ = await gather((0..<3).map { _ in once() })
            #expect(madeOnce.value == 1)
            _ = await gather((0..<3).map { each($0) })
            #expect(madeEach.value == 3)
        }
    }

    @Test("C5 An anchor that is fixed: one core domain")
    func fixedAnchor() async throws {
        try await withDomains(4) { _ async throws in
            let domains = try await gather((0..<100).map { _ in fixed() }).map { try $0.get() }
            #expect(Set(domains).count == 1)
        }
    }

    @Test("C5 An anchor that is computed from parameters: one core domain for a key, in order")
    func computedAnchor() async throws {
        try await withDomains(4) { _ async throws in
            let journals = (0..<8).map { _ in Journal<Int>() }
            let tokens = (0..<100).map { n in (0..<8).map { user in ordered(n, for: user, in: journals[user]) } }
            for user in 0..<8 {
                let domains = try await gather(tokens.map { $0[user] }).map { try $0.get() }
                #expect(Set(domains).count == 1)
                #expect(journals[user].all == Array(0..<100))
            }
            let two = try await gather((0..<50).map { _ in keyedByTwo(a: 1, b: "x") }).map { try $0.get() }
            #expect(Set(two).count == 1)
            #expect(try await keyedGeneric([1], key: "k").value == [1])
        }
    }

    @Test("C5 An anchor that is computed from the instance")
    func instanceAnchor() async throws {
        try await withDomains(4) { _ async throws in
            let account = Account(id: "a")
            let domains = try await gather((0..<100).map { _ in account.look() }).map { try $0.get() }
            #expect(Set(domains).count == 1)
        }
    }

    @Test("C6 A lead's children carry its seed and run in its core domain")
    func leads() async throws {
        try await withDomains(4) { coordinator async throws in
            for _ in 0..<10 {
                let sights = try await lead(5).value
                #expect(sights.count == 6)
                #expect(sights.allSatisfy { $0 == sights[0] })
                #expect(sights[0].seed != nil)
            }
        }
    }

    @Test("C12 What the compiler cannot see: the token settles with an error that names it")
    func badOptions() async throws {
        try await withCoordinator { _ async throws in
            await expectError(.invalidOperationType, of: badName())
            await expectError(.invalidArgument, of: Account(id: "").look())
        }
    }

    @Test("The guard of the same name is the struct it was")
    func sameName() async throws {
        let shout = TaskTokenGuard("macro.struct") { (text: String) in text.uppercased() }
        try await withCoordinator { _ async throws in #expect(try await shout("x").value == "X") }
    }
}

extension Greeter {
    /// A local function inside a method, which sees the method's instance.
    func later(_ name: String) -> @Sendable () -> TaskToken<String> {
        @TaskTokenGuard("macro.later")
        @Sendable func greetLater() -> TaskToken<String> { "\(greeting) \(name)" }
        return greetLater
    }
}

private func withDomains(_ count: Int, _ body: (OperationsCoordinator) async throws -> Void) async throws {
    var configuration = Configuration()
    configuration.pretend(domains: count)
    try await withCoordinator(configuration, body)
}

private func expectError(
    _ code: TokenError.Code, of token: TaskToken<some Sendable>, at location: SourceLocation = #_sourceLocation
) async {
    let error = await #expect(throws: TokenError.self, sourceLocation: location) { try await token.value }
    #expect(error?.code == code, sourceLocation: location)
}
