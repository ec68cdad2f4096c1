//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import TokenGate

/// An actor that lives on the core of its owner's anchor.
actor Account {
    nonisolated let executor: AnchorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private var balance = 0
    private var cpus: Set<Int> = []

    init(owner: String, on coordinator: OperationsCoordinator) throws {
        executor = try coordinator.executor(anchor: owner)
    }

    func deposit(_ amount: Int) async {
        balance += amount
        look()
        await Task.yield()  // anything may happen meanwhile, but not on another core
        look()
    }

    func report() -> (balance: Int, cpus: Set<Int>) { (balance, cpus) }

    private func look() { if let cpu = CurrentThread.cpu() { cpus.insert(cpu) } }
}
