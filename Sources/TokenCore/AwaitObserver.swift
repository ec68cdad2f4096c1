//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What a coordinator does about the awaits of its async bodies.
package protocol AwaitObserver: AnyObject, Sendable {
    /// A task of a body is about to await tokens.
    ///
    /// - Parameters:
    ///   - tokens: those that it has not told of before.
    ///   - all: all that it awaits.
    /// - Returns: what `endAwait` is to be called with; 0 for nothing.
    func beginAwait(_ lineage: Lineage, for tokens: [AnyTaskToken], among all: [AnyTaskToken]) -> UInt64

    /// What it awaited has come about, or it does not await it any more.
    func endAwait(_ number: UInt64)

    /// What it awaited has come about, and it wants to go on; returns when it may.
    func comeBack(_ lineage: Lineage) async
}

/// An await of tokens in an async body, of which the body's coordinator is told, so that what the body holds may serve
/// them meanwhile.
///
/// It is over when what is awaited has come about, not when the task has woken up: otherwise a next token could be let in
/// in between, and the task, whose turn it is, would wait for that one.
struct ObservedWait: Sendable {
    private let lineage: Lineage
    private let observer: any AwaitObserver
    private let number: UInt64

    /// Tells the coordinator that the calling task is about to await; nil outside of its async bodies.
    ///
    /// - Parameters:
    ///   - tokens: those that it has not told of before.
    ///   - all: all that it awaits, where that is more.
    init?(for tokens: @autoclosure () -> [AnyTaskToken], among all: [AnyTaskToken]? = nil) {
        guard let lineage = Ambient.current?.lineage, let observer = lineage.observer else { return nil }
        (self.lineage, self.observer) = (lineage, observer)
        let tokens = tokens()
        number = observer.beginAwait(lineage, for: tokens, among: all ?? tokens)
    }

    /// What was awaited has come about, or is not awaited any more.
    ///
    /// Called once, on any thread.
    func isOver() {
        lineage.endBlockedWait()
        observer.endAwait(number)
    }

    /// The task has woken up, after `isOver`.
    func comeBack() async { await observer.comeBack(lineage) }
}
