//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import Routing
internal import Synchronization
internal import TokenCore

// Circles of waits: bodies that wait for tokens that wait for them, through anchors, limits, permits, dependencies or workers
// (Docs/Waiting.md, "Circles"). Looked for now and then, while a body waits for long; told by an event.
extension Engine {
    /// The waits of bodies that have nothing to run meanwhile.
    ///
    /// A circle is told when two looks find the same waits in it: what was read one after the other may not fit together, but
    /// who stood still all the while between the two looks stood still at one moment.
    struct WaitRegister {
        /// What a body waits for.
        enum Cause {
            case tokens([AnyTaskToken])
            /// That what it runs on its thread, on top of a wait, returns.
            case help([AnyTaskToken])
            /// Its wait is over, and a guest is inside what it holds.
            case guest(Holds.Kind)
            /// Its wait is over, and it has lent a permit; what it holds of the others.
            case permit(PermitKind, has: TokenTags.Holdings)

            /// Whether the body's lineage counts it among its waits.
            var isBlockedWait: Bool {
                switch self {
                case .tokens, .help, .permit: true
                case .guest: false
                }
            }
        }
        /// One wait; a body may have several, of several tasks.
        struct Entry {
            let number: UInt64
            let lineage: Lineage
            let cause: Cause
            let since: Int64
            /// Whose thread is blocked; nil where none is.
            let crew: Crew?
        }
        private(set) var entries: [UInt64: Entry] = [:]
        /// A look is due.
        var isArmed = false
        /// The circles that the last look has found, and those that were told, by the numbers of their waits.
        var suspected: Set<[UInt64]> = []
        var told: Set<[UInt64]> = []
        private var lastNumber: UInt64 = 0

        mutating func begin(_ lineage: Lineage, _ cause: Cause, _ crew: Crew?, now: Int64) -> UInt64 {
            lastNumber += 1
            entries[lastNumber] = Entry(number: lastNumber, lineage: lineage, cause: cause, since: now, crew: crew)
            return lastNumber
        }

        /// - Returns: what is to be freed outside of the lock.
        mutating func end(_ number: UInt64) -> Entry? { entries.removeValue(forKey: number) }
    }

    // MARK: Registering

    /// A body begins to wait, and has nothing to run meanwhile.
    ///
    /// Also where nobody is to look for circles: a rescue asks who waits for what.
    ///
    /// - Returns: what `endWait` is to be called with, once.
    func registerWait(_ lineage: Lineage, for cause: WaitRegister.Cause, crew: Crew? = nil) -> UInt64 {
        let timers = realm.timers
        let now = timers.now
        let (number, arms) = waits.withLock { waits in
            defer { waits.isArmed = true }
            return (waits.begin(lineage, cause, crew, now: now), !waits.isArmed)
        }
        if arms { armLook(timers, now) }
        return number
    }

    /// It does not wait any more.
    func endWait(_ number: UInt64) {
        let ended = waits.withLock { $0.end(number) }
        _ = ended  // freed outside the lock
    }

    private func armLook(_ timers: TimerQueue, _ now: Int64) {
        let due = now.addingReportingOverflow(waitCycleTime)
        guard !due.overflow else { return }
        // The realm has the engine until it stops, which a coordinator that is let go does; its timers are closed then. A weak
        // reference would give the engine a side table, through which every reference to it is counted from then on.
        let number = timers.at(due.partialValue) { [realm] in (realm.submitter as? Engine)?.lookIfNeeded() }
        if number == nil { waits.withLock { $0.isArmed = false } }
    }

    // MARK: Looking

    /// The time of a look has come: there is one where a body has waited for long, on a thread of its own, since the timers' has
    /// others to call.
    private func lookIfNeeded() {
        let timers = realm.timers
        let began = timers.now
        let isLong = waits.withLock { waits in
            waits.entries.values.contains { $0.since <= began - waitCycleTime }
        }
        guard isLong else {
            waits.withLock { $0.suspected = [] }
            return rearm(timers)
        }
        let thread = try? PinnedThread.spawn(name: "tg-look", cpus: nil) { [self] _ in
            lookForCircles()
            rearm(timers)
        }
        if let thread { thread.detach() } else { rearm(timers) }
    }

    private func rearm(_ timers: TimerQueue) {
        let isOver = waits.withLock { waits in
            waits.isArmed = !waits.entries.isEmpty
            return !waits.isArmed
        }
        if !isOver { armLook(timers, timers.now) }
    }

    private func lookForCircles() {
        let entries = waits.withLock { Array($0.entries.values) }
        let found = WaitSnapshot(self, entries)?.circles() ?? []
        let news = waits.withLock { waits in
            // Bounded: numbers are not used twice, so old ones are not needed.
            if waits.told.count > 256 { waits.told = [] }
            let news = found.filter {
                waits.suspected.contains($0.numbers) && waits.told.insert($0.numbers).inserted
            }
            waits.suspected = Set(found.map(\.numbers))
            return news
        }
        for circle in news { events.emit { .waitCycle(circle.links) } }
    }
}
