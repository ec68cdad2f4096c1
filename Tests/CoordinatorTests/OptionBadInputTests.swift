//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenGate

@Suite("C12 bad options are typed errors that name the value")
struct OptionBadInputTests {
    static let options: [(OperationOptions, String)] = [
        (OperationOptions(retry: RetryPolicy(attempts: 0)), "attempts 0"),
        (OperationOptions(retry: RetryPolicy(attempts: 1_001)), "attempts 1001"),
        (OperationOptions(retry: RetryPolicy(jitter: 1.5)), "jitter 1.5"),
        (OperationOptions(retry: RetryPolicy(jitter: -0.1)), "jitter -0.1"),
        (OperationOptions(retry: RetryPolicy(jitter: .nan)), "jitter nan"),
        (OperationOptions(retry: RetryPolicy(backOff: .constant(.seconds(-1)))), "back-off -1"),
        (OperationOptions(retry: RetryPolicy(backOff: .exponential(from: .zero))), "back-off 0"),
        (OperationOptions(retry: RetryPolicy(backOff: .exponential(from: .seconds(1), factor: 0.5))), "factor 0.5"),
        (
            OperationOptions(retry: RetryPolicy(backOff: .exponential(from: .seconds(1), factor: .infinity))),
            "factor inf"
        ),
        (
            OperationOptions(retry: RetryPolicy(backOff: .exponential(from: .seconds(2), upTo: .seconds(1)))),
            "longest back-off 1"
        ),
        (OperationOptions(retry: RetryPolicy(deadline: .zero)), "deadline 0"),
        (OperationOptions(queueTimeout: .zero), "queueTimeout 0"),
        (OperationOptions(runTimeout: .seconds(-3)), "runTimeout -3"),
        (OperationOptions(timeout: .seconds(Int64.min)), "timeout -"),
        (OperationOptions(rate: RateLimit(perSecond: 0)), "perSecond 0"),
        (OperationOptions(rate: RateLimit(perSecond: .nan)), "perSecond nan"),
        (OperationOptions(rate: RateLimit(perSecond: .infinity)), "perSecond inf"),
        (OperationOptions(rate: RateLimit(perSecond: 1, burst: 0)), "burst 0"),
        (OperationOptions(rate: RateLimit(perSecond: 1e-300, burst: 5)), "burst of 5"),
        (OperationOptions(breaker: CircuitBreaker(failureRate: 1)), "failureRate 1"),
        (OperationOptions(breaker: CircuitBreaker(failureRate: .nan)), "failureRate nan"),
        (OperationOptions(breaker: CircuitBreaker(minimumRuns: 0)), "minimumRuns 0"),
        (OperationOptions(breaker: CircuitBreaker(window: .zero)), "window 0"),
        (OperationOptions(breaker: CircuitBreaker(coolDown: .zero)), "cool-down 0"),
        (OperationOptions(breaker: CircuitBreaker(probes: 0)), "probes 0"),
        (OperationOptions(concurrency: 0), "concurrency 0"),
        (OperationOptions(concurrency: 65_537), "concurrency 65537"),
        (OperationOptions(capacity: 0), "capacity 0"),
        (OperationOptions(overload: .reject), "policy reject"),
        (OperationOptions(overload: .dropOldest), "policy dropOldest"),
        (OperationOptions(capacity: .min), "capacity -"),
        (OperationOptions(concurrency: 1, capacity: 1_000_000_001), "capacity 1000000001"),
    ]

    @Test("of an operation", arguments: options.indices)
    func ofOperations(_ index: Int) async throws {
        let (options, words) = Self.options[index]
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard("bad_options", options: options, on: coordinator) { (number: Int) in number }
            let error = #expect(throws: TokenError.self) { try operation.validate() }
            #expect(error?.code == .invalidArgument && error?.message.contains(words) == true, "\(error as Any)")
            for token in [operation(1), operation.with(delay: .zero)(2)] {
                let settled = await #expect(throws: TokenError.self) { try await token.value }
                #expect(settled?.code == .invalidArgument)
            }
        }
    }

    @Test("of a call")
    func ofCalls() async throws {
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard("bad_call", on: coordinator) { (number: Int) in number }
            let calls = [
                (operation.with(delay: .seconds(-1)), "delay -1"), (operation.with(timeout: .zero), "timeout 0"),
                (operation.with(key: ""), "key \"\""),
                (operation.with(key: String(repeating: "x", count: 1_025)), "1025 bytes"),
            ]
            for (call, words) in calls {
                let error = await #expect(throws: TokenError.self) { try await call(1).value }
                #expect(error?.code == .invalidArgument && error?.message.contains(words) == true, "\(error as Any)")
            }
            // The longest there is, is no error.
            let never = operation.with(delay: .seconds(Int64.max))(1)
            #expect(never.state == .waiting)
            never.kill()
        }
    }

    /// Longer than 64 bits of seconds, which a `Duration` can be.
    private static let forever = Duration.seconds(1e19)

    @Test("C12 a time beyond any clock's is the longest there is, wherever one is stated: no trap")
    func longestOfAll() async throws {
        let forever = Self.forever
        try await withTestCoordinator {
            ($0.agingTime, $0.anchorIdleTime) = (forever, forever)
            ($0.idleThreadTime, $0.waitCycleTime) = (forever, forever)
        } _: { coordinator in
            struct Fault: Error {}
            let retries = [RetryPolicy.BackOff.constant(forever), .exponential(from: .seconds(1), upTo: forever)].map {
                RetryPolicy(attempts: 2, backOff: $0, jitter: 0, deadline: forever)
            }
            for (number, retry) in retries.enumerated() {
                let options = OperationOptions(
                    retry: retry, queueTimeout: forever, runTimeout: forever, timeout: forever,
                    breaker: CircuitBreaker(minimumRuns: 1, window: forever, coolDown: forever))
                let operation = TaskTokenGuard("longest_\(number)", options: options, on: coordinator) { (n: Int) in
                    if n == 0 { throw Fault() }
                    return n
                }
                #expect(try await operation(7).value == 7)
                let eight = try await onThread {
                    try operation.submitBlocking(8, timeout: forever).wait(timeout: forever)
                }
                #expect(eight == 8)
                let failing = operation(0)
                // The next attempt is after all times, or a second later.
                #expect(await eventually { failing.status().attempts >= 1 })
                failing.kill()
                let never = [operation.with(delay: forever)(1), operation.scheduled(at: .now + forever)(1)]
                #expect(never.map(\.state) == [.waiting, .waiting])
                for token in never { token.kill() }
            }
            #expect(await coordinator.stop(timeout: forever).isClean)
        }
    }

    @Test("C12 times before all clocks are refused, or as none")
    func shortestOfAll() async throws {
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard("shortest", on: coordinator) { (n: Int) in n }
            for call in [operation.with(delay: .zero - Self.forever), operation.with(timeout: .zero - Self.forever)] {
                let error = await #expect(throws: TokenError.self) { try await call(1).value }
                #expect(error?.code == .invalidArgument && error?.message.contains("-1e+19 seconds") == true)
            }
            let seven = try await operation.scheduled(at: .now - Duration(attoseconds: .max))(7).value
            #expect(seven == 7)
            #expect(await coordinator.stop(timeout: .zero - Self.forever).isComplete)
        }
    }
}
