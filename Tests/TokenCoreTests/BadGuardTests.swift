//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenCore

/// C12 where guards are concerned: a typed error that names the value, and nothing has changed.
@Suite struct BadGuardTests {
    private let submitter = HeldSubmitter()

    /// The error that a token settled with at once.
    private func problem<Value>(of token: TaskToken<Value>) -> TokenError? {
        guard case .failure(let error)? = token.resultIfSettled else { return nil }
        return error as? TokenError
    }

    @Test("C12 an operation type that is empty or too long settles each token with an error that says so")
    func operationTypes() async throws {
        let long = String(repeating: "n", count: 256)
        for (name, part) in [("", "\"\""), (long, "256"), (String(repeating: "\u{E9}", count: 128), "256")] {
            let guarded = TaskTokenGuard(name, on: submitter) { (n: Int) in n }
            let error = try #require(problem(of: guarded(1)))
            #expect(error.code == .invalidOperationType)
            #expect(error.message.contains(part), "\(error)")
            #expect(throws: TokenError.self) { try guarded.validate() }
            #expect(guarded.operationType == name)
        }
        #expect(submitter.tokens.isEmpty)
        let longest = TaskTokenGuard(String(repeating: "n", count: 255), on: submitter) { (n: Int) in n }
        try longest.validate()
        #expect(longest(1).state == .created)
    }

    @Test("C12 an operation type beyond the most that a process may have is refused by name; the known ones go on")
    func tooManyOperationTypes() async {
        await #expect(processExitsWith: .success) {
            let submitter = HeldSubmitter()
            let many = (0..<Operation.limit).map { TaskTokenGuard("many-\($0)", on: submitter) { (n: Int) in n } }
            try many[Operation.limit - 1].validate()
            let beyond = TaskTokenGuard("one-more", on: submitter) { (n: Int) in n }
            let error = try #require(throws: TokenError.self) { try beyond.validate() }
            #expect(error.code == .tooManyOperationTypes)
            #expect(error.message.contains("one-more"))
            #expect(beyond(1).state == .failed)
            #expect(submitter.tokens.isEmpty)
            try TaskTokenGuard("many-7", on: submitter) { (n: Int) in n }.validate()
            #expect(many[7](1).state == .created)
        }
    }

    @Test("C12 an empty anchor key settles the token with an error that names the operation, and nothing is submitted")
    func anchorKeys() throws {
        let fixed = TaskTokenGuard("bad.fixed", locality: .sticky(""), on: submitter) { (n: Int) in n }
        #expect(problem(of: fixed(1))?.code == .invalidArgument)
        #expect(throws: TokenError.self) { try fixed.validate() }
        let raw = TaskTokenGuard("bad.raw", locality: .sticky([UInt8]()), on: submitter) { (n: Int) in n }
        #expect(problem(of: raw(1))?.code == .invalidArgument)
        let keyed = TaskTokenGuard("bad.keyed", locality: .sticky { (s: String) in s }, on: submitter) { $0 }
        let error = try #require(problem(of: keyed("")))
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains("bad.keyed"))
        #expect(submitter.tokens.isEmpty)
        #expect(keyed("a").state == .created)
        #expect(submitter.tokens.count == 1)
    }

    @Test("C12 a key that comes up with bytes twice is taken at its first word")
    func twofoldKey() throws {
        struct Twofold: AnchorKey {
            func withAnchorBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
                _ = "first".withAnchorBytes(body)
                return "second".withAnchorBytes(body)
            }
        }
        let fixed = TaskTokenGuard("bad.twofold", locality: .sticky(Twofold()), on: submitter) { (n: Int) in n }
        let keyed = TaskTokenGuard("bad.twofold", locality: .sticky { (_: Int) in Twofold() }, on: submitter) { $0 }
        #expect([fixed(1), keyed(2)].map(\.state) == [.created, .created])
        #expect(submitter.tokens.count == 2)
    }

    @Test("C12 a lead without external calls, or with an empty one, settles its tokens with an error")
    func externalCalls() throws {
        let none = TaskTokenGuard("bad.lead", locality: .lead(externalCalls: []), on: submitter) { (n: Int) in n }
        let hollow = TaskTokenGuard("bad.lead", locality: .lead(externalCalls: ["a", ""]), on: submitter) { (n: Int) in
            n
        }
        #expect(problem(of: none(1))?.code == .invalidArgument)
        #expect(problem(of: none(1))?.message.contains("[]") == true)
        #expect(problem(of: hollow(1))?.code == .invalidOperationType)
        #expect(problem(of: hollow(1))?.message.contains("2") == true)
        #expect(submitter.tokens.isEmpty)
    }

    @Test("C12 a negative timeout is refused, with its value, and the token goes on")
    func negativeTimeout() async throws {
        let token = TaskTokenGuard("bad.timeout", on: submitter) { (n: Int) in n }(5)
        let error = await #expect(throws: TokenError.self) {
            try await onThread { try token.wait(timeout: .seconds(-3)) }
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("-3") == true)
        let all = await #expect(throws: TokenError.self) {
            try await onThread { _ = try waitForAll([token], timeout: .milliseconds(-1)) }
        }
        #expect(all?.code == .invalidArgument)
        let none = await #expect(throws: TokenError.self) {
            try await onThread { _ = try waitForAll([TaskToken<Int>](), timeout: .seconds(-5)) }
        }
        #expect(none?.code == .invalidArgument)
        #expect(none?.message.contains("-5") == true)
        #expect(token.state == .created)
        submitter.runAll()
        #expect(try await token.value == 5)
    }

    @Test("C12 a wait whose time passes says how long it was and what the token was at")
    func waitTimedOut() async throws {
        let token = TaskTokenGuard("bad.waited", on: submitter) { (n: Int) in n }(5)
        let error = await #expect(throws: TokenError.self) { try await onThread { try token.wait(timeout: .zero) } }
        #expect(error?.code == .waitTimedOut)
        #expect(error?.message.contains("created") == true)
        #expect(error?.message.contains("bad.waited") == true)
        token.kill()
    }

    @Test("C12 extreme timeouts neither trap nor turn into their opposite")
    func extremeTimeouts() async throws {
        let forever = TaskTokenGuard("bad.extreme", on: submitter) { (n: Int) in n }(5)
        async let waited = onThread { try forever.wait(timeout: .seconds(Int64.max)) }
        _ = await eventually { forever.current.waiters != 0 }
        submitter.runAll()
        #expect(try await waited == 5)
    }

    @Test("Errors read as code, message and cause")
    func description() {
        let error = TokenError(.killed, "gone")
        #expect("\(error)" == "killed: gone")
        #expect("\(TokenError(.killed, "gone", cause: Sour(number: 9)))" == "killed: gone (Sour(number: 9))")
        #expect(TokenError.Code.killed != .discarded)
    }
}
