//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Foundation

/// How large the large tests are: small enough for every day, unless the environment says otherwise.
public enum Sizes {
    /// Tokens of the ledger: `TOKENGATE_LEDGER_TOKENS`.
    public static var ledger: Int { number("TOKENGATE_LEDGER_TOKENS", 24_000) }
    /// Tokens that wait when a coordinator is stopped: `TOKENGATE_WAITING_TOKENS`.
    public static var waiting: Int { number("TOKENGATE_WAITING_TOKENS", 50_000) }

    /// Bodies that wait inside each other: `TOKENGATE_WAITING_DEPTH`.
    public static var depth: Int { number("TOKENGATE_WAITING_DEPTH", 20_000) }

    /// `usual`, or the part of it that `TOKENGATE_TEST_PERCENT` names (100), at least 1: for tests that repeat themselves.
    public static func part(of usual: Int) -> Int { max(1, usual * number("TOKENGATE_TEST_PERCENT", 100) / 100) }

    private static func number(_ name: String, _ usual: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? usual
    }
}
