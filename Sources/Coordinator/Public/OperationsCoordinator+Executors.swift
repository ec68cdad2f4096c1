//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import TokenCore

extension OperationsCoordinator {
    /// An executor for tasks that are to run in one core domain.
    ///
    /// ```swift
    /// let core = try coordinator.executor(domain: 2)
    /// await withTaskExecutorPreference(core) { await index(files) }
    /// ```
    /// - Parameter domain: its number, from 1 to ``domainCount``.
    /// - Throws: `invalidArgument`, naming the number, where there is no such domain; `coordinatorStopped` where a stop has begun.
    public func executor(domain: Int) throws(TokenError) -> DomainExecutor { try engine.executor(domain: domain) }

    /// An executor for an actor that is to live on the core of an anchor; see ``AnchorExecutor``.
    ///
    /// Each call makes another one, in the same domain as long as the key is in use by any token or executor. It keeps the anchor live
    /// until it is freed, or the coordinator has stopped.
    ///
    /// - Parameter anchor: the key, as of sticky tokens.
    /// - Throws: `invalidArgument` where the key has no bytes; `coordinatorStopped` where a stop has begun.
    public func executor(anchor: some AnchorKey) throws(TokenError) -> AnchorExecutor {
        let made: Result<AnchorExecutor, TokenError> = anchor.withAnchorBytes { bytes in
            do throws(TokenError) { return .success(try engine.executor(anchor: bytes)) } catch {
                return .failure(error)
            }
        }
        return try made.get()
    }
}
