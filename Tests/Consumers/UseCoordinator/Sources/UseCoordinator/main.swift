//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// The whole engine, with `Coordinator` alone.

import Coordinator

var configuration = Configuration()
configuration.maximumDomains = 1
let coordinator = try OperationsCoordinator(configuration)
try await coordinator.start()
precondition(coordinator.phase == .running && coordinator.domainCount == 1)
coordinator.pause()
precondition(coordinator.resume())

let statistics = coordinator.statistics()
precondition(statistics.counts.submitted == 0 && statistics.openLeases == 0)
let report = await coordinator.stop(timeout: .seconds(5))
precondition(report.isClean)
print("ran with \(statistics.domains[0].workers.count) worker, stopped clean")
