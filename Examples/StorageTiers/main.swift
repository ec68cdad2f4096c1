//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Bodies that block on storage run on threads of their own, never more at a time than their tier allows. Tokens that
// only compute go on undisturbed meanwhile, and those that wait for a permit occupy no thread.

import Synchronization
import TokenGate

let inside = Gauge()
let save = TaskTokenGuard("save", storage: .slow) { (number: Int) in
    inside.enter()
    defer { inside.leave() }
    blockLikeADisk()
    return number
}
let square = TaskTokenGuard("square", weight: .light) { (n: Int) in n * n }

var configuration = Configuration()
configuration.storageLimits[.slow] = 4
try await withCoordinator(configuration) { coordinator in
    let saves = (1...32).map { save($0) }
    let squares = await gather((1...1_000).map { square($0) })
    let saved = await gather(saves)
    print("\(squares.count) squares, \(saved.count) saves, at most \(inside.peak) saves at once")

    // The limit may change while tokens are under way: nobody inside is disturbed.
    let more = (1...64).map { save($0) }
    try coordinator.setStorageLimit(16, for: .slow)
    print("\(await gather(more).count) saves more, at most \(inside.peak) at once")

    do {
        try coordinator.setStorageLimit(0, for: .slow)
    } catch {
        print(error)
    }
}
