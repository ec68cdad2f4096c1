//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// A core runs one body at a time. Where bodies block without saying so while tokens wait, it gets more threads; where one
// runs on after its time, another thread takes its place.

import Dispatch
import Synchronization
import TokenGate

let arrived = Atomic<Int>(0)
let everyone = DispatchSemaphore(value: 0)
let over = DispatchSemaphore(value: 0)

/// Blocks until four have come.
let meet = TaskTokenGuard("meet") { (number: Int) in
    if arrived.add(1, ordering: .relaxed).newValue == 4 { for _ in 0..<4 { everyone.signal() } }
    everyone.wait()
    return number
}
let hang = TaskTokenGuard("hang", options: OperationOptions(runTimeout: .milliseconds(50))) { over.wait() }
let square = TaskTokenGuard("square") { (n: Int) in n * n }

var configuration = Configuration()
configuration.maximumDomains = 1
try await withCoordinator(configuration) { coordinator in
    let events = coordinator.events
    let met = await gather((1...4).map { meet($0) })
    print("\(met.count) bodies met on one core")
    for await event in events {
        guard case .workersChanged(_, let crew, let from, let to, let reason) = event.kind else { continue }
        print("\(crew): \(from) to \(to), \(reason.prefix { $0 != ":" })")
        if to == 4 { break }
    }

    let hanging = hang()
    if case .failure(let error as TokenError) = await hanging.result { print("hang: \(error.code)") }
    let overrun = coordinator.statistics().domains.flatMap(\.workers).filter(\.isOverrun)
    print("\(try await square(7).value) beside \(overrun.count) overrun worker")
    over.signal()
}
