//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import TokenCore

extension OperationsCoordinator {
    /// Starts the coordinator with one worker that has no thread, and lends it to `work`, which steps it.
    ///
    /// For harnesses that count instructions: all that happens to a token happens on one thread, in a known order, and nobody
    /// waits in a loop. For heavy and storage tokens, and for bodies that wait, the coordinator makes threads all the same.
    /// Async tokens are not stepped, nor is anything once a job of theirs is there: it waits until the end, when the coordinator
    /// makes a thread for what is left. A stop that `work` waits for takes all of its time, since the worker does not end.
    ///
    /// - Parameter work: gets a function that runs all tokens in the worker's mailboxes, and answers how many those were. It
    ///   works on the thread that called, which counts as a worker meanwhile.
    /// - Throws: `coordinatorStopped` when it was started or stopped before, `invalidConfiguration` when it has several domains.
    @_spi(Stepping) public func withSteps<Result>(
        _ work: (_ step: () -> Int) async throws -> Result
    ) async throws -> Result {
        let worker = try engine.startStepped()
        do {
            let result = try await work { engine.step(worker) }
            engine.endStepped(worker)
            return result
        } catch {
            engine.endStepped(worker)
            throw error
        }
    }
}
