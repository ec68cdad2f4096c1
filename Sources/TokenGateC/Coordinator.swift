//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
package import CTokenGate
internal import Coordinator
internal import TokenCore

extension Configuration {
    /// What C says: zero is the default, `TG_NONE` none at all.
    init(_ config: tg_config) throws(Failure) {
        self.init()
        func wrong(_ name: String, _ value: some CustomStringConvertible) -> Failure {
            Failure(TG_E_INVALID_CONFIGURATION, "\(name) \(value) is out of range")
        }
        if let mask = config.cpu_mask {
            guard (0...CPUMask.most).contains(config.cpu_mask_size) else {
                throw wrong("cpu_mask_size", UInt(bitPattern: config.cpu_mask_size))
            }
            cpus = try CPUMask.set(UnsafeBufferPointer(start: mask, count: config.cpu_mask_size))
        } else if config.cpu_mask_size != 0 {
            throw .null("cpu_mask, with a cpu_mask_size of \(config.cpu_mask_size),")
        }
        domainOffset = Int(config.domain_offset)
        if config.maximum_domains != 0 { maximumDomains = Int(config.maximum_domains) }
        if config.workers_per_core != 0 { workersPerCore = Int(config.workers_per_core) }
        switch Int(config.pin_mode) {
        case TG_PIN_DEFAULT, TG_PIN_SOFT: pinMode = .soft
        case TG_PIN_NONE: pinMode = .none
        case TG_PIN_HARD: pinMode = .hard
        default: throw wrong("pin_mode", config.pin_mode)
        }
        switch config.heavy_nice {
        case 0: break
        case Int32(TG_NONE): heavyNice = 0
        default: heavyNice = Int(config.heavy_nice)
        }
        if config.event_buffer != 0 { eventBuffer = Int(config.event_buffer) }
        for (speed, limit) in [
            (StorageSpeed.slow, config.storage_limit_slow), (.moderate, config.storage_limit_moderate),
            (.fast, config.storage_limit_fast), (.insane, config.storage_limit_insane),
        ] where limit != 0 { storageLimits[speed] = Int(limit) }
        if config.stack_size != 0 { stackSize = Int(clamping: config.stack_size) }
        if config.idle_thread_time != 0 { idleThreadTime = .nanoseconds(config.idle_thread_time) }
        switch config.anchor_idle_time {
        case 0: break
        case Int64(TG_NONE): anchorIdleTime = .zero
        default: anchorIdleTime = .nanoseconds(config.anchor_idle_time)
        }
        switch config.anchor_idle_capacity {
        case 0: break
        case Int64(TG_NONE): anchorIdleCapacity = 0
        default: anchorIdleCapacity = Int(config.anchor_idle_capacity)
        }
        if config.capacity != 0 { capacity = Int(config.capacity) }
        guard let policy = OverloadPolicy(number: config.overload) else { throw wrong("overload", config.overload) }
        overload = policy
        if config.reserved != 0 { throw wrong("reserved", config.reserved) }
        switch config.aging_time {
        case 0: break
        case Int64(TG_NONE): agingTime = .zero
        case 1...: agingTime = .nanoseconds(config.aging_time)
        default: throw wrong("aging_time", config.aging_time)
        }
        switch config.wait_cycle_time {
        case 0: break
        case Int64(TG_NONE): waitCycleTime = nil
        case 1...: waitCycleTime = .nanoseconds(config.wait_cycle_time)
        default: throw wrong("wait_cycle_time", config.wait_cycle_time)
        }
        historyCapacity = Int(config.history_capacity)
        switch Int(config.adaptation) {
        case TG_ADAPTATION_DEFAULT, TG_ADAPTATION_AUTOMATIC: adaptation = .automatic
        case TG_ADAPTATION_OFF: adaptation = .off
        default: throw wrong("adaptation", config.adaptation)
        }
        do { try validate() } catch { throw Failure(error) }
    }
}

extension OverloadPolicy {
    /// From `TG_OVERLOAD_…`; nil for a number that is none.
    init?(number: Int32) {
        switch Int(number) {
        case TG_OVERLOAD_DEFAULT, TG_OVERLOAD_SUSPEND: self = .suspend
        case TG_OVERLOAD_REJECT: self = .reject
        case TG_OVERLOAD_DROP_OLDEST: self = .dropOldest
        default: return nil
        }
    }
}

/// The coordinator that a handle stands for.
func coordinatorOf(_ handle: OpaquePointer?) throws(Failure) -> OperationsCoordinator {
    try Handles.borrow(handle, .coordinator, "coordinator").takeUnretainedValue()
}

@c @implementation
package func tg_coordinator_create(
    _ config: UnsafePointer<tg_config>?, _ out: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let out = try required(out, "out")
        let configuration = try Configuration(Given(config).checked())
        do {
            out.pointee = Handles.make(try OperationsCoordinator(configuration), .coordinator)
        } catch {
            throw Failure(error)
        }
    }
}

@c @implementation
package func tg_coordinator_start(_ handle: OpaquePointer?, _ error: UnsafeMutablePointer<tg_error>?) -> tg_status {
    attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        do { try coordinator.startBlocking() } catch { throw Failure(error) }
    }
}

private func stop(_ handle: OpaquePointer?, _ timeout: Int64) throws(Failure) -> StopReport {
    let coordinator = try coordinatorOf(handle)
    let timeout = try duration(timeout, "timeout") ?? .nanoseconds(Int64.max)
    try refuseInCallback()
    return coordinator.stopBlocking(timeout: timeout)
}

@c @implementation
package func tg_coordinator_stop(
    _ handle: OpaquePointer?, _ timeout: Int64, _ report: UnsafeMutablePointer<tg_stop_report>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        if let report { try checkRoom(report) }
        let stopped = try stop(handle, timeout)
        guard let report else { return }
        var told = tg_stop_report()
        told.is_complete = stopped.isComplete ? 1 : 0
        told.busy_threads = Int32(clamping: stopped.busyThreads)
        told.abandoned = UInt64(stopped.abandoned.count)
        told.abandoned_executing = UInt64(stopped.abandoned.count { $0.state == .executing })
        told.duration = Int64(clampedAdding: stopped.duration, to: 0)
        give(told, to: report)
    }
}

@c @implementation
package func tg_coordinator_stop_json(
    _ handle: OpaquePointer?, _ timeout: Int64, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    attempt(error) { () throws(Failure) in
        let out = try required(out, "out")
        out.pointee = copied(try json(StopReportJSON(try stop(handle, timeout))))
    }
}

@c @implementation
package func tg_coordinator_destroy(_ handle: OpaquePointer?, _ error: UnsafeMutablePointer<tg_error>?) -> tg_status {
    attempt(error) { () throws(Failure) in
        guard let handle else { return }
        if try coordinatorOf(handle).isCallerInside {
            throw Failure(TG_E_NOT_ALLOWED_HERE, "a coordinator cannot be destroyed from one of its bodies")
        }
        try refuseInCallback()
        let coordinator = try Handles.destroy(handle, .coordinator, "coordinator", as: OperationsCoordinator.self)
        _ = coordinator.stopBlocking(timeout: .zero)
    }
}

@c @implementation
package func tg_coordinator_phase(_ handle: OpaquePointer?) -> Int32 {
    var phase: Int32 = 0
    let status = attempt { () throws(Failure) in phase = try coordinatorOf(handle).phase.number }
    return status == 0 ? phase : status
}

extension LifecyclePhase {
    /// `TG_PHASE_…`.
    var number: Int32 {
        switch self {
        case .idle: Int32(TG_PHASE_IDLE)
        case .running: Int32(TG_PHASE_RUNNING)
        case .draining: Int32(TG_PHASE_DRAINING)
        case .stopped: Int32(TG_PHASE_STOPPED)
        }
    }
}
