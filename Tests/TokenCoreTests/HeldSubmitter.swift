//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import TokenCore

/// A submitter that keeps its tokens until the test runs them: the test is the executor.
final class HeldSubmitter: TokenSubmitter {
    let realm: TokenRealm
    private let kept = Journal<AnyTaskToken>()
    /// How often it was told that a token had been settled by someone else.
    let told = Tally()
    let reserved = Tally()

    init(origin: UInt64 = .random(in: 1...UInt64.max)) {
        realm = TokenRealm(origin: origin)
        realm.attach(self)
    }

    func submit(_ token: AnyTaskToken, claim: PlacementClaim) {
        token.assignNumber(in: realm)
        kept.note(token)
    }

    func reserve(_ token: AnyTaskToken) {
        token.assignNumber(in: realm)
        reserved.add()
    }

    func tokenDidSettle(_ token: AnyTaskToken, from state: TokenState) { told.add() }

    var tokens: [AnyTaskToken] { kept.all }

    /// Runs what it has, in order, on the calling thread; what that submits in turn is run too.
    func runAll() {
        var next = 0
        while next < kept.count {
            kept.all[next].run()
            next += 1
        }
    }
}

/// The submitter of the documentation: a thread for each token.
final class ThreadSubmitter: TokenSubmitter {
    let realm: TokenRealm

    init() {
        realm = TokenRealm(origin: .random(in: 1...UInt64.max))
        realm.attach(self)
    }

    func submit(_ token: AnyTaskToken, claim: PlacementClaim) {
        token.assignNumber(in: realm)
        Thread.detachNewThread { token.run() }
    }
}

struct Sour: Error, Equatable { var number = 0 }
