//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// A result is a value: of many tokens some may fail, be killed or be discarded, and the others are not touched by it.

import TokenGate

struct Unreadable: Error, CustomStringConvertible {
    var page: Int
    var description: String { "page \(page) is unreadable" }
}

let fetch = TaskTokenGuard("fetch") { (page: Int) throws in
    if page.isMultiple(of: 4) { throw Unreadable(page: page) }
    return "page \(page)"
}

let coordinator = try OperationsCoordinator()

// Tokens made before the start wait; one of them is killed while it does.
let tokens = (1...6).map { fetch($0) }
tokens[1].kill()
try await coordinator.start()

for (page, result) in zip(1..., await gather(tokens)) {
    switch result {
    case .success(let text): print(text)
    case .failure(let error as TokenError): print("page \(page): \(error.code)")
    case .failure(let error): print(error)
    }
}

// As they finish: here only how many, since their order is theirs.
var good = 0
for await completion in completions(of: (1...100).map { fetch($0) }) where (try? completion.get()) != nil { good += 1 }
print("\(good) of 100 pages")

// Derived tokens: a failure passes through.
let length = fetch(7).map { $0.count }
let pair = fetch(10).zip(fetch(8))
print(try await length.value, "letters;", await pair.result)

// What a pause holds can be discarded: it settles at once, and never runs.
try coordinator.pause("fetch")
let held = fetch(11)
print(try coordinator.discardWaiting("fetch"), "discarded:", held.isSettled)

await coordinator.stop()
do {
    print(try await fetch(1).value)
} catch let error as TokenError {
    print("after the stop:", error.code)
}
