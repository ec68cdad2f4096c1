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
    /// Bodies that were expanded already, of whichever awaited token.
    private var seen: Set<UInt64> = []

    init(_ engine: Engine) {
        self.engine = engine
        crews = engine.domains.flatMap(\.crews).filter { crew in
            engine.isStuck(crew) && (crew.hasMail || crew.state.withLock { !$0.jobs.isEmpty })
        }
    }

    /// Bodies whose next piece is among the jobs of these crews, by the numbers of their tokens.
    private lazy var owners: Set<UInt64> = Set(
        crews.flatMap { crew in crew.state.withLock { $0.jobs.map(\.owner) } }.filter { $0 != 0 })

    /// Those who run batches, in there: who waits for a batch waits for a token that has nothing to do with these.
    private lazy var runners: [AnyTaskToken] = crews.flatMap { crew in
        var found: [AnyTaskToken] = []
        crew.state.withLock { state in
            crew.forEachToken(state, waiting: true, executing: false) { if $0 is BatchRunner { found.append($0) } }
        }
        return found
    }

    /// What each waiting body waits for, by the numbers of their tokens.
    private lazy var awaited: [UInt64: [AnyTaskToken]] = {
        var awaited: [UInt64: [AnyTaskToken]] = [:]
        // Lineages have locks of their own, which are not taken inside the register's.
        for entry in engine.waits.withLock({ Array($0.entries.values) }) {
            guard let body = entry.lineage.body else { continue }
            switch entry.cause {
            case .tokens(let tokens), .help(let tokens): awaited[body.sequence, default: []] += tokens
            case .guest, .permit: break
            }
        }
        return awaited
    }()

    /// What a blocked thread's body waits for in there, directly or by what that waits for, and does not run itself.
    ///
    /// What descends from it the body runs (`help`).
    ///
    /// - Returns: which it is: the same answer at a later look says that nobody has run it meanwhile.
    func stranger(keeping lineage: Lineage, _ token: AnyTaskToken) -> UInt? {
        if crews.isEmpty { return nil }
        var todo = [token]
        while let next = todo.popLast() {
            for part in engine.parts(of: next) where !part.isSettled {
                if part.realm == nil, !part.isDerived {
                    // Who waits for a batch waits for a token that only stands for it.
                    if let runner = runners.first(where: { !descends($0, from: lineage) }) { return identity(runner) }
                    continue
                }
                if part.realm !== engine.realm { continue }
                switch part.state {
                case .admitted:
                    let crew = engine.crew(of: part)
                    if crews.contains(where: { $0 === crew }), !descends(part, from: lineage) { return identity(part) }
                case .executing:
                    if owners.contains(part.sequence), !descends(part, from: lineage) { return identity(part) }
                    if seen.insert(part.sequence).inserted { todo += awaited[part.sequence] ?? [] }
                default: break
                }
            }
        }
        return nil
    }

    private func descends(_ token: AnyTaskToken, from lineage: Lineage) -> Bool {
        token.lineage?.descends(from: lineage) == true
    }

    private func identity(_ token: AnyTaskToken) -> UInt {
        UInt(bitPattern: Unmanaged.passUnretained(token).toOpaque())
    }
}
