//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import CBenchAllocations
@_spi(Stepping) import Coordinator
import Dispatch
import Foundation
import Synchronization
import TokenGate

/// `tokengate-count`: does W1's work once, for tools that count instead of timing.
///
/// Run it with two sizes and take the difference: what starting, stopping and growing costs vanishes. `.ci/counts` does.
///
/// `gather` runs the whole process: coordinator, worker and the gathering task, best on one CPU (`taskset`), where they
/// take turns and few instructions are spent on spinning; what is left of the waiting loops is counted, so figures vary
/// by about one in a hundred. `stepped` has no worker thread: it submits, runs a worker's steps, and gathers, all on one
/// thread, so its figure is exact.
@main
struct CountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokengate-count",
        abstract: "Does a known amount of work, for counting instructions, allocations and memory.",
        subcommands: [Gather.self, Stepped.self, Waiting.self, Simulate.self]
    )
}

/// `gather`: tokens submitted by one task, run, gathered.
struct Gather: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Submits and gathers tokens, then prints the allocations of the process so far.")

    @Option(name: .long, help: "How many tokens.")
    var tokens: Int

    @Option(name: .long, help: "How many ordered anchors they are spread over; 0: none.")
    var anchors = 0

    func run() throws {
        let (tokens, anchors) = (tokens, anchors)
        try blocking { try await Count.gather(tokens, anchors: anchors) }
        print(bench_allocations())
    }
}

/// `stepped`: tokens submitted, run and gathered by one thread.
struct Stepped: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Submits tokens, runs them in steps of a worker without thread, gathers them: for exact counts.")

    @Option(name: .long, help: "How many tokens.")
    var tokens: Int

    func run() throws {
        let tokens = tokens
        try blocking { try await Count.stepped(tokens) }
    }
}

/// `waiting`: tokens that wait for a coordinator that was never started.
struct Waiting: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Submits tokens that stay waiting, then prints the bytes of memory that they made resident.")

    @Option(name: .long, help: "How many tokens.")
    var tokens: Int

    func run() throws {
        let tokens = tokens
        print(try blocking { try await Count.waiting(tokens) })
    }
}

/// Runs async work while the main thread blocks.
///
/// Not an async `main`: that ends the main thread by `pthread_exit`, and valgrind 3.19 crashes there.
private func blocking<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Outcome<Value>()
    Task.detached {
        do { outcome.settle(.success(try await work())) } catch { outcome.settle(.failure(error)) }
    }
    return try outcome.wait()
}

/// What `blocking` waits for.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    func settle(_ value: Result<Value, any Error>) {
        result.withLock { $0 = value }
        done.signal()
    }

    func wait() throws -> Value {
        done.wait()
        return try result.withLock { try $0!.get() }
    }
}

/// The work that is counted.
enum Count {
    /// Submits `count` no-op tokens and gathers them.
    static func gather(_ count: Int, anchors: Int) async throws {
        try await withCoordinator { _ in
            let locality: Locality<Int> = anchors > 0 ? .sticky(ordered: true) { $0 % anchors } : .free
            let noop = TaskTokenGuard("noop", locality: locality) { (number: Int) in UInt64(number) &+ 1 }
            try await collect(submit(count, noop))
        }
    }

    /// As `gather`, in three parts of its own for a profiler to tell apart, without a worker thread.
    static func stepped(_ count: Int) async throws {
        var configuration = Configuration()
        configuration.maximumDomains = 1
        let coordinator = try OperationsCoordinator(configuration)
        let noop = TaskTokenGuard("noop") { (number: Int) in UInt64(number) &+ 1 }
        try await coordinator.withSteps { step in
            let tokens = submit(count, noop)
            let ran = run(step)
            precondition(ran == count, "\(ran) of \(count) tokens ran")
            try await collect(tokens)
        }
        await coordinator.stop(timeout: .zero)
    }

    @inline(never)
    private static func submit(_ count: Int, _ noop: TaskTokenGuard<Int, UInt64>) -> [TaskToken<UInt64>] {
        (0..<count).map { noop($0) }
    }

    @inline(never)
    private static func run(_ step: () -> Int) -> Int { step() }

    @inline(never)
    private static func collect(_ tokens: consuming [TaskToken<UInt64>]) async throws {
        let count = UInt64(tokens.count)
        let results = await TokenGate.gather(tokens)
        tokens = []
        var sum: UInt64 = 0
        for result in results { sum &+= try result.get() }
        precondition(sum == count * (count + 1) / 2, "the tokens gave \(sum)")
    }

    /// Makes `count` tokens wait.
    ///
    /// - Returns: by how much peak resident memory grew meanwhile, less the array that holds the tokens.
    static func waiting(_ count: Int) async throws -> Int {
        let coordinator = try OperationsCoordinator()
        let noop = TaskTokenGuard("noop", on: coordinator) { (number: Int) in UInt64(number) &+ 1 }
        let before = try peakResidentBytes()
        var tokens: [TaskToken<UInt64>] = []
        tokens.reserveCapacity(count)
        for number in 0..<count { tokens.append(noop(number)) }
        let grown = try peakResidentBytes() - before - count * MemoryLayout<TaskToken<UInt64>>.stride
        let queued = coordinator.statistics().counts.queued
        precondition(queued == UInt64(count), "\(queued) of \(count) tokens wait")
        await coordinator.stop(timeout: .zero)
        return withExtendedLifetime(tokens) { grown }
    }

    /// `VmHWM` of `/proc/self/status`.
    private static func peakResidentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) }
        guard let kibibytes else { throw ExitCode.failure }
        return kibibytes << 10
    }
}
