//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
internal import TokenCore

// Circles of waits: bodies that wait for tokens that wait for them, through anchors, limits, permits, dependencies or workers
// (Docs/Waiting.md, "Circles"). Looked for now and then, while a body waits for long; told by an event.
extension Engine {
    /// The bodies that wait for tokens with nothing to do meanwhile.
    ///
    /// A circle is told when two looks find the same waits in it, unchanged: what was read one after the other may not fit
    /// together, but who stood still all the while between the two looks stood still at one moment.
    struct WaitRegister {
        struct Entry {
            let lineage: Lineage
            var tokens: [AnyTaskToken]
            /// Waits at the same time, of several of its tasks.
            var count: Int
            /// Another one with each change.
            var number: UInt64
            var since: Int64
            /// Whose thread is blocked; nil where none is.
            let crew: Crew?
        }
        private(set) var entries: [ObjectIdentifier: Entry] = [:]
        /// A look is due.
        var isArmed = false
        /// Circles that the last look has found, by the numbers of their waits, and those that were told.
        var suspected: Set<[UInt64]> = []
        var told: Set<[UInt64]> = []
        private var lastNumber: UInt64 = 0

        mutating func begin(_ lineage: Lineage, _ tokens: [AnyTaskToken], _ crew: Crew?, now: Int64) {
            lastNumber += 1
            let key = ObjectIdentifier(lineage)
            if var entry = entries[key] {
                entry.tokens += tokens
                entry.count += 1
                entry.number = lastNumber
                entry.since = now
                entries[key] = entry
            } else {
                entries[key] = Entry(
                    lineage: lineage, tokens: tokens, count: 1, number: lastNumber, since: now, crew: crew)
            }
        }

        /// - Returns: what is to be freed outside of the lock.
        mutating func end(_ lineage: Lineage) -> Entry? {
            lastNumber += 1
            let key = ObjectIdentifier(lineage)
            guard let entry = entries[key] else { return nil }
            if entry.count == 1 { return entries.removeValue(forKey: key) }
            entries[key]?.count -= 1
            entries[key]?.number = lastNumber
            return nil
        }
    }

    // MARK: Registering

    /// A body begins to wait, and has nothing to run meanwhile.
    func registerWait(_ lineage: Lineage, for tokens: [AnyTaskToken], crew: Crew? = nil) {
        guard waitCycleTime != .max else { return }
        let timers = realm.timers
        let now = timers.now
        let arms = waits.withLock { waits in
            waits.begin(lineage, tokens, crew, now: now)
            defer { waits.isArmed = true }
            return !waits.isArmed
        }
        if arms { armLook(timers, now) }
    }

    /// It goes on.
    func endWait(_ lineage: Lineage) {
        guard waitCycleTime != .max else { return }
        let ended = waits.withLock { $0.end(lineage) }
        _ = ended  // freed outside the lock
    }

    private func armLook(_ timers: TimerQueue, _ now: Int64) {
        let due = now.addingReportingOverflow(waitCycleTime)
        guard !due.overflow else { return }
        // Not the engine's own reference: a coordinator that is let go stops.
        let number = timers.at(due.partialValue) { [weak self] in self?.lookForCircles() }
        if number == nil { waits.withLock { $0.isArmed = false } }
    }

    // MARK: Looking

    private func lookForCircles() {
        let timers = realm.timers
        let began = timers.now
        let entries = waits.withLock { Array($0.entries.values) }
        if entries.contains(where: { $0.since <= began - waitCycleTime }) {
            let found = Snapshot(self, entries).circle()
            let isNews = waits.withLock { waits in
                guard let found else {
                    waits.suspected = []
                    return false
                }
                let isConfirmed = waits.suspected.contains(found.numbers)
                waits.suspected = [found.numbers]
                // Bounded: numbers are not used twice, so old ones are not needed.
                if waits.told.count > 256 { waits.told = [] }
                return isConfirmed && waits.told.insert(found.numbers).inserted
            }
            if isNews, let found { events.emit { .waitCycle(found.links) } }
        }
        let isOver = waits.withLock { waits in
            waits.isArmed = !waits.entries.isEmpty
            return !waits.isArmed
        }
        // A look at very many tokens takes time: it gets a hundredth of it at most.
        let now = timers.now
        if !isOver { armLook(timers, now.addingReportingOverflow(100 * (now - began)).partialValue) }
    }

    /// What is looked at, read once, one lock after the other.
    private struct Snapshot {
        private let engine: Engine
        private let entries: [Engine.WaitRegister.Entry]
        private var graph = WaitGraph<UInt64>()
        private var tokens: [UInt64: AnyTaskToken] = [:]
        private var reasons: [UInt64: Event.WaitReason] = [:]
        private var bodies: [UInt64: Engine.WaitRegister.Entry] = [:]
        private let executing: [AnyTaskToken]

        init(_ engine: Engine, _ entries: [Engine.WaitRegister.Entry]) {
            self.engine = engine
            self.entries = entries
            executing = engine.live(of: nil, waiting: false, executing: true)
            for entry in entries { if let body = entry.lineage.body { bodies[body.sequence] = entry } }
            var todo: [AnyTaskToken] = entries.compactMap(\.lineage.body)
            while let token = todo.popLast() {
                guard token.realm === engine.realm, !token.isSettled || bodies[token.sequence] != nil,
                    tokens.updateValue(token, forKey: token.sequence) == nil,
                    let (needs, others, reason) = waits(of: token)
                else { continue }
                graph.add(token.sequence, needs, others.map { $0.realm === engine.realm ? $0.sequence : .max })
                reasons[token.sequence] = reason
                todo += others
            }
        }

        /// What a token waits for; nil where it can go on, or nobody knows.
        private func waits(of token: AnyTaskToken) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
            switch token.state {
            case .executing, .completed, .failed, .killed, .timedOut:
                // A body whose token was killed goes on waiting.
                guard let entry = bodies[token.sequence] else { return nil }
                return (.any, entry.tokens.filter { !$0.isSettled }, .body)
            case .created, .waiting:
                if token.isDerived {
                    let sources = token.sources.filter { !$0.isSettled }
                    if !sources.isEmpty { return (.all, sources, .dependency) }
                }
                if let holders = turnHolders(of: token) { return (.any, holders, .anchorTurn) }
                return permitHolders(of: token)
            case .admitted:
                let kind = engine.kind(of: token)
                let crew = engine.domains[Int(token.domain)][kind]
                guard engine.isStuck(crew), !willBeHelped(token) else { return nil }
                return (.any, entries.filter { $0.crew === crew }.compactMap(\.lineage.body), .worker)
            }
        }

        /// Whether a blocked thread will see to it that a token in the mailbox of a stuck crew is run: by itself, for a descendant
        /// of its body, or by a rescue, which gives each stuck crew a thread.
        private func willBeHelped(_ token: AnyTaskToken) -> Bool {
            let threads = entries.filter { $0.crew != nil }
            return threads.contains { token.lineage?.descends(from: $0.lineage) == true }
                || threads.contains { engine.headOfLine(keeping: $0.lineage, $0.tokens.first) != nil }
        }

        /// Who has the turn that a token stands in line for; nil where it stands in no such line.
        private func turnHolders(of token: AnyTaskToken) -> [AnyTaskToken]? {
            guard token.tags.flags.contains(.ordered) else { return nil }
            let hash = AnchorHash(rawValue: token.anchor)
            func isInLine(_ other: AnyTaskToken) -> Bool {
                engine.shard(of: hash).table.withLock { table in
                    table.hasWaiter(of: hash) { $0._withUnsafeGuaranteedRef { $0 === other } }
                }
            }
            guard isInLine(token) else { return nil }
            func mayHold(_ other: AnyTaskToken) -> Bool {
                other !== token && other.anchor == token.anchor && other.tags.flags.contains(.ordered)
            }
            let running = executing.filter(mayHold)
            if !running.isEmpty { return running }
            // It may stand in the line of a permit.
            return standing { mayHold($0) && !isInLine($0) }
        }

        /// Who has the permits that a token stands in line for.
        private func permitHolders(
            of token: AnyTaskToken
        ) -> (WaitGraph<UInt64>.Needs, [AnyTaskToken], Event.WaitReason)? {
            for kind in Engine.PermitKind.allCases {
                guard let line = engine.standingLine(kind, of: token) else { continue }
                let (isInLine, inUse) = line.permits.withLock { permits in
                    var isInLine = false
                    permits.forEachWaiter {
                        if case .token(let other) = $0 {
                            isInLine = isInLine || other._withUnsafeGuaranteedRef { $0 === token }
                        }
                    }
                    return (isInLine, permits.inUse)
                }
                guard isInLine else { continue }
                // A synchronous body that waits has lent its own.
                let holders = executing.filter { body in
                    body !== token && engine.standingLine(kind, of: body) === line
                        && (bodies[body.sequence] == nil || body.tags.isAsync || engine.isGuest(body, kind.hold))
                }
                // Others are on their way, and go on.
                guard holders.count >= inUse else { return nil }
                return (.any, holders, kind == .operation ? .operationLimit : kind == .anchor ? .anchorLimit : .storage)
            }
            return nil
        }

        /// The tokens in the lines of permits that are as asked; none where there are too many to look at.
        private func standing(where isWanted: (AnyTaskToken) -> Bool) -> [AnyTaskToken] {
            var all: [AnyTaskToken] = []
            for line in engine.allLines {
                line.permits.withLock { permits in
                    guard all.count + permits.waiting <= Self.mostLooks else { return }
                    permits.forEachWaiter { if case .token(let token) = $0 { all.append(token.takeUnretainedValue()) } }
                }
            }
            return all.filter(isWanted)
        }

        private static let mostLooks = 100_000

        /// A circle of those that have waited for long, and the numbers of its waits.
        func circle() -> (links: [Event.WaitLink], numbers: [UInt64])? {
            let starts = entries.sorted { $0.since < $1.since }.compactMap { $0.lineage.body?.sequence }
            guard let circle = graph.circle(from: starts) else { return nil }
            let links = circle.compactMap { number -> Event.WaitLink? in
                guard let token = tokens[number], let reason = reasons[number] else { return nil }
                return Event.WaitLink(id: token.id, operationType: token.operationType, reason: reason)
            }
            // Bodies by their waits, the others by themselves.
            return (links, circle.map { bodies[$0]?.number ?? $0 }.sorted())
        }
    }
}
