//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import CForeign
package import CTokenGate
internal import Coordinator
internal import Synchronization
internal import TokenCore

/// A subscription: a thread of its own reads the events and calls back.
final class Subscription: Sendable {
    private let events: EventSubscription
    private let thread: PinnedThread

    init(
        _ events: EventSubscription,
        _ callback: @escaping @convention(c) (UnsafePointer<tg_event>?, UnsafeMutableRawPointer?) -> Void,
        _ userData: SendablePointer, _ owner: Owned?
    ) throws(Failure) {
        self.events = events
        // The thread lets the user's data go when it has made its last call.
        let owner = Guarded<Owned?>(owner)
        do {
            thread = try PinnedThread.spawn(name: "tg-events", cpus: nil) { _ in
                while let event = events.nextBlocking() {
                    event.withC { event in
                        withUnsafePointer(to: event) { pointer in callback(pointer, userData.pointer) }
                    }
                }
                let last = owner.withLock { owner in
                    defer { owner = nil }
                    return owner
                }
                _ = last
            }
        } catch {
            throw Failure(error)
        }
    }

    var dropped: UInt64 { events.dropped }

    /// Ends it, and waits for the callback that runs, unless this is it.
    func end() {
        events.finish()
        if !thread.join() { thread.detach() }
    }
}

/// A pointer that is the user's to share.
struct SendablePointer: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
}

extension Event {
    /// Calls `body` with the event as C sees it.
    fileprivate func withC(_ body: (tg_event) -> Void) {
        var event = tg_event()
        event.struct_size = MemoryLayout<tg_event>.size
        event.sequence = sequence
        event.time = time
        event.state = -1
        event.phase = -1
        func call(_ kind: Int, _ operationType: String? = nil, detail: String? = nil, seed: [UInt8]? = nil) {
            event.kind = Int32(kind)
            withOptionalCString(operationType) { name in
                withOptionalCString(detail) { detail in
                    (seed ?? []).withUnsafeBufferPointer { bytes in
                        event.operation_type = name
                        event.detail = detail
                        event.seed = seed == nil ? nil : bytes.baseAddress
                        body(event)
                    }
                }
            }
        }
        switch kind {
        case .token(let id, let operationType, let state, let domain):
            event.id = tg_token_id(id)
            event.state = state.number
            event.domain = UInt32(domain ?? 0)
            call(TG_EVENT_TOKEN, operationType)
        case .lateResult(let id, let operationType):
            event.id = tg_token_id(id)
            call(TG_EVENT_LATE_RESULT, operationType)
        case .leaseOpened(let seed, let lead, let domain), .leaseReleased(let seed, let lead, let domain):
            event.id = tg_token_id(lead)
            event.domain = UInt32(domain)
            let isOpened = if case .leaseOpened = kind { true } else { false }
            call(isOpened ? TG_EVENT_LEASE_OPENED : TG_EVENT_LEASE_RELEASED, seed: seed.bytes)
        case .workerStarted(let domain, let crew, let number, let pin):
            event.domain = UInt32(domain)
            call(TG_EVENT_WORKER_STARTED, detail: "\(crew) \(number): \(pin)")
        case .workerEnded(let domain, let crew, let number):
            event.domain = UInt32(domain)
            call(TG_EVENT_WORKER_ENDED, detail: "\(crew) \(number)")
        case .threadRefused(let domain, let crew, let error):
            event.domain = UInt32(domain)
            call(TG_EVENT_THREAD_REFUSED, detail: "\(crew): \(error)")
        case .retrying(let id, let operationType, let attempt, let delay, let error):
            event.id = tg_token_id(id)
            event.attempt = Int64(attempt)
            event.delay = Int64(clampedAdding: delay, to: 0)
            call(TG_EVENT_RETRYING, operationType, detail: error)
        case .breakerOpened(let operationType, let time):
            event.delay = Int64(clampedAdding: time, to: 0)
            call(TG_EVENT_BREAKER_OPENED, operationType)
        case .breakerHalfOpen(let operationType): call(TG_EVENT_BREAKER_HALF_OPEN, operationType)
        case .breakerClosed(let operationType): call(TG_EVENT_BREAKER_CLOSED, operationType)
        case .waitCycle(let links):
            if let id = links.first?.id { event.id = tg_token_id(id) }
            call(
                TG_EVENT_WAIT_CYCLE, links.first?.operationType,
                detail: links.map { "\($0.id) \"\($0.operationType)\" (\($0.reason.rawValue))" }.joined(
                    separator: " -> "))
        case .workerOverrun(let domain, let crew, let number, let id, let operationType):
            event.id = tg_token_id(id)
            event.domain = UInt32(domain)
            call(TG_EVENT_WORKER_OVERRUN, operationType, detail: "\(crew) \(number)")
        case .workersChanged(let domain, let crew, let from, let to, let reason):
            event.domain = UInt32(domain)
            (event.from, event.to) = (Int32(clamping: from), Int32(clamping: to))
            call(TG_EVENT_WORKERS_CHANGED, detail: "\(crew): \(reason)")
        case .domainRetired(let domain, let reason):
            event.domain = UInt32(domain)
            call(TG_EVENT_DOMAIN_RETIRED, detail: reason)
        case .domainRestored(let domain):
            event.domain = UInt32(domain)
            call(TG_EVENT_DOMAIN_RESTORED)
        case .anchorRehomed(let hash, let from, let to):
            event.anchor_hash = hash
            event.domain = UInt32(to)
            (event.from, event.to) = (Int32(clamping: from), Int32(clamping: to))
            call(TG_EVENT_ANCHOR_REHOMED)
        case .anchorsRehomed(let from, let count):
            event.from = Int32(clamping: from)
            event.count = UInt64(count)
            call(TG_EVENT_ANCHORS_REHOMED)
        case .lifecycle(let phase):
            event.phase = phase.number
            call(TG_EVENT_LIFECYCLE)
        }
    }
}

/// Calls `body` with the text as C sees it, NULL where there is none.
func withOptionalCString(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Void) {
    if let text { text.withCString { body($0) } } else { body(nil) }
}

@c @implementation
package func tg_coordinator_subscribe(
    _ handle: OpaquePointer?, _ callback: tg_on_event?, _ user_data: UnsafeMutableRawPointer?,
    _ destroy_user_data: tg_destroy?, _ out: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<tg_error>?
) -> tg_status {
    let owner = Owned.of(user_data, destroy_user_data)
    return attempt(error) { () throws(Failure) in
        let coordinator = try coordinatorOf(handle)
        guard let callback else { throw .null("callback") }
        let out = try required(out, "out")
        let subscription = try Subscription(
            coordinator.events, callback, SendablePointer(pointer: user_data), owner)
        out.pointee = Handles.make(subscription, .subscription)
    }
}

@c @implementation
package func tg_subscription_dropped(_ handle: OpaquePointer?, _ out: UnsafeMutablePointer<UInt64>?) -> tg_status {
    attempt { () throws(Failure) in
        let subscription = try Handles.borrow(handle, .subscription, "subscription", as: Subscription.self)
        try required(out, "out").pointee = subscription.takeUnretainedValue().dropped
    }
}

@c @implementation
package func tg_subscription_destroy(_ handle: OpaquePointer?, _ error: UnsafeMutablePointer<tg_error>?) -> tg_status {
    attempt(error) { () throws(Failure) in
        guard let handle else { return }
        try refuseInCallback()
        try Handles.destroy(handle, .subscription, "subscription", as: Subscription.self).end()
    }
}
