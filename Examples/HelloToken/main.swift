//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

let shout = TaskTokenGuard("shout", weight: .light) { (text: String) in text.uppercased() }
let divide = TaskTokenGuard("divide") { (a: Int, b: Int) throws in
    if b == 0 { throw TokenError(.invalidArgument, "\(a) cannot be divided by 0") }
    return a / b
}

try await withCoordinator { coordinator in
    let token = shout("hello, core")  // TaskToken<String>, at once; nothing ran on this thread
    print(try await token.value)

    let results = await gather((0...3).map { divide(12, $0) })  // one failure spoils nothing
    for result in results { print(result) }

    print(coordinator.statistics().counts.settled, "tokens settled")
}
