//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenCore

// Functions as a program has them, to be guarded as they are.
private func nothing() -> String { "nothing" }
private func one(_ a: Int) -> Int { a + 1 }
private func two(_ a: Int, _ b: String) -> String { "\(a)\(b)" }
private func three(_ a: Int, b: Int, c: Int) throws -> Int { a * 100 + b * 10 + c }
private func four(_ a: Int, _ b: Int, _ c: Int, _ d: [Int]) async throws -> [Int] { [a, b, c] + d }
private func sour(_ a: Int) throws -> Int { throw Sour(number: a) }
private func quietly(_ text: String) {}

private struct Greeter: Sendable {
    let greeting: String
    func greet(_ name: String) -> String { "\(greeting), \(name)" }
    static func shout(_ text: String, _ times: Int) -> String {
        String(repeating: text.uppercased(), count: times)
    }
}

private actor Till {
    private var sum = 0
    func add(_ amount: Int) -> Int {
        sum += amount
        return sum
    }
}

/// Guards: what can be guarded, where its tokens go, and what a bad one does.
@Suite struct GuardTests {
    private let submitter = HeldSubmitter()

    private func ran<Value>(_ token: TaskToken<Value>) async throws -> Value {
        #expect(token.state == .created, "nothing runs on the calling thread")
        try await onThread { submitter.runAll() }
        return try await token.value
    }

    @Test("Guards take functions of none to four parameters as they are")
    func functions() async throws {
        #expect(try await ran(TaskTokenGuard("guard.f0", on: submitter, nothing)()) == "nothing")
        #expect(try await ran(TaskTokenGuard("guard.f1", on: submitter, one)(41)) == 42)
        #expect(try await ran(TaskTokenGuard("guard.f2", on: submitter, two)(4, "2")) == "42")
        #expect(try await ran(TaskTokenGuard("guard.f3", on: submitter, three)(1, 2, 3)) == 123)
        #expect(try await ran(TaskTokenGuard("guard.f4", on: submitter, four)(1, 2, 3, [4])) == [1, 2, 3, 4])
        try await ran(TaskTokenGuard("guard.void", on: submitter, quietly)("x"))
    }

    @Test("Guards take closures of none to four parameters, synchronous and async")
    func closures() async throws {
        let c0 = TaskTokenGuard("guard.c0", on: submitter) { 7 }
        let c1 = TaskTokenGuard("guard.c1", on: submitter) { (a: Int) in a }
        let c2 = TaskTokenGuard("guard.c2", on: submitter) { (a: Int, b: Int) in a - b }
        let c3 = TaskTokenGuard("guard.c3", on: submitter) { (a: Int, b: String, c: Bool) in "\(a)\(b)\(c)" }
        let c4 = TaskTokenGuard("guard.c4", on: submitter) { (a: Int, b: Int, c: Int, d: Int) throws in a + b + c + d }
        #expect(try await ran(c0()) == 7)
        #expect(try await ran(c1(1)) == 1)
        #expect(try await ran(c2(5, 3)) == 2)
        #expect(try await ran(c3(1, "b", true)) == "1btrue")
        #expect(try await ran(c4(1, 2, 3, 4)) == 10)
        let a0 = TaskTokenGuard("guard.a0", on: submitter) { () async in
            await Task.yield()
            return 8
        }
        let a2 = TaskTokenGuard("guard.a2", on: submitter) { (a: Int, b: Int) async throws in
            await Task.yield()
            return a * b
        }
        #expect(try await ran(a0()) == 8)
        #expect(try await ran(a2(6, 7)) == 42)
    }

    @Test("Guards take methods, static methods, actors' methods and tuples")
    func methods() async throws {
        let greeter = Greeter(greeting: "Hello")
        let till = Till()
        let greet = TaskTokenGuard("guard.method", on: submitter, greeter.greet)
        let shout = TaskTokenGuard("guard.static", on: submitter, Greeter.shout)
        let add = TaskTokenGuard("guard.actor", on: submitter) { (amount: Int) async in await till.add(amount) }
        let tuple = TaskTokenGuard("guard.tuple", on: submitter) { (pair: (Int, String)) in pair.1 + "\(pair.0)" }
        #expect(try await ran(greet("Ada")) == "Hello, Ada")
        #expect(try await ran(shout("a", 3)) == "AAA")
        #expect(try await ran(add(5)) == 5)
        #expect(try await ran(add(6)) == 11)
        #expect(try await ran(tuple((1, "a"))) == "a1")
    }

    @Test("What a body throws reaches the caller as it is, from sync and async bodies")
    func throwing() async throws {
        let token = TaskTokenGuard("guard.sour", on: submitter, sour)(3)
        let late = TaskTokenGuard("guard.sour-async", on: submitter) { (n: Int) async throws -> Int in
            await Task.yield()
            throw Sour(number: n)
        }(4)
        try await onThread { submitter.runAll() }
        await #expect(throws: Sour(number: 3)) { try await token.value }
        await #expect(throws: Sour(number: 4)) { try await late.value }
        #expect(token.state == .failed && late.state == .failed)
    }

    @Test("A guard's tokens carry its operation type and distinct ids of its submitter")
    func identity() {
        let guarded = TaskTokenGuard("guard.identity", on: submitter, one)
        #expect(guarded.operationType == "guard.identity")
        let tokens = (0..<1_000).map { guarded($0) }
        #expect(tokens.allSatisfy { $0.operationType == "guard.identity" && $0.id.origin == submitter.realm.origin })
        #expect(Set(tokens.map(\.id)).count == tokens.count)
    }

    @Test("A call's arguments are freed with its token, and its input as soon as the body has run")
    func inputsAreFreed() {
        final class Payload: Sendable {}
        weak var input: Payload?
        let guarded = TaskTokenGuard("guard.freed", on: submitter) { (_: Payload) in 1 }
        let token: TaskToken<Int>
        do {
            let payload = Payload()
            input = payload
            token = guarded(payload)
        }
        #expect(input != nil)
        submitter.runAll()
        #expect(input == nil)
        #expect(token.state == .completed)
    }

    @Test("A body made inside a body goes where that body runs, whatever its guard says")
    func bodiesKeepTheirSubmitter() async throws {
        let elsewhere = HeldSubmitter()
        let inner = TaskTokenGuard("guard.inner", on: elsewhere, one)
        let outer = TaskTokenGuard("guard.outer", on: submitter) { (n: Int) in inner(n) }
        let token = try await ran(outer(1))
        #expect(try await token.value == 2)
        #expect(token.id.origin == submitter.realm.origin)
        #expect(elsewhere.tokens.isEmpty)
    }

    @Test("Around a guard without coordinator of its own, the surrounding scope is used, in child tasks too")
    func scope() async throws {
        let free = TaskTokenGuard("guard.scope", one)
        let token = await withAmbientSubmitter(submitter) { await Task { free(1) }.value }
        #expect(token.id.origin == submitter.realm.origin)
        #expect(try await ran(token) == 2)
        let bound = TaskTokenGuard("guard.scope", on: submitter, one)
        let other = HeldSubmitter()
        #expect(await withAmbientSubmitter(other) { bound(1) }.id.origin == submitter.realm.origin)
        #expect(other.tokens.isEmpty)
    }
}
