//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Later, at a time, after others, not too fast, and once for two callers. What waits takes no worker.

import TokenGate

struct Offline: Error {}

try await withCoordinator { coordinator in
    let clock = ContinuousClock()
    let note = TaskTokenGuard("note") { (text: String) in (text, clock.now) }

    // In a while, or at a time; `after` keeps the two in order.
    let submitted = clock.now
    let later = note.with(delay: .milliseconds(5))("later")
    let (_, ran) = try await later.value
    print("a delay of 5 ms:", submitted.duration(to: ran) >= .milliseconds(5) ? "kept" : "broken")

    let noon = clock.now.advanced(by: .milliseconds(10))
    let (_, struck) = try await note.scheduled(at: noon)("noon").value
    print("at noon:", struck >= noon ? "not before" : "too early")

    // After others. One that fails takes those after it along, unless they are to run anyway.
    let download = TaskTokenGuard("download") { (page: Int) throws in
        if page == 2 { throw Offline() }
        return page
    }
    let pages = (1...3).map { download($0) }
    let index = note.with(after: pages)("index")
    if case .failure(let error as TokenError) = await index.result {
        print("index:", error.code, "by", error.cause.map { "\($0)" } ?? "nothing")
    }
    let cleanUp = note.with(after: pages, afterFailure: .run)("clean up")
    print("clean up:", try await cleanUp.value.0 == "clean up" ? "ran after all three" : "odd")

    // A thousand a second: nine pauses of a millisecond between ten calls.
    let ping = TaskTokenGuard("ping", options: OperationOptions(rate: RateLimit(perSecond: 1_000))) { (_: Int) in }
    let began = clock.now
    _ = await gather((0..<10).map { ping($0) })
    print("ten pings:", began.duration(to: clock.now) >= .milliseconds(9) ? "9 ms or more" : "too fast")

    // One token for two calls, while the first is alive.
    coordinator.pause()  // keeps it alive here; a delay, or much to do, would as well
    let first = note.with(key: "daily")("by ann")
    let second = note.with(key: "daily")("by bob")
    coordinator.resume()
    print("the daily note:", try await second.value.0, first === second ? "(one token)" : "(two tokens)")
}
