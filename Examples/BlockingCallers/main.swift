//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Not every caller is async. Ordinary threads block for a token; bodies may too, at any depth, even with one worker on one
// core: a blocked body runs its own descendants, and its domain gets a spare thread for the rest.

import Foundation
import TokenGate

let sum = TaskTokenGuard("sum") { (numbers: Range<Int>) in numbers.reduce(0, +) }
let nap = TaskTokenGuard("nap", storage: .fast) { (seconds: Double) in Thread.sleep(forTimeInterval: seconds) }

enum Recursive {
    /// Splits its range and waits, inside its body, for both halves: ten levels deep.
    static let sum: TaskTokenGuard<Range<Int>, Int> = TaskTokenGuard("recursive_sum") { (numbers: Range<Int>) throws in
        if numbers.count == 1 { return numbers.lowerBound }
        let middle = numbers.lowerBound + numbers.count / 2
        let halves = [sum(numbers.lowerBound..<middle), sum(middle..<numbers.upperBound)]
        return try waitForAll(halves).reduce(0) { try $0 + $1.get() }
    }
}

/// An ordinary thread's program: no `await` anywhere.
func report() throws {
    print(try sum(1..<1_001).wait())
    print(try waitForAll((0..<4).map { sum($0..<$0 + 3) }).map { try $0.get() })
    print(try Recursive.sum(0..<1_024).wait(timeout: .seconds(60)))

    let long = nap(0.5)
    do {
        try long.wait(timeout: .milliseconds(10))
    } catch let error as TokenError {
        print(error.code)  // the token goes on
    }
    try long.wait()
    print(long.state)
}

var configuration = Configuration()
configuration.maximumDomains = 1
configuration.workersPerCore = 1
try await withCoordinator(configuration) { _ in
    await withCheckedContinuation { done in
        Thread.detachNewThread {
            do { try report() } catch { print("failed:", error) }
            done.resume()
        }
    }
}
