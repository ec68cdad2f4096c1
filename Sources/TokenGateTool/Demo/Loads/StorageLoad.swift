//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TokenGate

/// All storage tiers at once, each with three times as many tokens as it lets in: a small file is written, read back
/// and removed, then the body sleeps for some milliseconds.
///
/// Processor tokens go on meanwhile.
struct StorageLoad: Load {
    private static let payload = 4_096
    /// How long bodies of the first round stay for their tier to fill up, all together.
    ///
    /// Only a tier that never fills takes so long.
    private static let patience = Duration.seconds(10)

    func run(in stage: Stage) async throws -> Findings {
        let tiers = StorageSpeed.allCases.map(TierWatch.init)
        let door = Door()
        async let processor = processorTokens(while: door, tiers, stage)
        let (files, made) = await withTaskGroup(of: (ResultCheck, Int).self) { group in
            for tier in tiers { group.addTask { await fill(tier, stage) } }
            return await group.reduce((ResultCheck(), 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
        }
        door.close()
        let (results, tried, done) = await processor
        if let obstacle = files.obstacle { throw obstacle }
        let engine = stage.coordinator.statistics().tiers
        let peaks = tiers.map { "\($0.speed) \($0.peak)/\($0.limit)" }.joined(separator: ", ")
        let differing = zip(tiers, engine).count { $0.peak != $1.peak || $0.limit != $1.limit }
        return Findings(
            tokens: made + results.checked,
            remark: "most at once: \(peaks); \(Wording.count(done)) processor tokens meanwhile",
            promises: [
                Promise(
                    "C8", "never more bodies inside a tier than its limit",
                    checked: tiers.reduce(0) { $0 + $1.entries },
                    broken: tiers.reduce(0) { $0 + $1.excess }),
                Promise(
                    "C8", "every tier's limit is reached", checked: tiers.count,
                    broken: tiers.count { $0.peak != $0.limit }, note: peaks),
                Promise("C8", "the statistics tell the same peaks", checked: tiers.count, broken: differing),
                Promise(
                    "C7", "processor tokens go on while storage is full", checked: max(tried, done),
                    broken: done == 0 ? tried : 0),
                (files + results).promise,
            ])
    }

    /// Keeps one tier full until the time is up.
    private func fill(_ tier: TierWatch, _ stage: Stage) async -> (ResultCheck, Int) {
        let sightings = stage.sightings
        let patienceEnds = ContinuousClock.now + Self.patience
        let store = TaskTokenGuard("store_\(tier.speed)", storage: tier.speed, on: stage.coordinator) {
            (number: Int, content: UInt64, milliseconds: Int) throws in
            sightings.note()
            tier.enter()
            defer { tier.leave() }
            let path = "\(stage.directory)/\(tier.speed)-\(number)"
            let bytes = (0..<Self.payload).map { UInt8(truncatingIfNeeded: content >> UInt64(8 * ($0 % 8))) }
            do { try SmallFile.write(bytes, to: path) } catch {
                tier.giveUp()
                throw error
            }
            defer { SmallFile.remove(path) }
            pauseThread(milliseconds: milliseconds)
            while !tier.needNotFill && ContinuousClock.now < patienceEnds { pauseThread(milliseconds: 1) }
            return try SmallFile.read(path, limit: Self.payload) == bytes ? content : ~content
        }
        var random = stage.dice(tier.speed.rawValue)
        var check = ResultCheck()
        var made = 0
        repeat {
            let contents = (0..<3 * tier.limit).map { _ in random.next() }
            let tokens = contents.enumerated().map { index, content in
                store(made + index, content, Int.random(in: 3...8, using: &random))
            }
            check.add(await gather(tokens), expected: contents)
            made += tokens.count
        } while !stage.isOver && check.obstacle == nil
        return (check, made)
    }

    /// Small batches of processor tokens as long as the door is open; also, how many were submitted and how many were
    /// done while a tier was full.
    private func processorTokens(
        while door: Door, _ tiers: [TierWatch], _ stage: Stage
    ) async -> (results: ResultCheck, tried: Int, done: Int) {
        var random = stage.dice("processor")
        let drill = Drill(Workbook(size: .small, using: &random), on: stage)
        var check = ResultCheck()
        var tried = 0
        var done = 0
        while door.isOpen {
            if tiers.contains(where: \.isFull) { tried += 16 }
            let tasks = (0..<16).map { _ in drill.submit(Int.random(in: 0..<drill.count, using: &random)) }
            check.add(await gather(tasks.map(\.token)), expected: tasks.map(\.answer))
            if tiers.contains(where: \.isFull) { done += tasks.count }
            try? await Task.sleep(for: .milliseconds(1))
        }
        return (check, tried, done)
    }
}

/// Open until it is closed.
private final class Door: Sendable {
    private let flag = Atomic<Bool>(true)
    var isOpen: Bool { flag.load(ordering: .relaxed) }
    func close() { flag.store(false, ordering: .relaxed) }
}
