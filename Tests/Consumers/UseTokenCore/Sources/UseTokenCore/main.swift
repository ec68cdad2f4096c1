//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Awaitable tokens over an executor of one's own, with `TokenCore` alone.

import Foundation
import TokenCore

/// Runs each token on a thread of its own.
final class ThreadPerToken: TokenSubmitter {
    let realm = TokenRealm(origin: 1)

    func submit(_ token: AnyTaskToken, claim: PlacementClaim) {
        token.assignNumber(in: realm)
        Thread.detachNewThread { token.run() }
    }
}

let executor = ThreadPerToken()
executor.realm.attach(executor)
let square = TaskTokenGuard("square", on: executor) { (n: Int) in n * n }

let squares = await gather((1...4).map { square($0) }).map { try? $0.get() }
precondition(squares == [1, 4, 9, 16])
let doubled = try await square(5).map { $0 * 2 }.value
precondition(doubled == 50)
print("squares \(squares.compactMap { $0 }), doubled \(doubled)")
