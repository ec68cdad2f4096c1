//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// The decorator; its module brings the others along.

import TokenGateMacros

@TaskTokenGuard("shout", weight: .light)
func shout(_ text: String) -> TaskToken<String> { text.uppercased() }

let text = try await withCoordinator { _ in try await shout("hello").value }
precondition(text == "HELLO")
print(text)
