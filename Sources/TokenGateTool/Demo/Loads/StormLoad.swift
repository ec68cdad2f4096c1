//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Sticky anchors hammered from tasks and from ordinary threads.
///
/// Bodies report the domain and the processor they run on; ordered anchors also count without a lock.
struct StormLoad: Load {
    private static let freeAnchors = 48
    private static let orderedAnchors = 16
    private static let tasks = 6
    private static let threads = 4
    private static let tokensEach = 1_000

    func run(in stage: Stage) async throws -> Findings {
        let submitters = Self.tasks + Self.threads
        let anchors = (0..<Self.freeAnchors + Self.orderedAnchors).map { number in
            AnchorWatch(key: "anchor-\(number)", isOrdered: number >= Self.freeAnchors, submitters: submitters)
        }
        let gun = Gun(anchors: anchors, on: stage)
        let clips = (0..<submitters).map { Clip(submitter: $0, anchors: anchors.count, dice: stage.dice("\($0)")) }
        var results = ResultCheck()
        var rounds = 0
        repeat {
            let found = try await withThrowingTaskGroup(of: ResultCheck.self) { group in
                for clip in clips[..<Self.tasks] {
                    group.addTask { Self.check(await gather(clip.fire(Self.tokensEach, with: gun))) }
                }
                for clip in clips[Self.tasks...] {
                    group.addTask { try await Self.onThread { Self.check(Self.fireAndBlock(clip, gun)) } }
                }
                return try await group.reduce(ResultCheck(), +)
            }
            results = results + found
            rounds += 1
        } while !stage.isOver
        return findings(anchors, results, rounds: rounds, stage)
    }

    /// From an ordinary thread: submit, then block until all are there.
    private static func fireAndBlock(_ clip: Clip, _ gun: Gun) -> [Result<UInt64, any Error>] {
        let tokens = clip.fire(tokensEach, with: gun)
        do { return try waitForAll(tokens) } catch { return [.failure(error)] }
    }

    private static func check(_ results: [Result<UInt64, any Error>]) -> ResultCheck {
        var check = ResultCheck()
        for result in results { check.add(result, expected: 1) }
        return check
    }

    /// Runs a function on a thread of its own.
    private static func onThread(_ body: @escaping @Sendable () -> ResultCheck) async throws -> ResultCheck {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try PinnedThread.spawn(name: "storm", cpus: nil) { _ in continuation.resume(returning: body()) }
                    .detach()
            } catch {
                continuation.resume(throwing: DemoFailure("cannot start a thread for the storm: \(error)"))
            }
        }
    }

    private func findings(_ anchors: [AnchorWatch], _ results: ResultCheck, rounds: Int, _ stage: Stage) -> Findings {
        let made = rounds * (Self.tasks + Self.threads) * Self.tokensEach
        let misses = anchors.reduce(0) { $0 + $1.misses }
        let ordered = anchors.filter(\.isOrdered)
        let homes = (1...stage.domains).map { domain in anchors.count { $0.domain == domain } }
        let spread =
            homes.count <= 8 ? "; at home in the domains: " + homes.map(String.init).joined(separator: " + ") : ""
        return Findings(
            tokens: made,
            remark: "\(anchors.count) anchors from \(Self.tasks) tasks and \(Self.threads) threads, "
                + "misses: \(Wording.count(misses))\(spread)",
            promises: [
                Promise(
                    "C5", "tokens of an anchor run in one domain: misses are 0",
                    checked: anchors.reduce(0) { $0 + $1.bodies }, broken: misses),
                Promise(
                    "C5", "ordered anchors run one at a time: a counter without a lock is exact",
                    checked: ordered.reduce(0) { $0 + $1.bodies }, broken: ordered.reduce(0) { $0 + $1.lost }),
                Promise(
                    "C5", "ordered anchors run in order of submission",
                    checked: ordered.reduce(0) { $0 + $1.bodies }, broken: ordered.reduce(0) { $0 + $1.disorder }),
                results.promise,
            ])
    }
}

/// The storm's operations: one for the free anchors; for the ordered ones three, which share the anchors and run on
/// different threads of the domain, so that nothing but the order keeps them apart.
private struct Gun: Sendable {
    private let anchors: [AnchorWatch]
    private let free: TaskTokenGuard<AnchorWatch.Shot, UInt64>
    private let ordered: [TaskTokenGuard<AnchorWatch.Shot, UInt64>]

    init(anchors: [AnchorWatch], on stage: Stage) {
        self.anchors = anchors
        let sightings = stage.sightings
        let key: @Sendable (AnchorWatch.Shot) -> String = { anchors[$0.anchor].key }
        let body: @Sendable (AnchorWatch.Shot) -> UInt64 = { shot in
            let anchor = anchors[shot.anchor]
            let before = anchor.enter(shot, domain: sightings.note())
            _ = Operations.primeSum(upTo: 60)
            anchor.leave(before)
            return 1
        }
        let suspendedBody: @Sendable (AnchorWatch.Shot) async -> UInt64 = { shot in
            let anchor = anchors[shot.anchor]
            let before = anchor.enter(shot, domain: sightings.note())
            await Task.yield()
            anchor.noteDomain(TokenContext.current?.domain ?? 0)
            anchor.leave(before)
            return 1
        }
        let coordinator = stage.coordinator
        free = TaskTokenGuard("sticky", locality: .sticky(key), on: coordinator, body)
        ordered = [
            TaskTokenGuard("ordered", locality: .sticky(ordered: true, key), on: coordinator, body),
            TaskTokenGuard(
                "ordered_heavy", weight: .heavy, locality: .sticky(ordered: true, key), on: coordinator, body),
            TaskTokenGuard("ordered_async", locality: .sticky(ordered: true, key), on: coordinator, suspendedBody),
        ]
    }

    func fire(_ shot: AnchorWatch.Shot) -> TaskToken<UInt64> {
        (anchors[shot.anchor].isOrdered ? ordered[shot.number % ordered.count] : free)(shot)
    }
}

/// One submitter's dice and counts, by anchor.
///
/// Used by one task or thread at a time.
private final class Clip: @unchecked Sendable {
    private let submitter: Int
    private var dice: SplitMix64
    private var fired: [Int]

    init(submitter: Int, anchors: Int, dice: SplitMix64) {
        self.submitter = submitter
        self.dice = dice
        fired = Array(repeating: 0, count: anchors)
    }

    func fire(_ count: Int, with gun: Gun) -> [TaskToken<UInt64>] {
        (0..<count).map { _ in
            let anchor = Int.random(in: 0..<fired.count, using: &dice)
            defer { fired[anchor] += 1 }
            return gun.fire(AnchorWatch.Shot(anchor: anchor, submitter: submitter, number: fired[anchor]))
        }
    }
}
