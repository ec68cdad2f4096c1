//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("what a call with options is given, and what callers from other languages need of it")
struct OptionInputTests {
    private final class Parcel: Sendable {
        let gone: Tally
        init(_ gone: Tally) { self.gone = gone }
        deinit { gone.add() }
    }
    private struct Fault: FailureOfAKind {
        let number: Int
        var failureKind: String { "fault \(number)" }
    }

    @Test("an input is kept for all attempts, and let go when the last has ended, though the token stays")
    func letGo() async throws {
        try await withTestCoordinator { coordinator in
            let retry = OperationOptions(retry: RetryPolicy(attempts: 3, backOff: .none))
            let (gone, attempts) = (Tally(), Tally())
            let retried = TaskTokenGuard("input_retried", options: retry, on: coordinator) {
                (parcel: Parcel) throws -> Int in
                attempts.add()
                if attempts.value < 3 { throw Fault(number: parcel.gone.value) }
                return parcel.gone.value
            }
            let token = retried(Parcel(gone))
            let whileRunning = try await token.value
            #expect(whileRunning == 0 && attempts.value == 3)
            #expect(await eventually { gone.value == 1 })
            let once = TaskTokenGuard("input_once", on: coordinator) { (parcel: Parcel) in parcel.gone.value }
            let other = once.with(timeout: .seconds(3_600))(Parcel(gone))
            let before = try await other.value
            #expect(before == 1)
            #expect(await eventually { gone.value == 2 })
            #expect(token.state == .completed && other.state == .completed)
        }
    }

    @Test("keys of bytes are one where the bytes are, also where they would be equal as text; 1 to 1,024 of them")
    func keysOfBytes() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.time = time
        } _: { coordinator in
            let operation = TaskTokenGuard("input_key", on: coordinator) { (number: Int) in number }
            func options(_ key: [UInt8]) -> CallOptions {
                key.withUnsafeBytes {
                    CallOptions(delay: .seconds(1), after: [], afterFailure: .fail, timeout: nil, key: $0)
                }
            }
            func submit(_ key: [UInt8]) -> TaskToken<Int> { operation.with(options(key))(1) }
            let composed = submit(Array("\u{E9}".utf8))
            let decomposed = submit(Array("e\u{301}".utf8))
            let zero = submit([0])
            let longest = submit(Array(repeating: 255, count: 1_024))
            #expect(composed === submit([0xC3, 0xA9]) && composed !== decomposed)
            #expect(
                zero === submit([0]) && zero !== submit([0, 0])
                    && longest === submit(Array(repeating: 255, count: 1_024)))
            #expect(longest !== submit(Array(repeating: 255, count: 1_023)))
            for length in [0, 1_025] {
                let wrong = options(Array(repeating: 200, count: length))
                let error = #expect(throws: TokenError.self) { try wrong.validate() }
                #expect(error?.code == .invalidArgument && error?.message.contains("\(length) bytes") == true)
            }
            time.advance(by: .seconds(2))
            #expect(await settle([composed, decomposed, zero, longest]))
        }
    }

    @Test("a call with options waits for a place with its thread, and gives it back where it comes to nothing")
    func places() async throws {
        let gate = Gate()
        try await withTestCoordinator {
            $0.capacity = 1
        } _: { coordinator in
            let standing = TaskTokenGuard("input_place", on: coordinator) { (_: Int) in gate.pass() }
            let options = CallOptions(delay: nil, after: [], afterFailure: .fail, timeout: .seconds(3_600), key: nil)
            let call = standing.with(options)
            let first = try await onThread { try call.submitBlocking(1, timeout: nil) }
            await #expect(throws: TokenError.self) {
                _ = try await onThread { try call.submitBlocking(2, timeout: .milliseconds(1)) }
            }
            gate.open()
            let second = try await onThread { try call.submitBlocking(3, timeout: nil) }
            #expect(await settle([first, second]))
            #expect(await eventually { coordinator.statistics().admission?.inUse == 0 })
        }
    }

    @Test("C12 a negative timeout for a place is refused, also where the call needs none")
    func negativePatience() async throws {
        @Sendable func isRefused(_ submit: () throws -> TaskToken<Int>) -> Bool {
            do {
                _ = try submit()
                return false
            } catch {
                return (error as? TokenError)?.code == .invalidArgument && "\(error)".contains("-1.0 seconds")
            }
        }
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard("input_patience", on: coordinator) { (n: Int) in n }
            let later = operation.with(delay: .seconds(1))
            #expect(isRefused { try operation.submitBlocking(1, timeout: .seconds(-1)) })
            #expect(isRefused { try later.submitBlocking(1, timeout: .seconds(-1)) })
            let body = TaskTokenGuard("input_patience_body", on: coordinator) {
                isRefused { try operation.submitBlocking(1, timeout: .seconds(-1)) }
                    && isRefused { try later.submitBlocking(1, timeout: .seconds(-1)) }
            }
            let isRefusedInside = try await body().value
            #expect(isRefusedInside && coordinator.statistics().counts.submitted == 1)
        }
    }

    @Test("failures that stand for several kinds are counted by kind")
    func kinds() async throws {
        try await withTestCoordinator { coordinator in
            let failing = TaskTokenGuard("input_kind", on: coordinator) { (number: Int) throws -> Int in
                throw Fault(number: number)
            }
            let tokens = [1, 2, 2].map { failing($0) }
            #expect(await settle(tokens))
            let failures = try coordinator.reputation(of: "input_kind")?.failures
            #expect(failures?.map(\.kind) == ["fault 2", "fault 1"] && failures?.map(\.count) == [2, 1])
        }
    }
}
