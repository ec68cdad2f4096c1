//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Sticky placement over any set of workers, with `Routing` alone.

import Routing

let hash = AnchorHash("user:42")
precondition(hash.rawValue == 0x9FC1_E605_FA71_74AA)  // the same in every process, version and language

var table = AnchorTable<Int>(idleCapacity: 100, idleTime: 1_000)
let first = table.arrive(hash, ordered: true, waiter: 1, now: 0) { Rendezvous.home(of: hash, domains: 4, slack: 4) }
let second = table.arrive(hash, ordered: true, waiter: 2, now: 0) { 0 }
precondition(first.domain == second.domain && first.turn == .granted && second.turn == .queued)
precondition(table.passTurn(hash) == 2)

var permits = try Permits<Int>(limit: 1)
precondition(permits.acquire(1) && !permits.acquire(2))
precondition(permits.release() == 2)
print("user:42 lives in domain \(first.domain + 1) of 4")
