//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// An error of one type that stands for several kinds of failure, told apart where failures are counted by kind.
package protocol FailureOfAKind: Error {
    /// A few words; of few different ones in all, since each kind has a count of its own.
    var failureKind: String { get }
}
