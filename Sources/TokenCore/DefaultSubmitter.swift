//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import Synchronization

/// The process default: where tokens go when nobody says otherwise.
///
/// A convenience; tests replace it.
package enum DefaultSubmitter {
    // `generation` moves with every replacement, so a thread's cached copy is checked by one load.
    private static let slot = Guarded<SubmitterHolder?>(nil)
    private static let generation = Atomic<UInt64>(1)

    /// Replaces the default; nil leaves none.
    package static func set(_ submitter: (any TokenSubmitter)?) {
        let holder = submitter.map(SubmitterHolder.init)
        let before = slot.withLock { slot in
            let before = slot
            slot = holder
            generation.add(1, ordering: .releasing)
            return before
        }
        _ = before  // freed outside the lock
    }

    /// Replaces the default if `isReplaceable` says so of the present one (or there is none).
    package static func set(_ submitter: any TokenSubmitter, where isReplaceable: (any TokenSubmitter) -> Bool) {
        let present = slot.withLock { $0 }
        if let present, !isReplaceable(present.submitter) { return }
        set(submitter)
    }

    /// Takes `submitter` away if it is the default.
    package static func remove(_ submitter: any TokenSubmitter) {
        if slot.withLock({ $0?.submitter === submitter }) { set(nil) }
    }

    /// The default at this moment.
    package static var current: (any TokenSubmitter)? {
        var found: (any TokenSubmitter)?
        _ = borrow { found = $0 }
        return found
    }

    /// Calls `body` with the default, if there is one: one load and a thread-local hit, except after a replacement.
    package static func borrow(_ body: (any TokenSubmitter) -> Void) -> Bool {
        let now = generation.load(ordering: .acquiring)
        if thisThread.pointee.cached_generation != now {
            let holder = slot.withLock { $0 }
            let owned = holder.map { Unmanaged.passRetained($0).toOpaque() }
            let before = tge_cache_submitter(owned, now) { pointer in
                if let pointer { Unmanaged<SubmitterHolder>.fromOpaque(pointer).release() }
            }
            if let before { Unmanaged<SubmitterHolder>.fromOpaque(before).release() }
        }
        guard let cached = thisThread.pointee.cached_submitter else { return false }
        Unmanaged<SubmitterHolder>.fromOpaque(cached)._withUnsafeGuaranteedRef { body($0.submitter) }
        return true
    }
}
