//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import TokenCore

/// The crews that are stuck with work, and what waiting bodies come to wait for in there: one look of one thread.
final class StuckLook {
    private let engine: Engine
    /// All of their threads are blocked, and they have work.
    let crews: [Crew]
    /// Bodies that were expanded already, for whichever body.
    private var seen: Set<UInt64> = []

    init(_ engine: Engine) {
        self.engine = engine
        crews = engine.domains.flatMap(\.crews).filter { crew in
            engine.isStuck(crew) && (crew.hasMail || crew.state.withLock { !$0.jobs.isEmpty })
        }
    }

    /// The jobs of these crews that are pieces of bodies: those bodies' lineages, by the numbers of their tokens.
    private lazy var owners: [UInt64: Lineage?] = Dictionary(
        crews.flatMap { crew in crew.state.withLock { $0.jobs.map { ($0.owner, $0.lineage) } } }
    ) { first, _ in first }

    /// Those who run batches, in there.
    private lazy var runners: [BatchRunner] = crews.flatMap { crew in
        var found: [BatchRunner] = []
        crew.state.withLock { state in
            crew.forEachToken(state, waiting: true, executing: false) {
                if let runner = $0 as? BatchRunner { found.append(runner) }
            }
        }
        return found
    }

    /// The waits of each waiting body, by the numbers of their tokens.
    private lazy var waits: [UInt64: [(body: AnyTaskToken, cause: Engine.WaitRegister.Cause)]] = {
        var waits: [UInt64: [(body: AnyTaskToken, cause: Engine.WaitRegister.Cause)]] = [:]
        // Lineages have locks of their own, which are not taken inside the register's.
        for entry in engine.waits.withLock({ Array($0.entries.values) }) {
            if let body = entry.lineage.body { waits[body.sequence, default: []].append((body, entry.cause)) }
        }
        return waits
    }()

    /// The tokens of bodies that have not begun, by their numbers: those that are waited for in lines, or sit in these crews.
    private lazy var waiting: [UInt64: AnyTaskToken] = {
        var waiting: [UInt64: AnyTaskToken] = [:]
        func note(_ token: AnyTaskToken) { waiting[token.sequence] = token }
        for line in engine.allLines { line.needed.withLock { $0.forEach(note) } }
        for shard in engine.anchors { shard.needed.withLock { $0.forEach(note) } }
        for crew in crews {
            crew.state.withLock { state in
                crew.forEachToken(state, waiting: true, executing: false) { if $0.lineage != nil { note($0) } }
            }
        }
        return waiting
    }()

    private enum Step {
        case token(AnyTaskToken)
        /// Its body is waited for.
        case body(UInt64)
    }

    /// What a blocked thread's body waits for in there, directly or by what that waits for, and does not run itself; or who is next
    /// in the line in which that stands, and may be in there.
    ///
    /// What descends from it the body runs (`help`).
    ///
    /// - Parameter token: what it waits for; what else keeps it is in the register.
    /// - Returns: which it is: the same answer at a later look says that nothing has moved meanwhile.
    func stranger(keeping lineage: Lineage, _ token: AnyTaskToken?) -> UInt? {
        if crews.isEmpty { return nil }
        var todo: [Step] = []
        if let body = lineage.body { todo.append(.body(body.sequence)) }
        if let token { todo.append(.token(token)) }
        // The line of the awaited token itself is looked at by `headOfLine(keeping:)`, as are those of descendants.
        let direct = token.map { Set(engine.parts(of: $0).map(ObjectIdentifier.init)) } ?? []
        while let step = todo.popLast() {
            switch step {
            case .body(let number):
                if let job = owners[number], job?.descends(from: lineage) != true {
                    return UInt(truncatingIfNeeded: number)
                }
                guard seen.insert(number).inserted else { continue }
                for (body, cause) in waits[number] ?? [] {
                    switch cause {
                    case .tokens(let tokens), .help(let tokens): todo += tokens.map { .token($0) }
                    case .guest(let kind):
                        let occupant = engine.nests.withLock { $0.occupant(of: number, kind) }
                        guard let occupant else { continue }
                        todo.append(.body(occupant))
                        // Who was let in may stand in another line, or in the mailbox of such a crew, yet.
                        if let token = waiting[occupant] { todo.append(.token(token)) }
                    case .permit(let kind, _):
                        if body !== lineage.body, let line = engine.standingLine(kind, of: body) {
                            return engine.headOfLine(line)
                        }
                    }
                }
            case .token(let token):
                for part in engine.parts(of: token) where !part.isSettled {
                    if let batch = (part as? BatchWatcher)?.batch {
                        let runner = runners.first { $0.batch === batch && !descends($0, from: lineage) }
                        if let runner { return identity(runner) }
                    }
                    if part.realm !== engine.realm { continue }
                    switch part.state {
                    case .admitted:
                        let crew = engine.crew(of: part)
                        if crews.contains(where: { $0 === crew }), !descends(part, from: lineage) {
                            return identity(part)
                        }
                    case .executing: todo.append(.body(part.sequence))
                    case .waiting where engine.hasLine(part) && !direct.contains(ObjectIdentifier(part)):
                        if !descends(part, from: lineage) { return engine.headOfLine(of: part) }
                    default: break
                    }
                }
            }
        }
        return nil
    }

    private func descends(_ token: AnyTaskToken, from lineage: Lineage) -> Bool {
        token.lineage?.descends(from: lineage) == true
    }

    private func identity(_ token: AnyTaskToken) -> UInt { UInt(truncatingIfNeeded: token.sequence) }
}
