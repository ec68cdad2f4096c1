//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import TokenCore

/// Who waits for whom at about one moment: what a look for circles of waits looks at (Docs/Waiting.md, "Circles").
///
/// Each list is read once, one lock after the other. Used by one thread.
final class WaitSnapshot {
    private let engine: Engine
    private let entries: [Engine.WaitRegister.Entry]
    private let executing: [AnyTaskToken]
    private var graph = WaitGraph<UInt64>()
    private var tokens: [UInt64: AnyTaskToken] = [:]
    private var reasons: [UInt64: Event.WaitReason] = [:]
    /// The waits of each waiting body, by the number of its token.
    private var waits: [UInt64: [Engine.WaitRegister.Entry]] = [:]

    /// Tokens that are looked at, and that stand in one line, at most: beyond that nothing is told.
    private static let mostLooks = 100_000

    /// Nil where there is too much to look at.
    init?(_ engine: Engine, _ entries: [Engine.WaitRegister.Entry]) {
        self.engine = engine
        self.entries = entries
        executing = engine.live(of: nil, waiting: false, executing: true)
        var todo: [AnyTaskToken] = []
        for entry in entries {
            guard let body = entry.lineage.body else { continue }
            if waits[body.sequence] == nil { todo.append(body) }
            waits[body.sequence, default: []].append(entry)
        }
        while let token = todo.popLast() {
            guard token.realm === engine.realm, !token.isSettled || waits[token.sequence] != nil,
                tokens.updateValue(token, forKey: token.sequence) == nil,
                let (needs, others, reason) = waits(of: token)
            else { continue }
            if others.count + tokens.count + todo.count > Self.mostLooks { return nil }
            graph.add(token.sequence, needs, others.map { $0.realm === engine.realm ? $0.sequence : .max })
            reasons[token.sequence] = reason
            todo += others
        }
    }

    /// The circles of those that wait, those that have waited for longest first, and the numbers of their waits.
    func circles() -> [(links: [Event.WaitLink], numbers: [UInt64])] {
        let starts = entries.sorted { $0.since < $1.since }.compactMap { $0.lineage.body?.sequence }
        return graph.circles(from: starts).map { circle in
            let links = circle.compactMap { number -> Event.WaitLink? in
                guard let token = tokens[number], let reason = reasons[number] else { return nil }
                return Event.WaitLink(id: token.id, operationType: token.operationType, reason: reason)
            }
            // Bodies by their waits, the others by themselves.
            return (links, circle.flatMap { waits[$0]?.map(\.number) ?? [$0] }.sorted())
        }
    }

    /// What a token waits for; nil where it can go on, or nobody knows.
    private func waits(of token: AnyTaskToken) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
        switch token.state {
        case .executing, .completed, .failed, .killed, .timedOut:
            // A body whose token was killed goes on waiting. Another of its waits, of which nothing is known, may end.
            guard let own = waits[token.sequence], own[0].lineage.blockedWaits <= own.count else { return nil }
            return (.any, own.flatMap { $0.tokens.filter { !$0.isSettled } }, .body)
        case .created, .waiting:
            if token.isDerived {
                let sources = token.sources.filter { !$0.isSettled }
                if !sources.isEmpty { return (.all, sources, .dependency) }
            }
            if let holders = turnHolders(of: token) { return (.any, holders, .anchorTurn) }
            return permitHolders(of: token)
        case .admitted:
            guard let crew = stuckCrew(of: token), !willBeHelped(token) else { return nil }
            return (.any, threads.filter { $0.crew === crew }.compactMap(\.lineage.body), .worker)
        }
    }

    // MARK: Turns

    private var turnLines: [UInt64: Set<ObjectIdentifier>] = [:]

    /// Who stands in the line of an ordered anchor's turn.
    private func turnLine(of anchor: UInt64) -> Set<ObjectIdentifier> {
        if let line = turnLines[anchor] { return line }
        let hash = AnchorHash(rawValue: anchor)
        var line: Set<ObjectIdentifier> = []
        engine.shard(of: hash).table.withLock { table in
            _ = table.hasWaiter(of: hash) {
                line.insert($0._withUnsafeGuaranteedRef { ObjectIdentifier($0) })
                return line.count > Self.mostLooks
            }
        }
        turnLines[anchor] = line
        return line
    }

    /// Who has the turn that a token stands in line for; nil where it stands in no such line.
    private func turnHolders(of token: AnyTaskToken) -> [AnyTaskToken]? {
        guard token.tags.flags.contains(.ordered) else { return nil }
        let line = turnLine(of: token.anchor)
        guard line.contains(ObjectIdentifier(token)) else { return nil }
        func mayHold(_ other: AnyTaskToken) -> Bool {
            other !== token && other.anchor == token.anchor && other.tags.flags.contains(.ordered)
        }
        let running = executing.filter(mayHold)
        if !running.isEmpty { return running }
        // It may stand in the line of a permit.
        return standing.filter { mayHold($0) && !line.contains(ObjectIdentifier($0)) }
    }

    // MARK: Permits

    private struct PermitLine {
        var waiters: Set<ObjectIdentifier> = []
        var inUse = 0
        var holders: [AnyTaskToken] = []
    }
    private var permitLines: [ObjectIdentifier: PermitLine] = [:]

    private func permitLine(_ line: Engine.Line, _ kind: Engine.PermitKind) -> PermitLine {
        if let known = permitLines[ObjectIdentifier(line)] { return known }
        var found = PermitLine()
        line.permits.withLock { permits in
            found.inUse = permits.inUse
            guard permits.waiting <= Self.mostLooks else { return }
            permits.forEachWaiter {
                if case .token(let token) = $0 {
                    found.waiters.insert(token._withUnsafeGuaranteedRef { ObjectIdentifier($0) })
                }
            }
        }
        // A synchronous body that waits has lent its own.
        found.holders = executing.filter { body in
            engine.standingLine(kind, of: body) === line
                && (waits[body.sequence] == nil || body.tags.isAsync || engine.isGuest(body, kind.hold))
        }
        permitLines[ObjectIdentifier(line)] = found
        return found
    }

    /// Who has the permits that a token stands in line for.
    private func permitHolders(
        of token: AnyTaskToken
    ) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
        for kind in Engine.PermitKind.allCases {
            guard let line = engine.standingLine(kind, of: token) else { continue }
            let found = permitLine(line, kind)
            guard found.waiters.contains(ObjectIdentifier(token)) else { continue }
            // Others are on their way, and go on.
            guard found.holders.count >= found.inUse else { return nil }
            let reason: Event.WaitReason =
                switch kind {
                case .operation: .operationLimit
                case .anchor: .anchorLimit
                case .storage: .storage
                }
            return (.any, found.holders, reason)
        }
        return nil
    }

    /// The tokens in the lines of permits; none where there are too many to look at.
    private lazy var standing: [AnyTaskToken] = {
        var all: [AnyTaskToken] = []
        for line in engine.allLines {
            line.permits.withLock { permits in
                guard all.count + permits.waiting <= Self.mostLooks else { return }
                permits.forEachWaiter { if case .token(let token) = $0 { all.append(token.takeUnretainedValue()) } }
            }
        }
        return all
    }()

    // MARK: Workers

    /// The waits of bodies whose threads are blocked.
    private lazy var threads = entries.filter { $0.crew != nil }

    /// The crews all of whose threads are blocked, and who stands in their mailboxes.
    private lazy var stuckCrews: [(crew: Crew, mail: Set<ObjectIdentifier>)] = engine.domains.flatMap(\.crews).filter {
        engine.isStuck($0)
    }.map { crew in
        var mail: Set<ObjectIdentifier> = []
        crew.state.withLock { state in
            crew.forEachToken(state, waiting: true, executing: false) { mail.insert(ObjectIdentifier($0)) }
        }
        return (crew, mail)
    }

    private func stuckCrew(of token: AnyTaskToken) -> Crew? {
        stuckCrews.first { $0.mail.contains(ObjectIdentifier(token)) }?.crew
    }

    /// A blocked thread asks for a rescue, which gives each stuck crew a thread.
    private lazy var isRescued = threads.contains {
        engine.headOfLine(keeping: $0.lineage, $0.tokens.first) != nil
    }

    /// Whether a blocked thread will see to it that a token in the mailbox of a stuck crew is run: by itself, for a descendant
    /// of its body, or by a rescue.
    private func willBeHelped(_ token: AnyTaskToken) -> Bool {
        isRescued || threads.contains { token.lineage?.descends(from: $0.lineage) == true }
    }
}
