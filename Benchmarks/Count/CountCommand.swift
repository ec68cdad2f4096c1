//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ArgumentParser
import CBenchAllocations
import Dispatch
import Foundation
import Synchronization
import TokenGate

/// `tokengate-count`: does W1's work once, for tools that count instead of timing.
///
/// Run it with two sizes and take the difference: what starting, stopping and growing costs vanishes. `.ci/counts` does.
///
/// Today it runs the whole process: coordinator, worker and the gathering task, best on one CPU (`taskset`), where they
/// take turns and few instructions are spent on spinning; what is left of the waiting loops is counted, so figures vary
/// by about one in a hundred. **The stepped mode plugs into `Count.gather`**: once the engine has a package-internal hook
/// that runs a worker's step on the calling thread, that function submits, steps until the mailbox is empty, and gathers,
/// all on one thread, and the figure becomes exact.
@main
struct CountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokengate-count",
        abstract: "Does a known amount of work, for counting instructions, allocations and memory.",
        subcommands: [Gather.self, Waiting.self]
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
            var sum: UInt64 = 0
            for result in await TokenGate.gather((0..<count).map { noop($0) }) { sum &+= try result.get() }
            precondition(sum == UInt64(count) * UInt64(count + 1) / 2, "the tokens gave \(sum)")
        }
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
