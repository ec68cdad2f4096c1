//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

package import CTokenGate
internal import Coordinator
internal import TokenCore

/// A reputation as JSON.
private struct HealthJSON: Encodable {
    let operationType: String
    let health: Reputation.Health
    let runs: UInt64
    let completed: UInt64
    let failed: UInt64
    let timedOut: UInt64
    let successRate: Double?
    let medianWaitNanoseconds: Int64
    let medianRunNanoseconds: Int64
    let longestRunNanoseconds: Int64
    let failures: [Reputation.FailureKind]
    let isBlocked: Bool
    let isBreakerOpen: Bool
    let isBreakerHalfOpen: Bool
    let recommendation: String

    init(_ reputation: Reputation) {
        operationType = reputation.operationType
        health = reputation.health
        runs = reputation.runs
        completed = reputation.completed
        failed = reputation.failed
        timedOut = reputation.timedOut
        successRate = reputation.successRate
        medianWaitNanoseconds = Int64(clampedAdding: reputation.medianWait, to: 0)
        medianRunNanoseconds = Int64(clampedAdding: reputation.medianRun, to: 0)
        longestRunNanoseconds = Int64(clampedAdding: reputation.longestRun, to: 0)
        failures = reputation.failures
        isBlocked = reputation.isBlocked
        isBreakerOpen = reputation.isBreakerOpen
        isBreakerHalfOpen = reputation.isBreakerHalfOpen
        recommendation = reputation.recommendation
    }
}

extension Reputation.Health {
    /// `TG_HEALTH_…`.
    fileprivate var number: Int32 {
        switch self {
        case .unknown: Int32(TG_HEALTH_UNKNOWN)
        case .problematic: Int32(TG_HEALTH_PROBLEMATIC)
        case .atRisk: Int32(TG_HEALTH_AT_RISK)
        case .healthy: Int32(TG_HEALTH_HEALTHY)
        case .excellent: Int32(TG_HEALTH_EXCELLENT)
        }
    }
}

extension tg_health {
    fileprivate init(_ reputation: Reputation) {
        self.init()
        health = reputation.health.number
        is_blocked = reputation.isBlocked ? 1 : 0
        is_breaker_open = reputation.isBreakerOpen ? 1 : 0
        is_breaker_half_open = reputation.isBreakerHalfOpen ? 1 : 0
        runs = reputation.runs
        completed = reputation.completed
        failed = reputation.failed
        timed_out = reputation.timedOut
        success_rate = reputation.successRate ?? -1
        median_wait = Int64(clampedAdding: reputation.medianWait, to: 0)
        median_run = Int64(clampedAdding: reputation.medianRun, to: 0)
        longest_run = Int64(clampedAdding: reputation.longestRun, to: 0)
        withUnsafeMutableBytes(of: &recommendation) { copyText(reputation.recommendation, to: $0) }
    }
}

private func reputation(
    _ handle: OpaquePointer?, _ operationType: UnsafePointer<CChar>?
) throws(Failure) -> Reputation {
    let coordinator = try coordinatorOf(handle)
    let name = try operationName(operationType)
    let found: Reputation?
    do { found = try coordinator.reputation(of: name) } catch { throw Failure(error) }
    guard let found else { throw Failure(TG_E_NOT_AVAILABLE, "\"\(name)\" was never submitted here") }
    return found
}

@c @implementation
package func tg_coordinator_health(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<tg_health>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let reputation = try reputation(handle, operation_type)
        let out = try required(out, "out")
        try checkRoom(out)
        give(tg_health(reputation), to: out)
    }
}

@c @implementation
package func tg_coordinator_health_json(
    _ handle: OpaquePointer?, _ operation_type: UnsafePointer<CChar>?,
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        if operation_type == nil {
            let reputations = try coordinatorOf(handle).reputations()
            try required(out, "out").pointee = copied(try json(reputations.map(HealthJSON.init)))
        } else {
            let reputation = try reputation(handle, operation_type)
            try required(out, "out").pointee = copied(try json(HealthJSON(reputation)))
        }
    }
}
