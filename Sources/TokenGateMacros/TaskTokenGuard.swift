//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Makes a call of a function a submission: the function returns a token, its body runs on a worker.
///
/// ```swift
/// @TaskTokenGuard("string_ops", weight: .light)
/// func stringOp(_ text: String) -> TaskToken<Int> { text.count }
///
/// let token = stringOp("hello")  // at once; nothing ran on this thread
/// ```
/// What a guard may ask for, a decorated function may:
///
/// ```swift
/// @TaskTokenGuard("fetch", storage: .slow, options: OperationOptions(retry: RetryPolicy(attempts: 3), timeout: .seconds(10)))
/// func fetch(_ url: String) -> TaskToken<String> { try download(url) }
/// ```
/// The body is written as that of a function that returns what the token yields. It may throw, whether the function says
/// so or not: the error settles the token. It may `await`, be it in a branch of `#if` that is not compiled: then it runs as
/// an async body, and the function stays synchronous all the same. Parameters and `self` reach it as they were at the call,
/// and must be `Sendable`.
///
/// Functions, static and instance methods of any number of parameters can be decorated, local and generic ones too;
/// access level, availability, `throws` and other attributes stay as written. Not `async` functions (the call waits for
/// nothing), `mutating` methods and `inout` parameters (the body runs after the call has returned).
///
/// The result is written as `TaskToken<R>`: neither a typealias nor an optional token. A function is decorated once, and not
/// inside another decorated function. A misspelt or repeated argument is reported by the compiler, at the parenthesis or the
/// argument ("incorrect argument label in macro expansion"); what it says of the result type then goes away with that.
///
/// A call asks for nothing of its own: for a delay, a key, `after:`, a time limit of one call, a wait for a place
/// (`submit`), `.sticky(atOnce:)`, batches or a coordinator (`on:`) use a guard, which may have the same name. Above its capacity a call
/// is rejected, unless `overload:` says otherwise.
///
/// The operation is made once, at the first call. In generic functions, generic types, extensions, and where `Self`
/// stands in the result or in an argument, each call makes its guard anew, which costs more; it is one operation all the
/// same. The arguments are evaluated where the guard is made. A bad one that the compiler cannot see settles each token
/// with an error that names the value, as with the guard of the same name.
///
/// - Parameters:
///   - operationType: the operation's name: 1 to 255 UTF-8 bytes.
///   - weight: how much processor time a call is expected to take; medium by default.
///   - storage: the storage tier the body works on; nil (the default) for bodies that only compute.
///   - anchor: a key; all tokens of the operation run in one core domain, chosen by it. Not together with
///     `externalCalls`.
///   - ordered: whether the tokens of the anchor also run one at a time, in submission order; false by default. Needs an
///     anchor.
///   - externalCalls: the operation types that the body calls, which makes the operation a lead: all that is submitted
///     while it runs carries its seed and runs in its core domain. At least one.
///   - options: what the operation asks for beyond that: retry, time limits, rate, breaker, concurrency, capacity, priority;
///     nil (the default) for nothing.
@attached(body)
public macro TaskTokenGuard(
    _ operationType: String, weight: Weight = .medium, storage: StorageSpeed? = nil, anchor: (any AnchorKey)? = nil,
    ordered: Bool = false, externalCalls: [String] = [], options: OperationOptions? = nil
) = #externalMacro(module: "TokenGateMacrosPlugin", type: "TaskTokenGuardMacro")

/// Makes a call of a function a submission; tokens with the same key run in the same core domain.
///
/// ```swift
/// @TaskTokenGuard("deposit", anchorBy: { (user: Int) in user }, ordered: true)
/// func deposit(_ amount: Int, to user: Int) -> TaskToken<Int> { accounts.add(amount, to: user) }
/// ```
/// In an instance method, `anchorBy` can also be a key path from `self`: `anchorBy: \Account.id`; in the declaration of a
/// struct, class or actor, that is, for in extensions and enums the compiler answers "circular reference". All else is as with
/// `TaskTokenGuard(_:weight:storage:anchor:ordered:externalCalls:options:)`.
///
/// - Parameters:
///   - operationType: the operation's name: 1 to 255 UTF-8 bytes.
///   - weight: how much processor time a call is expected to take; medium by default.
///   - storage: the storage tier the body works on; nil (the default) for bodies that only compute.
///   - anchorBy: computes the key of a call, on the submitting thread: a closure whose parameters have the names and
///     types of those parameters of the function that it needs. Must be quick, and yield bytes that are not empty.
///   - ordered: whether tokens of one key also run one at a time, in submission order; false by default.
///   - externalCalls: not to be used; here so that the mix is reported for what it is.
///   - options: what the operation asks for beyond that; nil (the default) for nothing.
@attached(body)
public macro TaskTokenGuard<each Parameter>(
    _ operationType: String, weight: Weight = .medium, storage: StorageSpeed? = nil,
    anchorBy: (repeat each Parameter) -> any AnchorKey, ordered: Bool = false, externalCalls: [String] = [],
    options: OperationOptions? = nil
) = #externalMacro(module: "TokenGateMacrosPlugin", type: "TaskTokenGuardMacro")
