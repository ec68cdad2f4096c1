//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// How the cost of a token grows with how many are submitted at once.
struct GrowthTokens: Growth {
    let name = "growth-tokens"
    let title = "time a token, with so many submitted by one thread and gathered"
    let unit = "tokens"
    let full = [1_000, 10_000, 100_000, 1_000_000, 4_194_304, 10_000_000]

    var contenders: [any Contender<Int>] { [W1TokenGate()] }

    func tokens(_ input: Int) -> Int { input }
}
