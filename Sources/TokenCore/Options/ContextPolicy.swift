//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What a token brings along from the place where it was submitted.
///
/// ```swift
/// enum Trace { @TaskLocal static var id: String? }
/// let store = TaskTokenGuard("store", options: OperationOptions(context: .captured)) { (row: String) in
///     print("storing", row, "for", Trace.id ?? "nobody")  // as bound around the call
/// }
/// let token = Trace.$id.withValue("request 7") { store("a") }
/// ```
/// Run: `Examples/Context`.
public struct ContextPolicy: Sendable, Hashable {
    let isCaptured: Bool

    /// Nothing: what the body submits descends from it, and that is all.
    public static let none = ContextPolicy(isCaptured: false)

    /// All task-locals that are bound there, `ServiceContext.current` among them, and the priority of the submitting task: the
    /// body, synchronous or async, each attempt of it, and its child tasks find them as if they were called there.
    ///
    /// On a thread without a task these are the task-locals bound by `withValue` around the call. Cancellation of the submitting task is not
    /// passed on. The values are kept until the token is settled and its body has ended. A call costs a task more, and a synchronous body
    /// runs as an async one does (Docs/Options.md).
    public static let captured = ContextPolicy(isCaptured: true)
}
