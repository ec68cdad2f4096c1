//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Everything, with the usual import.

import TokenGate

let shout = TaskTokenGuard("shout", weight: .light) { (text: String) in text.uppercased() }
let text = try await withCoordinator { _ in try await shout("hello").value }
precondition(text == "HELLO")

let machine = try Machine.current()  // Affinity
let home = Rendezvous.home(of: AnchorHash("user:42"), domains: 4, slack: 4)  // Routing
print("\(text), \(machine.domains.count > 0), \(home + 1)")
