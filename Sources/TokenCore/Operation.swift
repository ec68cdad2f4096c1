//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A named kind of work, interned: one object for each operation type in the process, never freed.
///
/// Tokens hold it unretained, so handing the name along costs no reference count. Names are meant to be few and known;
/// `limit` bounds them.
@usableFromInline
package final class Operation: Sendable {
    /// The operation type.
    package let name: String
    /// Dense number, from 0: coordinators keep their records in a table by it.
    package let index: Int

    /// Distinct operation types in one process, at most.
    package static let limit = 65_536

    /// Longest operation type, in UTF-8 bytes.
    package static let maximumNameLength = 255

    /// What a guard with a bad operation type carries, so that it still has something to show.
    package static let invalid = Operation(name: "(invalid)", index: -1)

    // Protected by its lock. A table of names is the one thing here that no coordinator can own: a guard is made before
    // it is known where its tokens go.
    private static let names = Guarded<[String: Operation]>([:])

    /// The name of what users do not see: one that `named` refuses.
    package static let hiddenName = ""

    /// What runs the tokens of batches; no guard can have it, control and statistics leave it out.
    package static let batchRunner = Operation(name: hiddenName, index: limit)

    private init(name: String, index: Int) {
        self.name = name
        self.index = index
    }

    /// The operation of that name, or `invalid` and what is wrong with the name.
    @usableFromInline
    static func known(_ name: String) -> (operation: Operation, problem: TokenError?) {
        do {
            return (try named(name), nil)
        } catch {
            return (.invalid, error)
        }
    }

    /// The operation of that name.
    ///
    /// - Throws: `invalidOperationType` when empty or too long, `tooManyOperationTypes` when the table is full.
    package static func named(_ name: String) throws(TokenError) -> Operation {
        try check(name)
        let found: Operation? = names.withLock { table in
            if let known = table[name] { return known }
            guard table.count < limit else { return nil }
            let made = Operation(name: name, index: table.count)
            table[name] = made
            return made
        }
        guard let found else {
            throw TokenError(.tooManyOperationTypes, "\"\(name)\" would be operation type number \(limit + 1)")
        }
        return found
    }

    /// The operation of that name, if there is one: looking for it leaves nothing behind.
    ///
    /// - Throws: `invalidOperationType` when empty or too long.
    package static func existing(_ name: String) throws(TokenError) -> Operation? {
        try check(name)
        return names.withLock { $0[name] }
    }

    private static func check(_ name: String) throws(TokenError) {
        guard !name.isEmpty else {
            throw TokenError(.invalidOperationType, "the operation type \"\" is empty")
        }
        guard name.utf8.count <= maximumNameLength else {
            throw TokenError(
                .invalidOperationType,
                "the operation type \"\(name.prefix(40))…\" has \(name.utf8.count) bytes, more than \(maximumNameLength)"
            )
        }
    }
}
