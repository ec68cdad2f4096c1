//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Not for longer than so: in the queue, in the body, in all; with who awaits it; and as long as a stop leaves.

import TokenGate

/// What became of a token, in a word.
func ending(of token: TaskToken<some Sendable>) async -> String {
    if case .failure(let error as TokenError) = await token.result { "\(error.code)" } else { "\(token.state)" }
}

/// Goes on until nobody wants it any more.
@Sendable func workForEver(_: Int) throws {
    while true { try TokenContext.checkCancellation() }
}

try await withCoordinator { coordinator in
    // Waits for a worker in vain, and never runs.
    let queued = TaskTokenGuard("queued", options: OperationOptions(queueTimeout: .milliseconds(5))) { (_: Int) in
        print("nobody sees this")
    }
    try coordinator.pause("queued")
    print("queue timeout:", await ending(of: queued(0)))

    // The token settles on time; its body is told by `checkCancellation()`, and throws.
    let running = TaskTokenGuard("running", options: OperationOptions(runTimeout: .milliseconds(5)), workForEver)
    print("run timeout:", await ending(of: running(0)))

    // From its submission, whatever it does: here it waits for its time.
    let whole = TaskTokenGuard("whole", options: OperationOptions(timeout: .milliseconds(5))) { (_: Int) in }
    print("timeout:", await ending(of: whole.with(delay: .seconds(3_600))(0)))
    let free = TaskTokenGuard("free", workForEver)
    print("timeout of one call:", await ending(of: free.with(timeout: .milliseconds(5))(0)))

    // Nobody else wants it: the task that awaits it takes it along.
    let owned = TaskTokenGuard("owned", options: OperationOptions(cancelsTokenOnCancel: true), workForEver)
    let token = owned(0)
    let reader = Task { try await token.value }
    reader.cancel()
    _ = await reader.result
    print("cancelled with its reader:", await ending(of: token))
}

// A stop tells those that run how long it waits for them.
let coordinator = try OperationsCoordinator()
try await coordinator.start()
let backup = TaskTokenGuard("backup", on: coordinator) { (_: Int) in
    while TokenContext.current?.isDraining == false {}
    guard let left = TokenContext.current?.timeRemaining else { return "no stop in sight" }
    return left > .seconds(60) ? "time enough to finish" : "only time to note where it was"
}
let saved = backup(0)
while saved.state != .executing { await Task.yield() }
let report = await coordinator.stop(timeout: .seconds(600))
print("stop:", try await saved.value, report.isClean ? "(clean)" : "(not clean)")
