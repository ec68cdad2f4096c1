//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import TokenCore

/// Waits until a token is settled; false when it does not within the limit, so that a deadlock fails a test instead of
/// hanging it.
public func settles(_ token: AnyTaskToken, within limit: Duration = .seconds(240)) async -> Bool {
    await eventually(within: limit) { token.isSettled }
}

/// Waits until all tokens are settled.
public func settle(_ tokens: [AnyTaskToken], within limit: Duration = .seconds(240)) async -> Bool {
    await eventually(within: limit) { tokens.allSatisfy(\.isSettled) }
}
