//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Pins a thread and reads the machine, with `Affinity` alone.

import Affinity

let machine = try Machine.current()
let thread = try PinnedThread.spawn(name: "consumer", cpus: machine.domains[0]) { report in
    precondition(report.requested == machine.domains[0])
    precondition(!report.verified || report.actual == machine.domains[0])
    print(report.verified ? "pinned and verified" : "unpinned, and said so")
}
precondition(thread.join())
print("domains \(machine.domains.count), allowed \(machine.allowed.listFormat)")
