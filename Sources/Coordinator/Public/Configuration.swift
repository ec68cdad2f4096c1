//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

public import Affinity
package import Routing
public import TokenCore

/// How a coordinator is sized and behaves.
///
/// Every value has a default; change what you need.
///
/// ```swift
/// var configuration = Configuration()
/// configuration.workersPerCore = 2
/// configuration.storageLimits[.slow] = 4
/// let coordinator = try OperationsCoordinator(configuration)
/// ```
public struct Configuration: Sendable {
    /// How workers and processors are brought together.
    public struct PinMode: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable { case none, soft, hard }
        private let kind: Kind

        /// Workers are not pinned.
        public static let none = PinMode(kind: .none)
        /// Workers pin themselves; where the system refuses they run unpinned and the report says so.
        ///
        /// The default.
        public static let soft = PinMode(kind: .soft)
        /// `start()` fails where a worker could not be pinned and verified.
        public static let hard = PinMode(kind: .hard)

        /// The mode's name.
        public var description: String { kind.rawValue }
    }

    /// What becomes of a token that comes while there are as many as the capacity allows.
    public typealias OverloadPolicy = TokenCore.OverloadPolicy

    /// The CPUs to use, of those the process may use; nil (the default) for all of them.
    public var cpus: CPUSet?
    /// How many core domains to skip from the front, so that two processes can share a machine.
    ///
    /// Default 0, not negative. Counted round and round: with 4 domains, 5 is the same as 1.
    public var domainOffset = 0
    /// How many core domains to use at most; nil (the default) for as many as the machine and its quota allow.
    public var maximumDomains: Int?
    /// Threads of the standard and of the heavy crew of a domain at most: one runs, the others stand in for those blocked in a
    /// wait, or in a system call (`adaptation`), or inside a body whose token is settled.
    ///
    /// 1…64, default 4. Storage threads are as many as there are permits and bodies that wait with theirs lent. Where bodies
    /// of several domains wait for each other and none could go on, up to 64 more are made.
    public var workersPerCore = 4
    /// Whether the number of threads that run at once follows what bodies do.
    ///
    /// Default `automatic`.
    public var adaptation = Adaptation.automatic
    /// How workers are pinned.
    ///
    /// Default `soft`.
    public var pinMode = PinMode.soft
    /// Nice value of the threads that run heavy bodies, above the process's own.
    ///
    /// 0…19, default 5.
    public var heavyNice = 5
    /// Bodies at once in each storage tier, 1…65,536.
    ///
    /// Defaults: slow 10, moderate 25, fast 50, insane 70.
    public var storageLimits: [StorageSpeed: Int] = [:]
    /// Stack of a worker thread in bytes, 256 KiB…1 GiB.
    ///
    /// Default 8 MiB; only what is used is backed by memory.
    public var stackSize = 8 << 20
    /// How long a spare or storage thread stays without work before it ends.
    ///
    /// Default 5 s; must be positive.
    public var idleThreadTime = Duration.seconds(5)
    /// How long the home of an anchor is remembered after its last token.
    ///
    /// Default 60 s; zero forgets at once.
    public var anchorIdleTime = Duration.seconds(60)
    /// How many idle anchors are remembered at most.
    ///
    /// 0…100,000,000, default 100,000.
    public var anchorIdleCapacity = 100_000
    /// Events that one subscriber may have pending before the oldest is dropped.
    ///
    /// 1…16,777,216, default 4,096.
    public var eventBuffer = 4_096
    /// How long bodies wait for tokens before it is looked whether they wait in a circle, which is told by an event
    /// (`Event.Kind.waitCycle`).
    ///
    /// Default 1 s, more than zero; nil to not look.
    public var waitCycleTime: Duration? = .seconds(1)
    /// How long a token has to wait to catch up with one that is a step more urgent (`OperationOptions.priority`).
    ///
    /// Default 100 ms, not negative; zero makes priorities mean nothing.
    public var agingTime = Duration.milliseconds(100)
    /// Records of settled tokens that are kept for `OperationsCoordinator.history(limit:)`, the newest.
    ///
    /// 0…16,777,216; 0 (the default) keeps none and costs nothing. A record takes about 200 bytes, and the text of its error.
    public var historyCapacity = 0

    /// Live tokens at most, those of descendants aside; nil (the default) for no limit.
    ///
    /// 1…1,000,000,000. A token is live from its submission until it is settled and its body, if it began, has returned. Those of
    /// batches count one by one.
    public var capacity: Int?
    /// What becomes of those that come on top.
    ///
    /// Default `suspend`; means nothing without a `capacity`.
    public var overload = OverloadPolicy.suspend

    /// Root of the `/sys` and `/proc` trees that the machine is read from.
    ///
    /// For tests.
    package var root = "/"
    /// How threads are pinned.
    ///
    /// For tests.
    package var affinitySystem: any AffinitySystem = LinuxAffinity()
    /// Where the times of delays and timeouts come from.
    ///
    /// For tests.
    package var time: any TimeSource = MonotonicTime()
    /// What tells how much of their time threads are blocked.
    ///
    /// For tests.
    package var threadClocks: any ThreadClocks = LinuxThreadClocks()
    /// When the number of threads is changed.
    ///
    /// For tests.
    package var convergence = Convergence.Settings()
    /// Whether nobody looks at the crews but who calls `sampleCrews`.
    ///
    /// For tests.
    package var adaptsByHand = false
    /// The coordinator's random origin; nil draws one.
    ///
    /// For tests.
    package var origin: UInt64?

    /// The defaults.
    public init() {}

    /// Checks every value.
    ///
    /// - Throws: `invalidConfiguration`, naming the first value that is out of range.
    public func validate() throws(TokenError) {
        func check(_ holds: Bool, _ message: @autoclosure () -> String) throws(TokenError) {
            if !holds { throw TokenError(.invalidConfiguration, message()) }
        }
        try check(domainOffset >= 0, "domainOffset \(domainOffset) is negative")
        if let maximumDomains {
            try check(maximumDomains >= 1, "maximumDomains \(maximumDomains) is less than 1")
        }
        if let cpus { try check(!cpus.isEmpty, "cpus is empty") }
        try check((1...64).contains(workersPerCore), "workersPerCore \(workersPerCore) is outside 1...64")
        try check((0...19).contains(heavyNice), "heavyNice \(heavyNice) is outside 0...19")
        for tier in StorageSpeed.allCases {
            let limit = storageLimit(tier)
            try check((1...65_536).contains(limit), "storageLimits[.\(tier)] \(limit) is outside 1...65536")
        }
        try check(
            (256 << 10...1 << 30).contains(stackSize), "stackSize \(stackSize) is outside \(256 << 10)...\(1 << 30)")
        try check(idleThreadTime > .zero, "idleThreadTime \(idleThreadTime) is not positive")
        try check(anchorIdleTime >= .zero, "anchorIdleTime \(anchorIdleTime) is negative")
        try check(
            (0...100_000_000).contains(anchorIdleCapacity),
            "anchorIdleCapacity \(anchorIdleCapacity) is outside 0...100000000")
        try check(agingTime >= .zero, "agingTime \(agingTime) is negative")
        if let waitCycleTime { try check(waitCycleTime > .zero, "waitCycleTime \(waitCycleTime) is not positive") }
        if let capacity {
            try check(
                (1...1_000_000_000).contains(capacity), "capacity \(capacity) is outside 1...1000000000")
        }
        try check(
            (0...1 << 24).contains(historyCapacity), "historyCapacity \(historyCapacity) is outside 0...\(1 << 24)")
        try check((1...1 << 24).contains(eventBuffer), "eventBuffer \(eventBuffer) is outside 1...\(1 << 24)")
    }

    /// The limit that holds for a tier.
    func storageLimit(_ tier: StorageSpeed) -> Int { storageLimits[tier] ?? tier.defaultLimit }
}
