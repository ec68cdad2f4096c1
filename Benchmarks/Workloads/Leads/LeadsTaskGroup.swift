//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// A group of groups.
struct LeadsTaskGroup: Contender {
    let name = "TaskGroup of TaskGroups"

    func measure(_ families: Families) async -> Sample {
        await families.measure { memory, value in
            await withTaskGroup(of: UInt64.self) { leads in
                for set in 0..<families.sets {
                    leads.addTask {
                        memory.update(set, by: value)
                        return await withTaskGroup(of: UInt64.self) { children in
                            for number in 0..<families.children {
                                children.addTask { memory.sum(set) &+ UInt64(number) }
                            }
                            return await children.reduce(0, &+)
                        }
                    }
                }
                return await leads.reduce(0, &+)
            }
        }
    }
}
