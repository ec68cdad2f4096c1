//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import Testing
import TokenCore

/// TokenCore alone: awaitable tokens over an executor of one's own.
@Suite struct OwnSubmitterTests {
    @Test("An executor of one's own runs tokens, which are awaited, gathered, mapped and zipped like any")
    func threads() async throws {
        let submitter = ThreadSubmitter()
        let square = TaskTokenGuard("own.square", on: submitter) { (n: Int) in n * n }
        let tokens = (0..<50).map { square($0) }
        #expect(await gather(tokens).map { try? $0.get() } == (0..<50).map { $0 * $0 })
        #expect(try await tokens[3].map { $0 + 1 }.value == 10)
        #expect(try await tokens[3].zip(tokens[4]).value == (9, 16))
        let waited = try await onThread { try square(9).wait() }
        #expect(waited == 81)
    }

    @Test("A body on such an executor finds itself, submits children there, and may wait for them")
    func children() async throws {
        let submitter = ThreadSubmitter()
        let child = TaskTokenGuard("own.child") { (n: Int) in n + 1 }
        let parent = TaskTokenGuard("own.parent", on: submitter) { (n: Int) throws in
            let context = TokenContext.current
            let token = child(n)
            return (try token.wait(), context?.id, context?.operationType, token.id.origin)
        }
        let token = parent(1)
        let (value, id, operation, origin) = try await token.value
        #expect(value == 2)
        #expect(id == token.id)
        #expect(operation == "own.parent")
        #expect(origin == submitter.realm.origin)
        #expect(TokenContext.current == nil)
    }

    @Test("An executor that knows nothing of async bodies runs them too")
    func asyncBodies() async throws {
        let submitter = ThreadSubmitter()
        let nap = TaskTokenGuard("own.async", on: submitter) { (n: Int) async throws in
            await Task.yield()
            if n < 0 { throw Sour(number: n) }
            return n
        }
        #expect(try await nap(3).value == 3)
        await #expect(throws: Sour(number: -3)) { try await nap(-3).value }
    }

    @TaskLocal private static var request = 0

    @Test("Such an executor's bodies find the context of their submission where it is wanted, and are themselves")
    func context() async throws {
        let submitter = ThreadSubmitter()
        let options = OperationOptions(context: .captured)
        let child = TaskTokenGuard("own.context-child", options: options) { (_: Int) in
            (TokenContext.current?.id, Self.request)
        }
        let parent = TaskTokenGuard("own.context", options: options, on: submitter) { (n: Int) async throws in
            await Task.yield()
            let id = TokenContext.current?.id
            let token = Self.$request.withValue(Self.request + 1) { child(n) }
            let found = try await token.value
            #expect(found.0 == token.id && token.id.origin == id?.origin)
            return (id, Self.request, found.1)
        }
        for number in 1...20 {
            let token = Self.$request.withValue(number * 10) { parent(number) }
            let (id, own, inner) = try await token.value
            #expect(id == token.id && own == number * 10 && inner == number * 10 + 1)
        }
    }

    @Test("C1 a token runs at most once, however often and from however many threads it is told to")
    func runsOnce() async throws {
        let submitter = HeldSubmitter()
        let runs = Tally()
        let once = TaskTokenGuard("own.once", on: submitter) { (n: Int) in runs.add() }
        let tokens = (0..<200).map { once($0) }
        await concurrently(4) { _ in for token in tokens { token.run() } }
        #expect(runs.value == 200)
        #expect(tokens.allSatisfy { $0.state == .completed })
        let killed = once(0)
        killed.kill()
        killed.run()
        #expect(runs.value == 200)
        #expect(killed.state == .killed)
    }

    @Test("A submitter is told of each token that someone else settled, once, before the waiters")
    func told() {
        let submitter = HeldSubmitter()
        let token = TaskTokenGuard("own.told", on: submitter) { (n: Int) in n }(1)
        let seen = Journal<Int>()
        token.onSettled { seen.note(submitter.told.value) }
        token.kill()
        token.kill()
        #expect(seen.all == [1])
        #expect(submitter.told.value == 1)
    }
}
