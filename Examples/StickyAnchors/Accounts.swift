//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Balances, without a lock.
///
/// Each user's slot is touched by the bodies of that user's ordered anchor alone, one at a time.
final class Accounts: @unchecked Sendable {
    private let slots: UnsafeMutablePointer<Int>

    init() {
        slots = .allocate(capacity: 16)
        slots.initialize(repeating: 0, count: 16)
    }

    deinit { slots.deallocate() }

    /// Adds to a user's balance and returns it.
    func add(_ amount: Int, to user: Int) -> Int {
        slots[user] += amount
        return slots[user]
    }
}
