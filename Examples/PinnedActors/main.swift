//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// An actor's state stays in one core's caches when all its jobs run there; so do an async body's, and a task's that prefers a
// domain. The CPUs themselves, which differ from machine to machine, are told on standard error.

import Affinity
import Foundation
import TokenGate

/// Whether code that ran on some CPUs was inside a domain: true where the system does not let threads be pinned.
func isInside(_ cpus: Set<Int>, _ domain: Int, of coordinator: OperationsCoordinator) -> Bool {
    guard let home = coordinator.statistics().domains.first(where: { $0.number == domain }) else { return false }
    FileHandle.standardError.write(Data("  domain \(domain) is CPUs \(home.cpus), seen on \(cpus.sorted())\n".utf8))
    return cpus.allSatisfy(home.cpus.contains) || home.workers.contains { $0.pin?.verified != true }
}

let audit = TaskTokenGuard("audit", locality: .sticky { (owner: String) in owner }) { (owner: String) in
    TokenContext.current?.domain ?? 0
}

try await withCoordinator { coordinator in
    for owner in ["ada", "grace", "linus"] {
        let account = try Account(owner: owner, on: coordinator)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { for amount in 1...50 { await account.deposit(amount) } } }
        }
        let (balance, cpus) = await account.report()
        let home = account.executor.domain
        let isAtHome = isInside(cpus, home, of: coordinator)
        let isWithTokens = try await audit(owner).value == home
        print("\(owner): \(balance), on its core: \(isAtHome), beside its tokens: \(isWithTokens)")
    }

    // A domain runs tasks, too, with their children.
    let executor = try coordinator.executor(domain: 1)
    let cpus = await Task(executorPreference: executor) {
        await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    await Task.yield()
                    return CurrentThread.cpu()
                }
            }
            return await group.reduce(into: Set<Int>()) { if let cpu = $1 { $0.insert(cpu) } }
        }
    }.value
    print("a task and its children in domain 1: \(isInside(cpus, 1, of: coordinator))")

    do {
        _ = try coordinator.executor(domain: 0)
    } catch let error as TokenError {
        print(error.code)
    }
}
