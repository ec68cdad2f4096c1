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

/// Many tokens awaited together.
@Suite struct GatherTests {
    private let submitter = HeldSubmitter()
    private var picky: TaskTokenGuard<Int, Int> {
        TaskTokenGuard("gather.picky", on: submitter) { (n: Int) throws in
            if n % 3 == 0 { throw Sour(number: n) }
            return n
        }
    }

    @Test("Gather answers in the order of its tokens, and one failure spoils nothing")
    func orderAndFailures() async throws {
        let tokens = (0..<300).map { picky($0) }
        tokens[100].kill()
        async let results = gather(tokens)
        // Run backwards: the order of settling is not the order of the answer.
        try await onThread { for token in tokens.reversed() { token.run() } }
        for (index, result) in await results.enumerated() {
            switch result {
            case .success(let value): #expect(value == index && index % 3 != 0 && index != 100)
            case .failure(let error as Sour): #expect(error.number == index && index % 3 == 0)
            case .failure(let error): #expect(index == 100 && (error as? TokenError)?.code == .killed)
            }
        }
    }

    @Test("Gather of nothing, of settled tokens and of one token twice returns")
    func corners() async throws {
        #expect(await gather([TaskToken<Int>]()).isEmpty)
        let token = picky(1)
        async let twice = gather([token, token])
        submitter.runAll()
        #expect(try await twice.map { try $0.get() } == [1, 1])
        #expect(try await gather([token]).map { try $0.get() } == [1])
    }

    // Only the thread sanitizer can see this one fail.
    @Test("Gather of nothing on many threads at once writes to nothing that they share")
    func nothingFromManyThreads() async {
        await concurrently(4) { _ in
            for _ in 0..<10_000 where (try? waitForAll([TaskToken<Int>]()))?.isEmpty != true {
                Issue.record("nothing is something")
            }
        }
    }

    @Test("Gather leaves no waiter behind in any token")
    func leavesNothing() async {
        let tokens = (0..<64).map { picky($0) }
        async let results = gather(tokens)
        await concurrently(4) { thread in
            for index in stride(from: thread, to: 64, by: 4) { tokens[index].run() }
        }
        #expect(await results.count == 64)
        #expect(tokens.allSatisfy { $0.current.waiters == 0 })
    }

    @Test("Many gathers over the same tokens all return, while the tokens settle from many threads")
    func manyGathers() async {
        let tokens = (0..<500).map { picky($0) }
        let sums = Journal<Int>()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask { sums.note(await gather(tokens).reduce(0) { $0 + ((try? $1.get()) ?? 0) }) }
            }
            await concurrently(4) { thread in
                for index in stride(from: thread, to: 500, by: 4) { tokens[index].run() }
            }
        }
        let sum = (0..<500).filter { $0 % 3 != 0 }.reduce(0, +)
        #expect(sums.all == [Int](repeating: sum, count: 50))
    }

    @Test("Gather of different types answers a tuple, or throws the first error in their order")
    func variadic() async throws {
        let text = TaskTokenGuard("gather.text", on: submitter) { (n: Int) in "\(n)" }
        let (a, b, c) = (picky(1), text(2), picky(4))
        let (bad, worse) = (picky(3), picky(6))
        submitter.runAll()
        let all = try await gather(a, b, c)
        #expect(all.0 == 1 && all.1 == "2" && all.2 == 4)
        await #expect(throws: Sour(number: 3)) { _ = try await gather(a, bad, worse) }
        await #expect(throws: Sour(number: 6)) { _ = try await gather(worse, bad) }
    }

    @Test("Blocking for all answers like gather; its timeout is for all of them together")
    func blocking() async throws {
        let tokens = (1...5).map { picky($0) }
        let error = await #expect(throws: TokenError.self) {
            try await onThread { _ = try waitForAll(tokens, timeout: .milliseconds(5)) }
        }
        #expect(error?.code == .waitTimedOut)
        submitter.runAll()
        let results = try await onThread { try waitForAll(tokens, timeout: .zero) }
        #expect(results.map { try? $0.get() } == [1, 2, nil, 4, 5])
        #expect(tokens.allSatisfy { $0.current.waiters == 0 })
    }

    @Test("Completions come first done first, each once, with index, token and result")
    func completionsOrder() async throws {
        let tokens = (0..<50).map { picky($0) }
        let order = (0..<50).shuffled()
        let stream = completions(of: tokens)
        for index in order { tokens[index].run() }
        var seen: [Int] = []
        for await completion in stream {
            seen.append(completion.index)
            #expect(completion.token === tokens[completion.index])
            #expect((try? completion.get()) == (completion.index % 3 == 0 ? nil : completion.index))
        }
        #expect(seen == order)
    }

    @Test("Breaking out of completions leaves the other tokens alone")
    func completionsBreak() async throws {
        let tokens = (1...10).map { picky($0) }
        tokens[3].run()
        for await completion in completions(of: tokens) {
            #expect(completion.index == 3)
            break
        }
        #expect(tokens.filter(\.isSettled).count == 1)
        try await onThread { submitter.runAll() }
        #expect(tokens.allSatisfy { $0.isSettled })
    }

    @Test("Completions of nothing ends; of settled tokens it yields them in their order")
    func completionsCorners() async {
        for await _ in completions(of: [TaskToken<Int>]()) { Issue.record("there is nothing to complete") }
        let tokens = (1...5).map { picky($0) }
        submitter.runAll()
        var seen: [Int] = []
        for await completion in completions(of: tokens) { seen.append(completion.index) }
        #expect(seen == [0, 1, 2, 3, 4])
    }

    @Test("A cancelled task that reads completions ends; the tokens go on")
    func completionsCancelled() async throws {
        let tokens = (1...3).map { picky($0) }
        let reader = Task {
            var count = 0
            for await _ in completions(of: tokens) { count += 1 }
            return count
        }
        _ = await eventually { tokens.allSatisfy { $0.current.waiters != 0 } }
        reader.cancel()
        #expect(await reader.value == 0)
        submitter.runAll()
        #expect(tokens.allSatisfy { $0.isSettled })
    }
}
