//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import CExecution
internal import TokenCore

/// A thread of a crew, and what it is busy with.
///
/// | field | protected by |
/// |---|---|
/// | `taken`, `inline` | the crew's lock. Own a reference to each |
/// | `standing`, `cover`, `lastLate`, `jobOwner`, `absences` | the crew's lock |
/// | `frames`, `shards`, `depth`, `lastEnd`, `batch`, `patience`, `wasOnWatch` | the worker's own thread |
/// | `parker` | atomic |
/// | `report` | the crew's lock |
final class Worker: @unchecked Sendable {
    let crew: Crew
    /// Its thread keeps it.
    unowned(unsafe) let engine: Engine
    let number: Int
    let domain: Int
    let parker = Parker()
    /// What it took from a mailbox last: it runs, or has run.
    @exclusivity(unchecked) var taken: Unmanaged<AnyTaskToken>?
    /// What waiting bodies run on top of that; innermost last.
    @exclusivity(unchecked) var inline: [Unmanaged<AnyTaskToken>] = []
    var report: PinReport?

    /// What its crew counts it as while it runs something.
    enum Standing {
        case active
        /// Blocked in a wait.
        case away
        /// Inside a body whose token is settled.
        case overrun
    }
    @exclusivity(unchecked) var standing = Standing.active
    /// What runs on top of its bodies and is in neither `taken` nor `inline`.
    @exclusivity(unchecked) var cover = 0
    /// The token that it is done with although it is still `taken` or `inline`: its body returned late, or another ran it.
    @exclusivity(unchecked) var lastLate: UInt64 = 0
    /// The async token whose job it runs, or ran last; 0 where there is none.
    @exclusivity(unchecked) var jobOwner: UInt64 = 0
    /// How often it has gone idle or into a wait: what its thread did meanwhile tells nothing of its bodies.
    @exclusivity(unchecked) var absences: UInt64 = 0

    /// The frame of the outermost body; the worker owns it.
    private let outermost = Unmanaged.passRetained(BodyFrame())
    @exclusivity(unchecked) private var frames: [BodyFrame] = []
    @exclusivity(unchecked) private var shards: [(record: OperationRecord, counters: OperationCounters)?] = []
    @exclusivity(unchecked) private(set) var depth = 0
    /// Tokens taken since the crew's mailboxes were last found empty, and how often to yield before looking again.
    @exclusivity(unchecked) var batch = 0
    @exclusivity(unchecked) var patience = 0
    /// Since it last took some work, others may have left some to it.
    @exclusivity(unchecked) var wasOnWatch = false
    /// When the last body ended, if the worker has not been idle since: the next one's start.
    @exclusivity(unchecked) var lastEnd: Int64?

    init(crew: Crew, number: Int, of engine: Engine) {
        self.crew = crew
        self.engine = engine
        self.number = number
        domain = crew.domain
    }

    deinit { outermost.release() }

    /// How many tokens it runs, one within the other.
    ///
    /// Under the crew's lock.
    var runningCount: Int { (taken == nil ? 0 : 1) + inline.count }

    /// The token whose body runs on although it is settled, if that is the innermost thing the worker is busy with.
    ///
    /// Under the crew's lock.
    var overrunToken: AnyTaskToken? {
        guard cover == 0, let token = (inline.last ?? taken)?.takeUnretainedValue(), isOverrun(token) else {
            return nil
        }
        return token
    }

    /// Whether a token that it has taken is settled while its body runs on.
    ///
    /// Under the crew's lock. One of an async operation is run by jobs, not by whoever took it.
    func isOverrun(_ token: AnyTaskToken) -> Bool {
        let word = token.current
        return word.isTerminal && word.hadStarted && (word.state == .killed || word.state == .timedOut)
            && token.sequence != lastLate && !token.tags.isAsync
    }

    /// Calls `body` with each of them, outermost first.
    ///
    /// Under the crew's lock.
    func forEachRunning(_ body: (AnyTaskToken) -> Void) {
        if let taken { body(taken.takeUnretainedValue()) }
        for token in inline { body(token.takeUnretainedValue()) }
    }

    /// The worker that the calling thread is, whatever coordinator it belongs to.
    static var current: Worker? {
        guard let pointer = tge_self()?.pointee.worker else { return nil }
        return Unmanaged<Worker>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Makes the calling thread this worker for the duration of `work`.
    func inhabit(_ work: () -> Void) {
        let outer = tge_self()?.pointee.worker
        tge_self()?.pointee.worker = Unmanaged.passUnretained(self).toOpaque()
        work()
        tge_self()?.pointee.worker = outer
    }

    /// The frame for the next body on this thread, unretained; frames are kept for reuse, one for each level of nesting.
    @inline(__always)
    func pushFrame() -> Unmanaged<BodyFrame> {
        depth += 1
        return depth == 1 ? outermost : nestedFrame()
    }

    @inline(never)
    private func nestedFrame() -> Unmanaged<BodyFrame> {
        if depth - 1 > frames.count { frames.append(BodyFrame()) }
        return .passUnretained(frames[depth - 2])
    }

    func popFrame() {
        depth -= 1
        if depth > 32 { frames.removeLast() }
    }

    /// The frames in use, outermost first.
    var activeFrames: [BodyFrame] { depth == 0 ? [] : [outermost.takeUnretainedValue()] + frames[..<(depth - 1)] }

    /// This worker's counters of an operation.
    func counters(_ record: OperationRecord) -> OperationCounters {
        let index = record.operation.index
        if index < shards.count, let shard = shards[index] { return shard.counters }
        let shard = record.takeShard()
        while shards.count <= index { shards.append(nil) }
        shards[index] = (record, shard)
        return shard
    }

    /// The worker ends: the next one goes on with its counters.
    func giveCountersBack() {
        for case let shard? in shards { shard.record.giveBack(shard.counters) }
        shards = []
    }
}
