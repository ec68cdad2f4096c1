//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A balance without a lock: only the bodies of its account's ordered anchor touch it, one at a time.
final class Journal: @unchecked Sendable {
    private var balance = 0

    /// Adds to the balance and returns it.
    func add(_ amount: Int) -> Int {
        balance += amount
        return balance
    }
}
