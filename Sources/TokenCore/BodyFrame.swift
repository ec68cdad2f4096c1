//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution

/// The innermost synchronous body on a thread, as code inside it finds it.
///
/// A worker owns a few of these and reuses them, so running a token allocates nothing. Only the thread it is installed
/// on touches it.
package final class BodyFrame {
    @exclusivity(unchecked) package private(set) unowned(unsafe) var token: AnyTaskToken?
    @exclusivity(unchecked) package private(set) unowned(unsafe) var submitter: (any TokenSubmitter)?
    @exclusivity(unchecked) package private(set) var domain = 0
    @exclusivity(unchecked) private var made: Lineage?
    @exclusivity(unchecked) private var outer: UnsafeMutableRawPointer?

    package init() {}

    /// The calling thread's innermost body.
    package static var current: BodyFrame? {
        guard let frame = thisThread.pointee.frame else { return nil }
        return Unmanaged<BodyFrame>.fromOpaque(frame).takeUnretainedValue()
    }

    /// Whether the calling thread runs a body.
    static var isInside: Bool { thisThread.pointee.frame != nil }

    /// Makes this the thread's innermost body.
    package func enter(_ token: AnyTaskToken, submitter: any TokenSubmitter, domain: Int) {
        self.token = token
        self.submitter = submitter
        self.domain = domain
        let thread = thisThread
        outer = thread.pointee.frame
        thread.pointee.frame = Unmanaged.passUnretained(self).toOpaque()
    }

    /// The body has returned: nothing of it may leak into the next job of this thread.
    package func leave() {
        thisThread.pointee.frame = outer
        outer = nil
        token = nil
        submitter = nil
        renew()
    }

    /// The token runs the next of several bodies: what the last one submitted does not descend from it.
    package func renew() {
        if let lineage = made {
            made = nil
            lineage.finish()
        }
    }

    /// What children of this body descend from.
    package var lineage: Lineage? {
        if let made { return made }
        guard let token, let submitter else { return nil }
        let lineage = Lineage(of: token, submitter: submitter, domain: domain)
        made = lineage
        token.lineageWasMade()
        return lineage
    }

    /// Hides the thread's bodies while it runs something that is not part of them.
    package static func hidden<Result>(_ work: () -> Result) -> Result {
        let saved = thisThread.pointee.frame
        thisThread.pointee.frame = nil
        defer { thisThread.pointee.frame = saved }
        return work()
    }

    /// Calls what is not part of the bodies on this thread, if there are any: nobody's context, lead or coordinator is its own.
    package static func outside(_ callback: () -> Void) {
        if thisThread.pointee.frame == nil, Ambient.current == nil { return callback() }
        hidden { Ambient.$current.withValue(nil, operation: callback) }
    }

    /// Runs `work` as the body of `token` on a thread that no coordinator owns.
    static func running(_ token: AnyTaskToken, _ work: () -> Void) {
        guard let submitter = token.realm?.submitter else { return work() }
        let frame = BodyFrame()
        frame.enter(token, submitter: submitter, domain: 0)
        defer { frame.leave() }
        if token.lineage?.lead != nil, let lineage = frame.lineage {
            Ambient.withLineage(lineage, work)
        } else {
            work()
        }
    }
}

/// What async code inherits: the body it belongs to, and the coordinator its surroundings chose.
///
/// An object, so that looking at it costs one reference count and no copy.
package final class Ambient: Sendable {
    package let lineage: Lineage?
    private let holder: SubmitterHolder?

    package init(lineage: Lineage? = nil, scope: (any TokenSubmitter)? = nil) {
        self.lineage = lineage
        holder = scope.map(SubmitterHolder.init)
    }

    package var scope: (any TokenSubmitter)? { holder?.submitter }

    @TaskLocal package static var current: Ambient?

    /// Hands a token of no body over to the coordinator of the surroundings; false where this is a body, or there is none.
    func submitOutsideBodies(_ token: AnyTaskToken) -> Bool {
        guard lineage == nil, let holder else { return false }
        Unmanaged.passUnretained(holder)._withUnsafeGuaranteedRef { $0.submitter.submit(token, claim: .free) }
        return true
    }

    /// Binds a body's lineage for the duration of `work`, for tasks that it starts.
    package static func withLineage<Result>(_ lineage: Lineage, _ work: () -> Result) -> Result {
        $current.withValue(Ambient(lineage: lineage, scope: current?.scope)) { work() }
    }
}

/// Runs `body` with `submitter` as the place where its tokens go, unless they are made inside a body of another.
package func withAmbientSubmitter<Result>(
    _ submitter: any TokenSubmitter,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Result
) async rethrows -> Result {
    try await Ambient.$current.withValue(Ambient(lineage: Ambient.current?.lineage, scope: submitter)) {
        try await body()
    }
}

/// The calling thread's record.
///
/// Never kept across a suspension point.
var thisThread: UnsafeMutablePointer<tge_thread> { tge_self().unsafelyUnwrapped }
