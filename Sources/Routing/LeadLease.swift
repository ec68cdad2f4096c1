//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
public import TokenCore

/// The lifetime of a lead's claim on a core domain: open while the lead or any of its descendants is alive.
///
/// Every token of the chain joins before anybody can see it and leaves once, when it is terminal. A released lease may
/// open again: a lead that was killed may still be running, and its body may still submit children.
///
/// Any thread may call. Mutable state is two atomic counters, and the seed, which has a lock of its own.
public final class LeadLease: Sendable {
    /// What a join did.
    public enum Join: Sendable, Hashable {
        /// The lease was closed and is open now.
        case opened
        /// The lease was open.
        case joined
    }

    /// What a leave did.
    public enum Leave: Sendable, Hashable {
        /// The last member left: the lease is closed.
        case released
        /// Others are still alive; or there was nobody to leave, which is counted.
        case open
    }

    /// What every member carries.
    ///
    /// Computed when it is first asked for: a hash takes longer than all else that a lease does.
    public var seed: Seed {
        known.withLock { known in
            let seed = known ?? Seed(lead: lead, externalCalls: externalCalls)
            known = seed
            return seed
        }
    }
    /// The lead.
    public let lead: TokenID
    /// Where every member runs, a 0-based index.
    public let domain: Int
    /// The operation types that the lead declared.
    public let externalCalls: [String]
    /// How urgent those of its members are that do not say so themselves.
    public let priority: TokenPriority

    private let known = Guarded<Seed?>(nil)
    private let members = Atomic<Int>(0)
    private let unmatchedLeaves = Atomic<Int>(0)

    /// Makes a lease that is not open yet.
    ///
    /// - Parameters:
    ///   - lead: the lead's identity.
    ///   - domain: the 0-based index of the domain that was chosen for the lead.
    ///   - externalCalls: the operation types that the lead declared.
    ///   - priority: the lead's.
    public init(lead: TokenID, domain: Int, externalCalls: [String], priority: TokenPriority = .normal) {
        self.lead = lead
        self.domain = domain
        self.externalCalls = externalCalls
        self.priority = priority
    }

    /// Members that are alive; by the time it is read it may be another number.
    public var live: Int { members.load(ordering: .acquiring) }
    /// Whether any member is alive.
    public var isOpen: Bool { live > 0 }
    /// Leaves without a join; 0 unless the caller is at fault.
    public var imbalances: Int { unmatchedLeaves.load(ordering: .relaxed) }

    /// A member comes to life.
    @discardableResult
    public func join() -> Join {
        // Acquires what the leave wrote that released the lease before.
        members.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue == 0 ? .opened : .joined
    }

    /// A member is terminal.
    @discardableResult
    public func leave() -> Leave {
        var live = members.load(ordering: .relaxed)
        while live > 0 {
            // Releases what this member did; the last one acquires what all others released.
            let result = members.weakCompareExchange(
                expected: live,
                desired: live - 1,
                successOrdering: .acquiringAndReleasing,
                failureOrdering: .relaxed
            )
            if result.exchanged { return live == 1 ? .released : .open }
            live = result.original
        }
        unmatchedLeaves.wrappingAdd(1, ordering: .relaxed)
        return .open
    }
}
