//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
package import TokenCore

// The limit to live tokens: who comes in, who stands in the line, who waits outside (Docs/Capacity.md).
extension Engine: PlaceKeeper {
    /// The places for live tokens, protected by their lock.
    final class Admission: Sendable {
        typealias Limit = AdmissionLimit<Unmanaged<AnyTaskToken>, PlaceWaiter>
        private let limit: Guarded<Limit>
        init(_ limit: Limit) { self.limit = Guarded(limit) }
        func withLock<Result>(_ body: (inout Limit) -> Result) -> Result { limit.withLock(body) }

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

    // MARK: Coming in

    /// Takes a place for a token, puts it into the line, or refuses it; true where it goes on now.
    func takePlace(_ token: Unmanaged<AnyTaskToken>, _ record: OperationRecord, mustEnter: Bool) -> Bool {
        guard let admission else { return true }
        let object = token.takeUnretainedValue()
        let isGranted = object.holdings.contains(.place)
        if !mustEnter, !isGranted { clearIfFull(admission) }
        // In the line others have it in hand at once.
        if configuration.overload == .dropOldest { object.transition { $0.holding() } }
        let arrival = admission.withLock { limit in
            let arrival = limit.arrive(token, mustEnter: mustEnter, isGranted: isGranted) { $0.isLive }
            if case .goesOn = arrival { object.holdings.insert(.place) }
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
        let (inUse, capacity) = admission.withLock { ($0.inUse, $0.limit) }
        object.refuse(
            TokenError(
                .overloaded,
                "token \(object.id) of \"\(object.operationType)\" found no place: \(inUse) live tokens, capacity \(capacity), "
                    + "overload policy \(configuration.overload)"))
        token.release()
    }

    private func drop(_ oldest: Unmanaged<AnyTaskToken>) {
        oldest.takeUnretainedValue().settle(for: .dropped, reportingTo: self)
        retire(oldest)
    }

    // MARK: Going out

    /// A token that had a place is done: the next has it.
    func leavePlace() {
        guard let admission else { return }
        let (waiter, passes) = admission.withLock { ($0.leave(), $0.beginPassing()) }
        waiter?.tell(true)
        guard passes else { return }
        while let token = admission.withLock({ limit in
            let next = limit.next()
            next?.takeUnretainedValue().holdings.insert(.place)
            return next
        }) {
            let object = token.takeUnretainedValue()
            // Retired with its place where it is dead; which goes to the one behind it.
            if object.isSettled { retire(token) } else { proceed(token, operations.record(object), gate) }
        }
    }

    /// Takes the settled ones out of the line.
    func clearLine() {
        guard let admission else { return }
        for token in admission.withLock({ $0.removeDead { !$0.isLive } }) { retire(token) }
    }

    /// Tokens that were killed one by one may stand in lists, with their places, until these move: takes them out where a
    /// caller needs a place.
    private func clearIfFull(_ admission: Admission) {
        if admission.hasKills, admission.withLock({ $0.isFull }), admission.takeKills() { purge() }
    }

    /// A token that was killed by itself may stand in a list with its place: callers that wait for one have it now, those that
    /// come are told.
    func noteDeadPlace() {
        admission?.noteKill()
        clearForWaiters()
    }

    /// As `clearIfFull`, for callers that wait already.
    private func clearForWaiters() {
        guard let admission, admission.withLock({ $0.waiting > 0 }), admission.takeKills() else { return }
        purge()
    }

    /// A body waits for a token: one that stands in the line goes through, since those that are through may wait for it.
    func letThrough(_ token: AnyTaskToken) {
        guard let admission, configuration.overload == .dropOldest, token.realm === realm else { return }
        for part in parts(of: token) where part.state == .waiting {
            let found = admission.withLock { limit in
                let found = limit.pull { $0._withUnsafeGuaranteedRef { $0 === part } }
                if found != nil { part.holdings.insert(.place) }
                return found
            }
            if let found { proceed(found, operations.record(part), gate) }
        }
    }

    // MARK: Waiting outside

    package func awaitPlace() async throws -> Bool {
        guard let admission, configuration.overload == .suspend else { return false }
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
            if isGranted { returnPlace() }
            throw CancellationError()
        }
        return isGranted
    }

    package func blockForPlace(until deadline: Int64?) throws(TokenError) -> Bool {
        guard let admission, configuration.overload == .suspend else { return false }
        let parker = Parker()
        let answer = Guarded(false)
        let waiter = PlaceWaiter { isGranted in
            answer.withLock { $0 = isGranted }
            parker.unpark()
        }
        switch register(waiter, admission) {
        case .answered(let isGranted): return isGranted
        case .waits(let number):
            let isTold = parker.park(timeout: deadline.map { max(0, $0 - now()) } ?? -1)
            if !isTold, admission.withLock({ $0.giveUp(number) }) != nil {
                throw TokenError(
                    .waitTimedOut, "no place among \(admission.withLock { $0.limit }) live tokens came free in time")
            }
            // Being told at this moment.
            if !isTold { _ = parker.park() }
            return answer.withLock { $0 }
        }
    }

    package func returnPlace() { admission?.withLock { $0.giveBack() }?.tell(true) }

    private enum Registration: Equatable { case none, waits(UInt64), cancelled }
    private enum Registered { case answered(Bool), waits(UInt64) }

    /// Once a stop has begun nobody is registered any more: the gate is read under the lock that the stop takes after it.
    private func register(_ waiter: PlaceWaiter, _ admission: Admission) -> Registered {
        // A kill that comes after this look sees the waiter.
        defer { clearForWaiters() }
        return admission.withLock { limit in
            if isDraining { return .answered(false) }
            return limit.reserve(waiter).map { .waits($0) } ?? .answered(true)
        }
    }

    /// A stop has begun: nobody gets a place by waiting any more.
    func turnWaitersAway() {
        guard let admission else { return }
        for waiter in admission.withLock({ $0.takeWaiters() }) { waiter.tell(false) }
    }
}

extension Unmanaged where Instance == AnyTaskToken {
    /// Whether it is not settled.
    fileprivate var isLive: Bool { _withUnsafeGuaranteedRef { !$0.isSettled } }
}
