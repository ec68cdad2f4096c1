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

/// Tokens made of tokens: map and zip.
@Suite struct DerivedTests {
    private let submitter = HeldSubmitter()
    private var picky: TaskTokenGuard<Int, Int> {
        TaskTokenGuard("derived.picky", on: submitter) { (n: Int) throws in
            if n < 0 { throw Sour(number: n) }
            return n
        }
    }

    @Test("A mapped token runs its transform as a body of \"<operation>.map\", after its source, never on the caller")
    func map() async throws {
        let source = picky(20)
        let transforms = Tally()
        let mapped = source.map { value -> String in
            transforms.add()
            return "\(value + 1)"
        }
        #expect(mapped.operationType == "derived.picky.map")
        #expect(mapped.id.origin == submitter.realm.origin)
        #expect(submitter.reserved.value == 1)
        source.run()
        #expect(transforms.value == 0, "the settling thread only submits it")
        submitter.runAll()
        #expect(try await mapped.value == "21")
        #expect(transforms.value == 1)
    }

    @Test("A derived token keeps its id from the moment it is made")
    func idIsStable() async throws {
        let source = picky(1)
        let mapped = source.map { $0 }
        let id = mapped.id
        submitter.runAll()
        #expect(try await mapped.value == 1)
        #expect(mapped.id == id)
        #expect(mapped.id != source.id)
    }

    @Test("A failure passes through a chain of maps and skips them all")
    func mapFailure() async {
        let source = picky(-7)
        let transforms = Tally()
        let mapped = source.map { $0 + transforms.add() }.map { $0 + transforms.add() }
        submitter.runAll()
        await #expect(throws: Sour(number: -7)) { try await mapped.value }
        #expect(mapped.state == .failed)
        #expect(transforms.value == 0)
        let killed = picky(1)
        let after = killed.map { $0 }
        killed.kill()
        let error = await #expect(throws: TokenError.self) { try await after.value }
        #expect(error?.code == .killed)
    }

    @Test("A transform may throw, which fails the mapped token alone")
    func transformThrows() async throws {
        let source = picky(3)
        let mapped = source.map { value -> Int in throw Sour(number: value) }
        submitter.runAll()
        await #expect(throws: Sour(number: 3)) { try await mapped.value }
        #expect(try await source.value == 3)
    }

    @Test("Killing a mapped token settles it at once and leaves its source alone; its transform never runs")
    func killDerived() async throws {
        let source = picky(3)
        let transforms = Tally()
        let mapped = source.map { $0 + transforms.add() }
        #expect(mapped.kill())
        #expect(mapped.state == .killed)
        submitter.runAll()
        #expect(try await source.value == 3)
        #expect(transforms.value == 0)
        #expect(mapped.state == .killed)
    }

    @Test("A token that is settled already can be mapped and zipped")
    func deriveSettled() async throws {
        let source = picky(3)
        submitter.runAll()
        let mapped = source.map { $0 * 2 }
        let pair = source.zip(source)
        submitter.runAll()
        #expect(try await mapped.value == 6)
        #expect(try await pair.value == (3, 3))
    }

    @Test("A zipped token has both results, whichever comes first")
    func zip() async throws {
        for swapped in [false, true] {
            let (a, b) = (picky(1), picky(2))
            let pair = a.zip(b)
            (swapped ? b : a).run()
            #expect(!pair.isSettled)
            (swapped ? a : b).run()
            #expect(pair.state == .completed)
            #expect(try await pair.value == (1, 2))
        }
    }

    @Test("A zipped token fails once both are settled, with the error of the first in its order that failed")
    func zipFailures() async {
        let (a, b) = (picky(-1), picky(-2))
        let pair = a.zip(b)
        b.run()
        #expect(!pair.isSettled)
        a.run()
        await #expect(throws: Sour(number: -1)) { try await pair.value }
        let (good, bad) = (picky(1), picky(-3))
        let half = good.zip(bad)
        good.run()
        bad.run()
        await #expect(throws: Sour(number: -3)) { try await half.value }
    }

    @Test("Killing a zipped token settles it at once and leaves both sources alone")
    func killZip() async throws {
        let (a, b) = (picky(1), picky(2))
        let pair = a.zip(b)
        #expect(pair.kill())
        submitter.runAll()
        #expect(pair.state == .killed)
        #expect(try await a.value == 1)
        #expect(try await b.value == 2)
    }

    @Test("C1 kill against completion of derived tokens: one winner, and every waiter told once")
    func killRace() async {
        let sources = (0..<1_000).map { picky($0) }
        let derived = sources.map { $0.map { $0 + 1 } }
        let told = Tally()
        let kills = Tally()
        for token in derived { token.onSettled { told.add() } }
        await concurrently(2) { role in
            if role == 0 { submitter.runAll() } else { for token in derived where token.kill() { kills.add() } }
        }
        // Those whose source settled after the runner looked last.
        submitter.runAll()
        #expect(told.value == derived.count)
        #expect(derived.filter { $0.state == .killed }.count == kills.value)
        #expect(derived.filter { $0.state == .completed }.count == derived.count - kills.value)
        #expect(sources.allSatisfy { $0.state == .completed })
    }

    @Test("A token that outlives its submitter still tells id and operation; to map it fails with coordinatorStopped")
    func outlives() async throws {
        var brief: HeldSubmitter? = HeldSubmitter(origin: 77)
        let token = TaskTokenGuard("derived.outlives", on: brief) { (n: Int) in n }(5)
        token.run()
        brief?.realm.detach()
        weak let gone = brief
        brief = nil
        #expect(gone == nil)
        #expect(token.id == TokenID(origin: 77, sequence: 1))
        #expect(token.operationType == "derived.outlives")
        #expect(try await token.value == 5)
        #expect(!token.kill())
        let error = await #expect(throws: TokenError.self) { try await token.map { $0 }.value }
        #expect(error?.code == .coordinatorStopped)
    }
}
