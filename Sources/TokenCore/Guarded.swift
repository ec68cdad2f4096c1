//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import Synchronization

/// A value and the lock that protects it: `Mutex` of the `Synchronization` module, plus what thread sanitizer needs.
///
/// The lock's own code lives in the toolchain's library, which is not instrumented, so the sanitizer would report every
/// protected field as a race. An acquire load after locking and a release store before unlocking, both plain moves on
/// x86-64, make the order visible to it.
@usableFromInline
package struct Guarded<Value>: ~Copyable, @unchecked Sendable {
    @usableFromInline let mutex: Mutex<Value>
    @usableFromInline let order = Atomic<UInt8>(0)

    @inlinable
    package init(_ value: consuming sending Value) { mutex = Mutex(value) }

    /// Runs `body` with the lock held.
    ///
    /// Rule: nothing that resumes a waiter, runs a body or calls out happens inside it.
    @inlinable
    @discardableResult
    package borrowing func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try mutex.withLock { value throws(Failure) -> Carried<Result> in
            _ = order.load(ordering: .acquiring)
            defer { order.store(0, ordering: .releasing) }
            return Carried(value: try body(&value))
        }.value
    }
}

/// Lets a result leave the lock: `Mutex` demands a region proof that a generic wrapper cannot give; the callers, all
/// inside this package, take out only values they may share.
@usableFromInline
struct Carried<Value>: @unchecked Sendable {
    @usableFromInline let value: Value

    @inlinable
    init(value: Value) { self.value = value }
}
