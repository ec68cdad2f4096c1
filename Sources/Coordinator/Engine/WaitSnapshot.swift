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
    private let live: [AnyTaskToken]
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
        live = engine.live(of: nil, waiting: false, executing: true)
        var todo: [AnyTaskToken] = []
        for entry in entries {
            guard let body = entry.lineage.body else { continue }
            if waits[body.sequence] == nil { todo.append(body) }
            waits[body.sequence, default: []].append(entry)
        }
        while let token = todo.popLast() {
            guard token.realm === engine.realm, !token.isSettled || mayRunOn(token),
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

    /// Those whose bodies run; of those whose tokens are settled the ones that wait.
    private lazy var executing: [AnyTaskToken] =
        live + waits.values.compactMap { $0[0].lineage.body }.filter { $0.isSettled }

    /// Whether the body of a settled token is known to wait.
    private func mayRunOn(_ token: AnyTaskToken) -> Bool {
        waits[token.sequence] != nil || above[token.sequence] != nil
    }

    /// What a token waits for; nil where it can go on, or nobody knows.
    private func waits(of token: AnyTaskToken) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
        switch token.state {
        case .executing, .completed, .failed, .killed, .timedOut:
            // A body whose token was killed goes on waiting.
            if let upper = above[token.sequence] { return (.any, [upper], .body) }
            if let own = waits[token.sequence] { return waits(of: token, own) }
            // The next piece of an async body.
            guard let crew = stuckCrews.first(where: { $0.jobs.contains(token.sequence) })?.crew else { return nil }
            return worker(of: crew, for: token)
        case .created, .waiting:
            if token.isDerived {
                let sources = token.sources.filter { !$0.isSettled }
                if !sources.isEmpty { return (.all, sources, .dependency) }
            }
            if let holders = turnHolders(of: token) { return (.any, holders, .anchorTurn) }
            return permitHolders(of: token)
        case .admitted:
            return stuckCrew(of: token).flatMap { worker(of: $0, for: token) }
        }
    }

    /// What a token waits for that a stuck crew is to run; nil where somebody will see to it.
    private func worker(
        of crew: Crew, for token: AnyTaskToken
    ) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
        if willBeHelped(token, in: crew) { return nil }
        return (.any, threads.filter { $0.crew === crew }.compactMap(\.lineage.body), .worker)
    }

    /// What a body waits for that stands in the register.
    private func waits(
        of body: AnyTaskToken, _ own: [Engine.WaitRegister.Entry]
    ) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
        // Another of its waits, of which nothing is known, may end.
        guard own[0].lineage.blockedWaits <= own.count(where: \.cause.isBlockedWait) else { return nil }
        var others: [AnyTaskToken] = []
        var reason: Event.WaitReason?
        // A thread waits for what it runs on top of its waits, whatever else it waits for.
        let innermost = body.tags.isAsync ? own : [own.max { $0.number < $1.number } ?? own[0]]
        for entry in innermost {
            switch entry.cause {
            case .tokens(let tokens):
                let left = tokens.filter { !$0.isSettled }
                if left.isEmpty { return nil }
                (others, reason) = (others + left, .body)
            case .help(let tokens):
                if tokens.isEmpty { return nil }
                (others, reason) = (others + tokens, .body)
            case .guest(let kind):
                let inside = engine.nests.withLock { $0.occupant(of: body.sequence, kind) }
                guard let guest = inside.flatMap({ known[$0] }) else { return nil }
                (others, reason) = (others + [guest], .body)
            case .permit(let kind, _):
                guard let line = engine.standingLine(kind, of: body), let holders = holders(of: line, kind) else {
                    return nil
                }
                (others, reason) = (others + holders, reason ?? kind.reason)
            }
        }
        return reason.map { (.any, others, $0) }
    }

    /// The synchronous bodies that have another one above them on their thread, and that one.
    private lazy var above: [UInt64: AnyTaskToken] = {
        var above: [UInt64: AnyTaskToken] = [:]
        for crew in engine.domains.flatMap(\.crews) {
            crew.state.withLock { state in
                for worker in state.workers {
                    // Where it runs a job, what it took last is over.
                    var lower = worker.jobOwner == 0 ? worker.taken : nil
                    for upper in worker.inline {
                        if let body = lower?.takeUnretainedValue(), !body.tags.isAsync {
                            above[body.sequence] = upper.takeUnretainedValue()
                        }
                        lower = upper
                    }
                }
            }
        }
        return above
    }()

    /// The tokens that run or wait, by their numbers.
    private lazy var known: [UInt64: AnyTaskToken] = {
        var known: [UInt64: AnyTaskToken] = [:]
        for token in executing + standing + stuckCrews.flatMap(\.mail.values) { known[token.sequence] = token }
        return known
    }()

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
        if let running = orderedExecuting[token.anchor] { return running }
        // It may stand in the line of a permit.
        if let known = holdersOfTurns[token.anchor] { return known }
        let holders = (orderedStanding[token.anchor] ?? []).filter { !line.contains(ObjectIdentifier($0)) }
        holdersOfTurns[token.anchor] = holders
        return holders
    }

    private var holdersOfTurns: [UInt64: [AnyTaskToken]] = [:]

    /// The tokens of ordered anchors, by anchor: of many that stand in one line nobody is asked for once for each.
    private lazy var orderedExecuting = Self.ordered(executing)
    private lazy var orderedStanding = Self.ordered(standing)

    private static func ordered(_ tokens: [AnyTaskToken]) -> [UInt64: [AnyTaskToken]] {
        Dictionary(grouping: tokens.filter { $0.tags.flags.contains(.ordered) }, by: \.anchor)
    }

    // MARK: Permits

    /// Who stands in the line of a permit, by line.
    private var permitLines: [ObjectIdentifier: (inUse: Int, waiters: Set<ObjectIdentifier>)] = [:]

    private func permitLine(_ line: Engine.Line) -> (inUse: Int, waiters: Set<ObjectIdentifier>) {
        if let known = permitLines[ObjectIdentifier(line)] { return known }
        var waiters: Set<ObjectIdentifier> = []
        let inUse = line.permits.withLock { permits in
            if permits.waiting <= Self.mostLooks {
                permits.forEachWaiter {
                    if case .token(let token) = $0 {
                        waiters.insert(token._withUnsafeGuaranteedRef { ObjectIdentifier($0) })
                    }
                }
            }
            return permits.inUse
        }
        permitLines[ObjectIdentifier(line)] = (inUse, waiters)
        return (inUse, waiters)
    }

    private func stands(_ token: AnyTaskToken, in kind: Engine.PermitKind) -> Bool {
        engine.standingLine(kind, of: token).map { permitLine($0).waiters.contains(ObjectIdentifier(token)) } ?? false
    }

    private var holdersOfLines: [ObjectIdentifier: [AnyTaskToken]?] = [:]

    /// Who has the permits of a line; nil where some are on their way, and so go on.
    private func holders(of line: Engine.Line, _ kind: Engine.PermitKind) -> [AnyTaskToken]? {
        if let known = holdersOfLines[ObjectIdentifier(line)] { return known }
        func mayHold(_ token: AnyTaskToken) -> Bool {
            // The limit of an operation may have been set while it ran.
            engine.standingLine(kind, of: token) === line && (kind != .operation || token.hasPermit)
        }
        var found = executing.filter { mayHold($0) && holds($0, kind) }
        found += standing.filter { token in
            !token.isSettled && mayHold(token)
                && Engine.PermitKind.allCases.contains { $0.rawValue > kind.rawValue && stands(token, in: $0) }
        }
        found += stuckCrews.flatMap(\.mail.values).filter { $0.state == .admitted && mayHold($0) }
        // Guests are inside the permit of another.
        let roots = engine.nests.withLock { nests in Set(found.map { nests.root(of: $0.sequence, kind.hold) }) }
        let holders = roots.count >= permitLine(line).inUse ? found : nil
        holdersOfLines[ObjectIdentifier(line)] = .some(holders)
        return holders
    }

    /// Whether a body that has begun has a permit: a synchronous one that waits has lent its own.
    private func holds(_ body: AnyTaskToken, _ kind: Engine.PermitKind) -> Bool {
        if body.tags.isAsync || engine.isGuest(body, kind.hold) { return true }
        if above[body.sequence] != nil { return false }
        guard let own = waits[body.sequence] else { return true }
        if case .permit(_, let has) = own[0].cause { return has.contains(kind.holding) }
        return false
    }

    /// Who has the permits that a token stands in line for.
    private func permitHolders(
        of token: AnyTaskToken
    ) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
        for kind in Engine.PermitKind.allCases where stands(token, in: kind) {
            guard let line = engine.standingLine(kind, of: token) else { continue }
            return holders(of: line, kind).map { (.any, $0, kind.reason) }
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

    /// The crews all of whose threads are blocked, who stands in their mailboxes, and whose pieces are among their jobs.
    ///
    /// A thread in an overrun body returns, and takes from them.
    private lazy var stuckCrews = engine.domains.flatMap(\.crews).filter { crew in
        engine.isStuck(crew) && crew.state.withLock { $0.overrun <= 0 }
    }.map { crew -> (crew: Crew, mail: [ObjectIdentifier: AnyTaskToken], jobs: Set<UInt64>) in
        var mail: [ObjectIdentifier: AnyTaskToken] = [:]
        let jobs = crew.state.withLock { state in
            crew.forEachToken(state, waiting: true, executing: false) { mail[ObjectIdentifier($0)] = $0 }
            return Set(state.jobs.map(\.owner))
        }
        return (crew, mail, jobs)
    }

    private func stuckCrew(of token: AnyTaskToken) -> Crew? {
        stuckCrews.first { $0.mail[ObjectIdentifier(token)] != nil }?.crew
    }

    /// A blocked thread asks for a rescue for what stands in a line, which gives each stuck crew a thread, or at least one for
    /// what holds permits and turns.
    private lazy var isRescued = threads.contains {
        switch $0.cause {
        case .permit: true
        case .tokens(let tokens): engine.headOfLine(keeping: $0.lineage, tokens.first) != nil
        case .guest, .help: engine.headOfLine(keeping: $0.lineage, nil) != nil
        }
    }

    /// A blocked thread asks for a rescue for a stranger that it comes to wait for, which gives each stuck crew a thread that can
    /// have one.
    private lazy var isAskedForStranger: Bool = {
        let look = StuckLook(engine)
        return threads.contains { entry in
            let token: AnyTaskToken? = if case .tokens(let tokens) = entry.cause { tokens.first } else { nil }
            return look.stranger(keeping: entry.lineage, token) != nil
        }
    }()

    /// Whether a blocked thread will see to it that a token in the mailbox of a stuck crew is run: by itself, for a descendant
    /// of its body, or by a rescue.
    private func willBeHelped(_ token: AnyTaskToken, in crew: Crew) -> Bool {
        isRescued || threads.contains { token.lineage?.descends(from: $0.lineage) == true }
            || isAskedForStranger && engine.canRescue(crew)
    }
}

extension Engine.PermitKind {
    /// Why a token waits that stands in line for it.
    fileprivate var reason: Event.WaitReason {
        switch self {
        case .operation: .operationLimit
        case .anchor: .anchorLimit
        case .storage: .storage
        }
    }
}
