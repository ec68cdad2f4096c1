//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
package import TokenCore

// Permits: of an operation's limit, of an anchor's, of a storage tier. A token takes those that it needs in this order, after its
// anchor's turn, and a body that lent them takes them back in the same: so nobody waits for one while it holds a later
// one that somebody needs for the earlier (Docs/Limits.md).
extension Engine {
    /// How many may be inside, who stands in line for that, and who of them is waited for.
    final class Line: Sendable {
        let permits: Guarded<Permits<PermitWaiter>>
        let needed = Guarded(NeededList())
        init(_ permits: Permits<PermitWaiter>) { self.permits = Guarded(permits) }
    }

    /// What a permit is of.
    enum PermitKind: Int, CaseIterable, Sendable {
        case operation, anchor, storage

        /// The permit among a token's holdings.
        var holding: TokenTags.Holdings {
            switch self {
            case .operation: .operationPermit
            case .anchor: .anchorPermit
            case .storage: .permit
            }
        }

        /// This permit and those that are taken after it.
        var andLater: TokenTags.Holdings {
            switch self {
            case .operation: .permits
            case .anchor: [.anchorPermit, .permit]
            case .storage: .permit
            }
        }

        /// The permits that are taken before this one.
        var earlier: TokenTags.Holdings { .permits.subtracting(andLater) }

        /// The permit as what a body holds.
        var hold: Holds.Kind {
            switch self {
            case .operation: .operation
            case .anchor: .anchor
            case .storage: .storage
            }
        }
    }

    /// Who waits for a permit: a token on its way to a mailbox, or a body that lent its own while it was blocked.
    enum PermitWaiter: @unchecked Sendable {
        case token(Unmanaged<AnyTaskToken>)
        case thread(PermitPlace)

        /// What a token is known by in its line.
        var number: UInt64? { if case .token(let token) = self { token.number } else { nil } }
    }

    // MARK: Lines

    func tier(_ speed: StorageSpeed) -> Line { tiers[speed.index] }

    /// The line in which a token takes a kind of permit; nil where it needs none of it.
    func line(_ kind: PermitKind, of token: AnyTaskToken, _ record: OperationRecord) -> Line? {
        switch kind {
        case .storage: token.tags.storage.map(tier)
        case .anchor:
            token.tags.anchorLimit == 0 ? nil : shard(of: AnchorHash(rawValue: token.anchor)).line(of: token.anchor)
        case .operation: record.controlNow.isLimited ? record.line : nil
        }
    }

    /// As above, also where the limit has been lifted since the token came to stand in it.
    func standingLine(_ kind: PermitKind, of token: AnyTaskToken) -> Line? {
        kind == .operation ? operations.record(token).line : line(kind, of: token, operations.record(token))
    }

    /// Whether a token stands in any line on its way, sometimes.
    func hasLine(_ token: AnyTaskToken) -> Bool {
        if !token.tags.isPlain,
            token.tags.storage != nil || token.tags.anchorLimit != 0 || token.tags.flags.contains(.ordered)
        {
            return true
        }
        return haveLimits.load(ordering: .relaxed) && operations.record(token).line != nil
    }

    /// Every line that there is.
    var allLines: [Line] {
        tiers + anchors.flatMap(\.allLines)
            + (haveLimits.load(ordering: .sequentiallyConsistent) ? operations.all.compactMap(\.line) : [])
    }

    // MARK: Taking

    /// Takes what a token needs, one after the other, after what it has already; goes on when it has all.
    ///
    /// The token is waiting, in no list, or settled since. An operation's limit may have been set after it took a later permit:
    /// with that one it must not stand in line for the earlier. The worker that finds it in its mailbox takes it back (`runTaken`).
    ///
    /// - Parameter looker: a worker that looks for work next: the token is left to it, in place of yet another thread.
    func takePermits(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, looker: Worker? = nil) {
        let object = token.takeUnretainedValue()
        for kind in PermitKind.allCases {
            guard object.holdings.isDisjoint(with: kind.andLater), let line = line(kind, of: object, record) else {
                continue
            }
            object.transition { $0.holding() }
            let goesAhead = object.holdings.contains(.precedence)
            let earlier = lines(of: object.holdings.intersection(kind.earlier), object)
            let granted = line.permits.withLock { permits in
                guard
                    goesAhead
                        ? permits.acquireAhead(.token(token), rank(of: object), number: token.number)
                        : permits.acquire(.token(token), rank(of: object))
                else {
                    noteStander(object, having: earlier, in: Standers.Place(line: line, kind: kind))
                    return false
                }
                hold(kind, object)
                return true
            }
            if !granted {
                noteHeld(object, record)
                // Its host has let it in already, perhaps.
                guard object.state == .waiting else { return }
                return seekTakers(of: earlier)
            }
        }
        object.holdings.remove(.precedence)
        forgetStander(object)
        deliver(token, record, looker: looker)
    }

    /// A token has a permit now.
    func hold(_ kind: PermitKind, _ token: AnyTaskToken) {
        token.holdings.insert(kind.holding)
        // Others ask an operation's alone: it may be limited while bodies run that have none.
        if kind == .operation { token.markPermit(true) }
    }

    /// A token has a permit no more.
    func letGo(_ kind: PermitKind, _ token: AnyTaskToken) {
        token.holdings.remove(kind.holding)
        if kind == .operation { token.markPermit(false) }
    }

    // MARK: Giving back

    /// Returns a permit; hands it on where someone waits.
    ///
    /// - Parameter looker: a worker that is done with its body and will look for work next: a token that gets the
    ///   permit is left to it, in place of yet another thread.
    func givePermitBack(_ token: AnyTaskToken, _ kind: PermitKind, looker: Worker? = nil) {
        guard token.holdings.contains(kind.holding) else { return }
        letGo(kind, token)
        guard let line = standingLine(kind, of: token) else {
            fatalError("token \(token.id) has a permit of the kind \(kind), of which there is no line")
        }
        forgetStander(token, line)
        guard leaveHold(token, kind.hold) else { return }
        pass(line.permits.withLock { $0.release() }, of: line, kind, looker: looker)
    }

    /// Returns all permits that a token holds, the last that it took first.
    func givePermitsBack(_ token: AnyTaskToken, looker: Worker? = nil) {
        if token.holdings.isDisjoint(with: .permits) { return }
        // One token may be left to the looker, not more: it takes one.
        for kind in PermitKind.allCases.reversed() {
            givePermitBack(token, kind, looker: kind == .storage ? looker : nil)
        }
    }

    /// Lets one go on that was just granted a permit.
    ///
    /// A token that is dead by now passes it on at once: after a stop no worker would find it, and a body that lent its
    /// permit would wait for ever.
    func pass(_ waiter: PermitWaiter?, of line: Line, _ kind: PermitKind, looker: Worker? = nil) {
        var waiter = waiter
        while case .token(let next) = waiter {
            let object = next.takeUnretainedValue()
            if !object.isSettled {
                hold(kind, object)
                return takePermits(next, operations.record(object), looker: looker)
            }
            waiter = line.permits.withLock { $0.release() }
            retire(next)
        }
        if case .thread(let place) = waiter { place.parker.unpark() }
    }

    // MARK: Limits

    func setStorageLimit(_ limit: Int, for speed: StorageSpeed) throws(TokenError) {
        let range = Permits<PermitWaiter>.limits
        guard range.contains(limit) else {
            throw TokenError(
                .invalidArgument,
                "the storage limit \(limit) of the tier \(speed) is outside \(range.lowerBound)...\(range.upperBound)")
        }
        let line = tier(speed)
        let granted = try line.permits.withLock { permits throws(TokenError) in try permits.setLimit(limit) }
        for waiter in granted { pass(waiter, of: line, .storage) }
    }

    static func checkConcurrencyLimit(_ limit: Int?, of operationType: String) throws(TokenError) {
        let range = OperationLimits.concurrencies
        if let limit, !range.contains(limit) {
            throw TokenError(
                .invalidArgument,
                "the concurrency limit \(limit) of \"\(operationType)\" is outside \(range.lowerBound)...\(range.upperBound)"
            )
        }
    }

    /// Holds an operation to so many bodies at once from now on; nil: to none.
    func setConcurrencyLimit(_ limit: Int?, of operation: Operation) throws(TokenError) {
        let record = operations.record(operation)
        let range = OperationLimits.concurrencies
        let made = Line(try Permits<PermitWaiter>(limit: limit ?? range.upperBound))
        // What the limit says and whether there is one change together.
        let (line, granted) = try limitChanges.withLock { _ throws(TokenError) in
            let line = record.line { made }
            haveLimits.store(true, ordering: .sequentiallyConsistent)
            if limit == nil { _ = record.setLimited(false) }
            let granted = try line.permits.withLock { permits throws(TokenError) in
                if let limit { try permits.setLimit(limit) } else { permits.lift() }
            }
            if limit != nil { _ = record.setLimited(true) }
            return (line, granted)
        }
        for waiter in granted { pass(waiter, of: line, .operation) }
    }

    // MARK: Ranks

    /// How urgent a token is: as it says, else as its lead.
    func priority(of token: AnyTaskToken) -> TokenPriority {
        token.tags.priority ?? token.lineage?.lead?.priority ?? .normal
    }

    /// Where a token stands among those in a mailbox; nil for the usual ones, which stand as they came.
    @inline(__always)
    func mailRank(of token: AnyTaskToken) -> AgingRank? {
        if token.tags.isPlain, token.lineage == nil { return nil }
        let rank = rank(of: token)
        return rank.level == TokenPriority.normal.level ? nil : rank
    }

    /// Where a token stands in line.
    func rank(of token: AnyTaskToken) -> AgingRank {
        AgingRank(level: priority(of: token).level, came: token.submittedAt, aging: aging)
    }
}

extension Engine: LimitKeeper {
    package func adopt(_ limits: OperationLimits, of operation: Operation) {
        let record = operations.record(operation)
        limitChanges.withLock { _ in
            haveLimits.store(true, ordering: .sequentiallyConsistent)
            if let limit = limits.concurrency, record.line == nil {
                guard let permits = try? Permits<PermitWaiter>(limit: limit) else {
                    fatalError("a guard of \"\(operation.name)\" with the limit \(limit)")
                }
                _ = record.line { Line(permits) }
                _ = record.setLimited(true)
            }
            if let capacity = limits.capacity, record.admission == nil {
                _ = record.admission {
                    Admission(capacity, limits.overload, .operationPlace, of: operation.name, domains: domains.count)
                }
                record.setBounded()
            }
        }
    }
}

extension Engine.AnchorShard {
    /// The line of an anchor that has a limit and tokens.
    func line(of anchor: UInt64) -> Engine.Line? { lines.withLock { $0[anchor]?.line } }

    var allLines: [Engine.Line] { lines.withLock { $0.values.map(\.line) } }

    /// A token of an anchor comes that states a limit.
    func enterLine(of anchor: UInt64, limit: UInt16) {
        lines.withLock { lines in
            guard let permits = try? Permits<Engine.PermitWaiter>(limit: Int(limit)) else {
                fatalError("an anchor with the limit \(limit)")
            }
            lines[anchor, default: (Engine.Line(permits), 0)].users += 1
        }
    }

    /// It is done with it.
    func leaveLine(of anchor: UInt64) {
        let last = lines.withLock { lines -> Engine.Line? in
            lines[anchor]?.users -= 1
            return lines[anchor]?.users == 0 ? lines.removeValue(forKey: anchor)?.line : nil
        }
        _ = last  // freed outside the lock
    }
}

extension StorageSpeed {
    /// Position in tables.
    var index: Int {
        switch self {
        case .slow: 0
        case .moderate: 1
        case .fast: 2
        case .insane: 3
        }
    }
}
