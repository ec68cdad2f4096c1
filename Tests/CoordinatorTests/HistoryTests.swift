//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import Testing
import TokenGate

/// One record for each token, the newest kept, and their dump.
@Suite("history")
struct HistoryTests {
    /// The history once so many tokens have settled: who finds one settled without having waited may be a moment early.
    private func history(
        of coordinator: OperationsCoordinator, after settled: Int, kept: Int? = nil
    ) async throws -> [ExecutionRecord] {
        let expected = Array((UInt64(settled - (kept ?? settled) + 1)...UInt64(settled)).reversed())
        #expect(await eventually { (try? coordinator.history())?.map(\.number) == expected })
        return try coordinator.history()
    }

    private struct Sour: Error, CustomStringConvertible {
        let description = "sour \"milk\"\n\u{1}"
    }

    @Test(
        "one record a token, however it settles: completed, failed, killed while it waits and while it runs, refused, late"
    )
    func everyEnd() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.historyCapacity = 100
        } _: { coordinator in
            let gate = Gate()
            let good = TaskTokenGuard("history_good", weight: .light, on: coordinator) { (n: Int) in n }
            let bad = TaskTokenGuard("history_bad", on: coordinator) { (_: Int) throws -> Int in throw Sour() }
            let long = TaskTokenGuard("history_long", storage: .fast, on: coordinator) { (_: Int) in gate.pass() }
            let lead = TaskTokenGuard(
                "history_lead", locality: .lead(externalCalls: ["x"]), on: coordinator
            ) { (n: Int) async in n }
            let anchored = TaskTokenGuard("history_anchored", locality: .sticky("a"), on: coordinator) { (n: Int) in n }
            var tokens: [AnyTaskToken] = [good(1), bad(1), lead(1), anchored(1)]
            #expect(await settle(tokens))
            try coordinator.pause("history_good")
            let waiting = good(2)
            waiting.kill()
            try coordinator.resume("history_good")
            try coordinator.block("history_good")
            let refused = good(3)
            let running = long(1)
            #expect(await gate.waitForArrivals())
            running.kill()
            gate.open()
            #expect(await eventually { coordinator.statistics().counts.late == 1 })
            tokens += [waiting, refused, running]
            let records = try await history(of: coordinator, after: tokens.count)
            #expect(Set(records.map(\.id)) == Set(tokens.map(\.id)))
            for token in tokens {
                let record = try #require(records.first { $0.id == token.id })
                #expect(record.state == token.state && record.operationType == token.operationType)
                #expect(record.attempts == token.attempts, "\(token)")
                #expect((record.startedAt != nil) == (token.attempts > 0), "\(token)")
                #expect(record.settledAt >= record.startedAt ?? 0 && record.startedAt ?? .max >= record.submittedAt)
                #expect(record.seed == token.seed)
            }
            func record(_ token: AnyTaskToken) -> ExecutionRecord? { records.first { $0.id == token.id } }
            #expect(record(tokens[0])?.worker == "standard_1_core_1" && record(tokens[0])?.domain == 1)
            #expect(record(tokens[0])?.weight == .light && record(tokens[0])?.code == nil)
            #expect(record(tokens[1])?.error == Sour().description && record(tokens[1])?.code == nil)
            #expect(record(tokens[2])?.seed != nil)
            #expect(record(tokens[3])?.anchor != nil && record(tokens[0])?.anchor == nil)
            #expect(record(waiting)?.code == .killed && record(waiting)?.runTime == nil)
            #expect(record(refused)?.code == .operationBlocked && record(refused)?.domain == nil)
            #expect(record(running)?.code == .killed && record(running)?.runTime != nil)
            #expect(record(running)?.storage == .fast && record(running)?.worker == nil)
        }
    }

    @Test("tokens with options: timed out while they wait and while they run, retried, made of others")
    func options() async throws {
        let time = ManualTime()
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.time = time
            $0.historyCapacity = 100
        } _: { coordinator in
            let gate = Gate()
            let retried = TaskTokenGuard(
                "history_retried", options: OperationOptions(retry: RetryPolicy(attempts: 2)), on: coordinator
            ) { (_: Int) throws -> Int in throw Sour() }
            let timed = TaskTokenGuard(
                "history_timed", options: OperationOptions(runTimeout: .seconds(1)), on: coordinator
            ) { (n: Int) in
                gate.pass()
                return n
            }
            let first = retried(1)
            #expect(
                await eventually {
                    time.advance(by: .seconds(1))
                    return first.isSettled
                })
            let running = timed(1)
            #expect(await gate.waitForArrivals())
            let waiting = timed.with(delay: .seconds(60), timeout: .milliseconds(500))(2)
            time.advance(by: .seconds(1))
            gate.open()
            let mapped = timed(3).map { $0 + 1 }
            let zipped = mapped.zip(mapped)
            #expect(await settle([running, waiting, mapped, zipped]))
            let records = try await history(of: coordinator, after: 6)
            func record(_ token: AnyTaskToken) -> ExecutionRecord? { records.first { $0.id == token.id } }
            #expect(record(first)?.attempts == 2 && record(first)?.state == .failed)
            #expect(record(running)?.state == .timedOut && record(running)?.code == .timedOut)
            #expect(record(running)?.startedAt != nil && record(waiting)?.startedAt == nil)
            #expect(record(waiting)?.state == .timedOut)
            #expect(record(mapped)?.operationType == "history_timed.map" && record(mapped)?.attempts == 1)
            #expect(record(zipped)?.state == .completed && record(zipped)?.attempts == 0)
            #expect(Set(records.map(\.id)).count == records.count && records.count == 6)
        }
    }

    @Test(
        "C10 the newest are kept, exactly as many as asked for, whatever the capacity",
        arguments: [1, 7, 64, 100, 1_000])
    func bounded(capacity: Int) async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.historyCapacity = capacity
        } _: { coordinator in
            let operation = TaskTokenGuard("history_bounded", on: coordinator) { (n: Int) in n }
            _ = await gather((0..<3_333).map { operation($0) })
            let records = try await history(of: coordinator, after: 3_333, kept: capacity)
            let few = try coordinator.history(limit: 5)
            #expect(few.map(\.id) == records.prefix(5).map(\.id))
            let none = try coordinator.history(limit: 0)
            #expect(none.isEmpty)
        }
    }

    @Test("batches: a record for each of their tokens, of those that were killed as well")
    func batches() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.historyCapacity = 1_000
        } _: { coordinator in
            let gate = Gate()
            let operation = TaskTokenGuard("history_batch", on: coordinator) { (n: Int) throws -> Int in
                gate.pass()
                if n % 10 == 3 { throw Sour() }
                return n
            }
            let batch = operation.batch(Array(0..<100))
            #expect(await gate.waitForArrivals())
            batch[99].kill()
            gate.open()
            _ = await batch.results
            let records = try await history(of: coordinator, after: 100)
            #expect(Set(records.map(\.id)) == Set(batch.map(\.id)))
            for token in batch {
                let record = try #require(records.first { $0.id == token.id })
                #expect(record.state == token.state)
                #expect(record.error == (token.state == .failed ? Sour().description : record.error))
                #expect((record.runTime != nil) == (token.state != .killed))
            }
        }
    }

    @Test("off by default: nothing is kept; a negative limit is refused")
    func off() async throws {
        try await withTestCoordinator { coordinator in
            let operation = TaskTokenGuard("history_off", on: coordinator) { (n: Int) in n }
            _ = try await operation(1).value
            let records = try coordinator.history()
            #expect(records.isEmpty)
            #expect(throws: TokenError.self) { try coordinator.history(limit: -1) }
            #expect(throws: TokenError.self) { try coordinator.dumpHistory(to: "/tmp/never", limit: -1) }
        }
        for capacity in [-1, (1 << 24) + 1] {
            var configuration = Configuration()
            configuration.historyCapacity = capacity
            let error = #expect(throws: TokenError.self) { try configuration.validate() }
            #expect(
                error?.code == .invalidConfiguration && error?.message.contains("historyCapacity \(capacity)") == true)
        }
    }

    @Test("the dump is JSON with the peer's keys and ours, and takes the old file's place at once")
    func dump() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "dump.json").path
        try await withTestCoordinator {
            $0.pretend(domains: 1)
            $0.historyCapacity = 10
        } _: { coordinator in
            let empty = try coordinator.dumpHistory(to: path)
            #expect(empty == 0)
            let nothing = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
            #expect((nothing as? [String: Any])?["total_executions"] as? Int == 0)
            let good = TaskTokenGuard("history \"dump\" ü", on: coordinator) { (n: Int) in n }
            let bad = TaskTokenGuard("history_dump_bad", on: coordinator) { (_: Int) throws -> Int in throw Sour() }
            let first = good(1)
            _ = try await first.value
            _ = await bad(1).result
            _ = try await history(of: coordinator, after: 2)
            let before = Date().timeIntervalSince1970
            let written = try coordinator.dumpHistory(to: path)
            #expect(written == 2)
            let file = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
            let object = try #require(file as? [String: Any])
            #expect(object["total_executions"] as? Int == 2)
            #expect(abs((object["timestamp"] as? Double ?? 0) - before) < 600)
            let executions = try #require(object["executions"] as? [[String: Any]])
            let peer = ["token_id", "operation_type", "success", "execution_time", "timestamp", "core_id", "worker_id"]
            for execution in executions { #expect(peer.allSatisfy { execution[$0] != nil }) }
            #expect(executions[0]["error"] as? String == Sour().description)
            #expect(executions[0]["success"] as? Bool == false && executions[0]["error_code"] is NSNull)
            #expect(executions[1]["operation_type"] as? String == "history \"dump\" ü")
            #expect(executions[1]["token_id"] as? String == "\(first.id)")
            #expect(executions[1]["worker_id"] as? String == "standard_1_core_1")
            #expect(executions[1]["execution_time"] as? Double ?? -1 >= 0)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names == ["dump.json"])
        }
    }

    @Test("a dump that cannot be written says why, and leaves nothing behind")
    func dumpFails() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "history-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let coordinator = try makeCoordinator { $0.historyCapacity = 1 }
        for path in [folder.path + "/none/dump.json", folder.path] {
            let error = #expect(throws: TokenError.self) { try coordinator.dumpHistory(to: path) }
            #expect(error?.code == .fileFailed && error?.message.contains(path) == true)
            #expect(error?.cause is SystemCallError)
        }
        for path in ["", "a\0b"] {
            let error = #expect(throws: TokenError.self) { try coordinator.dumpHistory(to: path) }
            #expect(error?.code == .invalidArgument)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        await coordinator.stop()
    }

    @Test("written and read by many at once: each reader gets a part without gaps or doubles, newest first")
    func races() async throws {
        try await withTestCoordinator {
            $0.pretend(domains: 2)
            $0.historyCapacity = 200
        } _: { coordinator in
            let operation = TaskTokenGuard("history_races", on: coordinator) { (n: Int) throws -> Int in
                if n % 3 == 0 { throw Sour() }
                return n
            }
            let problems = Tally()
            await concurrently(4) { index in
                if index < 2 {
                    for round in 0..<40 {
                        let tokens = (0..<50).map { operation($0 + round) }
                        for token in tokens where token.id.sequence % 7 == 0 { token.kill() }
                        _ = try? waitForAll(tokens)
                    }
                } else {
                    for _ in 0..<60 {
                        let numbers = (try? coordinator.history(limit: 200))?.map(\.number) ?? []
                        if zip(numbers, numbers.dropFirst()).contains(where: { $0 <= $1 }) { problems.add() }
                    }
                }
            }
            #expect(problems.value == 0)
            _ = try await history(of: coordinator, after: 4_000, kept: 200)
            #expect(coordinator.statistics().counts.settled == 4_000)
        }
    }
}
