//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// A child task an update, a lock a state.
///
/// Not a discarding group: that looks for each child that ends among all that live, and takes minutes for 400,000.
struct W5TaskGroup: Contender {
    let name = "TaskGroup + lock"

    func measure(_ updates: Updates) async -> Sample {
        let locks = Locks(updates.states)
        return await updates.measure { memory, count in
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<count {
                    group.addTask {
                        let state = index % memory.count
                        locks.with(state) { memory.update(state, by: UInt64(index) &+ 1) }
                    }
                }
            }
        }
    }
}

/// A child task an update, an actor a state.
struct W5Actors: Contender {
    actor Owner {
        let memory: States
        let state: Int

        init(_ memory: States, _ state: Int) {
            self.memory = memory
            self.state = state
        }

        func update(by value: UInt64) { memory.update(state, by: value) }
    }

    let name = "TaskGroup + actors"

    func measure(_ updates: Updates) async -> Sample {
        await updates.measure { memory, count in
            let owners = (0..<memory.count).map { Owner(memory, $0) }
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<count {
                    let owner = owners[index % owners.count]
                    group.addTask { await owner.update(by: UInt64(index) &+ 1) }
                }
            }
        }
    }
}
