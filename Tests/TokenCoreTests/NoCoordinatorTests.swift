//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import Testing
import TokenCore

/// What depends on the process default: each in a process of its own, since other tests make coordinators.
@Suite struct NoCoordinatorTests {
    @Test("C12 a token made where there is no coordinator settles at once with noCoordinator, naming the operation")
    func noCoordinator() async {
        await #expect(processExitsWith: .success) {
            let token = TaskTokenGuard("lost.operation") { (n: Int) in n }(1)
            #expect(token.state == .failed)
            let error = await #expect(throws: TokenError.self) { try await token.value }
            #expect(error?.code == .noCoordinator)
            #expect(error?.message.contains("lost.operation") == true)
        }
    }

    @Test("The process default is where tokens go when nobody says otherwise, as long as there is one")
    func processDefault() async {
        await #expect(processExitsWith: .success) {
            let guarded = TaskTokenGuard("default.operation") { (n: Int) in n }
            let first = HeldSubmitter()
            let second = HeldSubmitter()
            DefaultSubmitter.set(first)
            #expect(guarded(1).id.origin == first.realm.origin)
            DefaultSubmitter.set(second)
            #expect(guarded(1).id.origin == second.realm.origin)
            #expect((try? await onThread { guarded(1).id.origin }) == second.realm.origin)
            DefaultSubmitter.remove(first)
            #expect(guarded(1).id.origin == second.realm.origin)
            DefaultSubmitter.remove(second)
            #expect(guarded(1).state == .failed)
        }
    }
}
