//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A submitter that can be used without taking a reference to it, by whoever knows that its holder stays: a constant that is
/// always there can, one in an optional cannot.
final class SubmitterHolder: Sendable {
    let submitter: any TokenSubmitter

    init(_ submitter: any TokenSubmitter) { self.submitter = submitter }
}
