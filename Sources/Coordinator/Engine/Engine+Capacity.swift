//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
package import TokenCore

// The limits to live tokens, of the coordinator and of operations: who comes in, who stands in the line, who waits outside
// (Docs/Capacity.md).
extension Engine: PlaceKeeper {
    /// The places for live tokens, of all or of one operation, protected by their lock.
    final class Admission: Sendable {
        typealias Limit = AdmissionLimit<Unmanaged<AnyTaskToken>, PlaceWaiter>
        private let limit: Guarded<Limit>
        let overload: OverloadPolicy
        /// The place among a token's holdings.
        let holding: TokenTags.Holdings
        /// Whose they are; nil for the coordinator's.
        private let operationType: String?

        init(
            _ capacity: Int, _ overload: OverloadPolicy, _ holding: TokenTags.Holdings, of operationType: String?,
            domains: Int
        ) {
            // Enough for every worker to find the next one waiting.
            let window = max(1, min(capacity / 2, 64 * domains))
            limit = Guarded(Limit(limit: capacity, window: window, overload: overload.kind))
            self.overload = overload
            self.holding = holding
            self.operationType = operationType
        }

        func withLock<Result>(_ body: (inout Limit) -> Result) -> Result { limit.withLock(body) }

        /// The limit in words.
        var description: String {
            let (inUse, capacity) = withLock { ($0.inUse, $0.limit) }
            let live = "\(inUse) live tokens" + (operationType.map { " of \"\($0)\"" } ?? "")
            return "\(live), capacity \(capacity), overload policy \(overload)"
        }

        /// Whether tokens were killed one by one since the lists were last cleared.
        private let kills = Atomic<Bool>(false)
        var hasKills: Bool { kills.load(ordering: .sequentiallyConsistent) }
        func noteKill() { kills.store(true, ordering: .sequentiallyConsistent) }
        func takeKills() -> Bool { kills.exchange(false, ordering: .sequentiallyConsistent) }
    }

    /// Who waits outside for a place, with a token that is not made yet.
    ///
    /// Told once: whether there is a place now, or the coordinator stops.
    struct PlaceWaiter: Sendable { let tell: @Sendable (Bool) -> Void }

    /// All places that there are.
    var allAdmissions: [Admission] {
        [admission].compactMap { $0 }
            + (haveLimits.load(ordering: .sequentiallyConsistent) ? operations.all.compactMap(\.admission) : [])
    }

    /// The places that tokens of an operation need, in the order in which they take them.
    private func admissions(of record: OperationRecord) -> [Admission] {
        [admission, record.controlNow.isBounded ? record.admission : nil].compactMap { $0 }
    }

    // MARK: Coming in

    /// Takes the places that a token needs, puts it into a line, or refuses it; true where it goes on now.
    func takePlaces(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, mustEnter: Bool) -> Bool {
        if let admission, !takePlace(token, record, admission, mustEnter: mustEnter) { return false }
        return takeOwnPlace(token, record, mustEnter: mustEnter)
    }

    private func takeOwnPlace(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, mustEnter: Bool) -> Bool {
        guard record.controlNow.isBounded, let own = record.admission else { return true }
        return takePlace(token, record, own, mustEnter: mustEnter)
    }

    private func takePlace(
        _ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, _ admission: Admission, mustEnter: Bool
    ) -> Bool {
        let object = token.takeUnretainedValue()
        let isGranted = object.holdings.contains(admission.holding)
        if !mustEnter, !isGranted { clearIfFull(admission) }
        // In the line others have it in hand at once.
        if admission.overload == .dropOldest { object.transition { $0.holding() } }
        let arrival = admission.withLock { limit in
            let arrival = limit.arrive(token, mustEnter: mustEnter, isGranted: isGranted) { $0.isLive }
            if case .goesOn = arrival { object.holdings.insert(admission.holding) }
            return arrival
        }
        switch arrival {
        case .goesOn: return true
        case .standsInLine: noteHeld(object, record)
        case .replaces(let oldest):
            drop(oldest)
            noteHeld(object, record)
        case .refused: refuse(token, admission)
        }
        return false
    }

    private func refuse(_ token: Unmanaged<AnyTaskToken>, _ admission: Admission) {
        let object = token.takeUnretainedValue()
        object.refuse(
            TokenError(
                .overloaded,
                "token \(object.id) of \"\(object.operationType)\" found no place: \(admission.description)"))
        // It may have the other place.
        returnHoldings(object)
        token.release()
    }

    private func drop(_ oldest: Unmanaged<AnyTaskToken>) {
        oldest.takeUnretainedValue().settle(for: .dropped, reportingTo: self)
        retire(oldest)
    }

    // MARK: Going out

    /// A token's body has returned, and the token is not settled yet.
    func leavePlaces(of token: AnyTaskToken) {
        let places = token.holdings.intersection(.places)
        token.holdings.subtract(places)
        leavePlaces(places, operations.record(token))
    }

    /// A token that had places is done: the next ones have them.
    func leavePlaces(_ places: TokenTags.Holdings, _ record: OperationRecord) {
        if places.contains(.operationPlace), let own = record.admission { leavePlace(own) }
        if places.contains(.place), let admission { leavePlace(admission) }
    }

    private func leavePlace(_ admission: Admission) {
        let (waiter, passes) = admission.withLock { ($0.leave(), $0.beginPassing()) }
        waiter?.tell(true)
        guard passes else { return }
        while let token = admission.withLock({ limit in
            let next = limit.next()
            next?.takeUnretainedValue().holdings.insert(admission.holding)
            return next
        }) {
            goOn(token, from: admission)
        }
    }

    /// A token has come through a line; where a body waits for it, the next lets it in, too.
    private func goOn(_ token: Unmanaged<AnyTaskToken>, from admission: Admission, mustEnter: Bool = false) {
        let object = token.takeUnretainedValue()
        // Retired with its place where it is dead; which goes to the one behind it.
        if object.isSettled { return retire(token) }
        let record = operations.record(object)
        if admission === self.admission, !takeOwnPlace(token, record, mustEnter: mustEnter) { return }
        proceed(token, record, gate)
    }

    /// Takes the settled ones out of the lines.
    func clearLines() {
        for admission in allAdmissions {
            for token in admission.withLock({ $0.removeDead { !$0.isLive } }) { retire(token) }
        }
    }

    /// Tokens that were killed one by one may stand in lists, with their places, until these move: takes them out where a
    /// caller needs a place.
    private func clearIfFull(_ admission: Admission) {
        if admission.hasKills, admission.withLock({ $0.isFull }), admission.takeKills() { purge() }
    }

    /// A token that was killed by itself may stand in a list with its place: callers that wait for one have it now, those that
    /// come are told.
    ///
    /// Where there is no place left it is taken out by itself: a walk through all lists for each kill would make many kills
    /// quadratic. The walk is for what is not found so: in a line before admission, on its way to a list, or in a body.
    func noteDeadPlace(of token: AnyTaskToken) {
        let admissions = admissions(of: operations.record(token))
        if admissions.contains(where: { $0.withLock(\.isFull) }) {
            withdrawFromAll(token)
            // Whoever buries it passes its place on.
            if token.isBuried { return }
        }
        for admission in admissions {
            admission.noteKill()
            clearForWaiters(admission)
        }
    }

    /// As `clearIfFull`, for callers that wait already.
    private func clearForWaiters(_ admission: Admission) {
        guard admission.withLock({ $0.waiting > 0 }), admission.takeKills() else { return }
        purge()
    }

    /// A body waits for a token: one that stands in a line goes through, since those that are through may wait for it.
    func letThrough(_ token: AnyTaskToken) {
        guard admission != nil || haveLimits.load(ordering: .relaxed), token.realm === realm else { return }
        for part in parts(of: token) where part.state == .waiting {
            for admission in admissions(of: operations.record(part)) where admission.overload == .dropOldest {
                let found = admission.withLock { limit in
                    let found = limit.pull { $0._withUnsafeGuaranteedRef { $0 === part } }
                    if found != nil { part.holdings.insert(admission.holding) }
                    return found
                }
                if let found { goOn(found, from: admission, mustEnter: true) }
            }
        }
    }

    // MARK: Waiting outside

    package func awaitPlaces(for operation: Operation, callOff: CallOff?) async throws -> TokenTags.Holdings {
        var granted: TokenTags.Holdings = []
        // The operation's own first: nobody keeps one of the coordinator's places while it waits for that.
        for admission in admissions(of: operations.record(operation)).reversed() where admission.overload == .suspend {
            do {
                if try await awaitPlace(admission, callOff) { granted.insert(admission.holding) }
            } catch {
                returnPlaces(granted, of: operation)
                throw error
            }
        }
        return granted
    }

    private func awaitPlace(_ admission: Admission, _ callOff: CallOff?) async throws -> Bool {
        if callOff?.isOff == true { return false }
        let place = Guarded(Registration.none)
        let isGranted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                switch register(PlaceWaiter { continuation.resume(returning: $0) }, admission) {
                case .answered(let isGranted): continuation.resume(returning: isGranted)
                case .waits(let number):
                    let isCancelled = place.withLock { place in
                        defer { place = .waits(number) }
                        return place == .cancelled
                    }
                    if isCancelled { admission.withLock { $0.giveUp(number) }?.tell(false) }
                    callOff?.whenOff { admission.withLock { $0.giveUp(number) }?.tell(false) }
                }
            }
        } onCancel: {
            let before = place.withLock { place in
                defer { place = .cancelled }
                return place
            }
            if case .waits(let number) = before { admission.withLock { $0.giveUp(number) }?.tell(false) }
        }
        if Task.isCancelled {
            if isGranted { returnPlace(admission) }
            throw CancellationError()
        }
        return isGranted
    }

    package func blockForPlaces(
        for operation: Operation, until deadline: Int64?, callOff: CallOff?
    ) throws(TokenError) -> TokenTags.Holdings {
        var granted: TokenTags.Holdings = []
        for admission in admissions(of: operations.record(operation)).reversed() where admission.overload == .suspend {
            do throws(TokenError) {
                if try blockForPlace(admission, until: deadline, callOff) { granted.insert(admission.holding) }
            } catch {
                returnPlaces(granted, of: operation)
                throw error
            }
        }
        return granted
    }

    private func blockForPlace(
        _ admission: Admission, until deadline: Int64?, _ callOff: CallOff?
    ) throws(TokenError) -> Bool {
        if callOff?.isOff == true { return false }
        let parker = Parker()
        let answer = Guarded(false)
        let waiter = PlaceWaiter { isGranted in
            answer.withLock { $0 = isGranted }
            parker.unpark()
        }
        switch register(waiter, admission) {
        case .answered(let isGranted): return isGranted
        case .waits(let number):
            callOff?.whenOff { admission.withLock { $0.giveUp(number) }?.tell(false) }
            let isTold = parker.park(timeout: deadline.map { max(0, $0 - now()) } ?? -1)
            if !isTold, admission.withLock({ $0.giveUp(number) }) != nil {
                throw TokenError(.waitTimedOut, "no place came free in time: \(admission.description)")
            }
            // Being told at this moment.
            if !isTold { _ = parker.park() }
            return answer.withLock { $0 }
        }
    }

    package func returnPlaces(_ places: TokenTags.Holdings, of operation: Operation) {
        if places.contains(.operationPlace), let own = operations.record(operation).admission { returnPlace(own) }
        if places.contains(.place), let admission { returnPlace(admission) }
    }

    /// A token is refused before it came in; its submitter may have waited for places.
    func returnUnused(_ token: AnyTaskToken) {
        let places = token.holdings
        token.holdings = []
        returnPlaces(places, of: token.operation)
    }

    private func returnPlace(_ admission: Admission) { admission.withLock { $0.giveBack() }?.tell(true) }

    private enum Registration: Equatable { case none, waits(UInt64), cancelled }
    private enum Registered { case answered(Bool), waits(UInt64) }

    /// Once a stop has begun nobody is registered any more: the gate is read under the lock that the stop takes after it.
    private func register(_ waiter: PlaceWaiter, _ admission: Admission) -> Registered {
        // A kill that comes after this look sees the waiter.
        defer { clearForWaiters(admission) }
        return admission.withLock { limit in
            if isDraining { return .answered(false) }
            return limit.reserve(waiter).map { .waits($0) } ?? .answered(true)
        }
    }

    /// A stop has begun: nobody gets a place by waiting any more.
    func turnWaitersAway() {
        for admission in allAdmissions {
            for waiter in admission.withLock({ $0.takeWaiters() }) { waiter.tell(false) }
        }
    }
}

extension Unmanaged where Instance == AnyTaskToken {
    /// Whether it is not settled.
    fileprivate var isLive: Bool { _withUnsafeGuaranteedRef { !$0.isSettled } }
}
