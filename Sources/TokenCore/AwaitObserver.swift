//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What a coordinator does about the awaits of its async bodies.
package protocol AwaitObserver: AnyObject, Sendable {
    /// A task of a body is about to await tokens.
    func beginAwait(_ lineage: Lineage, for tokens: [AnyTaskToken])

    /// It wants to go on; returns when it may.
    func endAwait(_ lineage: Lineage) async
}

/// Runs `wait`, which awaits tokens; inside an async body its coordinator is told, so that what the body holds may serve
/// them meanwhile.
func observed(_ tokens: @autoclosure () -> [AnyTaskToken], _ wait: () async -> Void) async {
    guard let lineage = Ambient.current?.lineage, let observer = lineage.observer else { return await wait() }
    observer.beginAwait(lineage, for: tokens())
    await wait()
    await observer.endAwait(lineage)
}
