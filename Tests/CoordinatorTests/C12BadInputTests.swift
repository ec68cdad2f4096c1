//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Coordinator
import TestSupport
import Testing
import TokenCore

/// C12: every wrong value gets a typed error that names it, and changes nothing.
@Suite struct C12BadInputTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        let field: String
        let value: String
        let make: @Sendable (inout Configuration) -> Void
        var testDescription: String { "\(field) = \(value)" }
    }

    static let bad: [Bad] = [
        Bad(field: "domainOffset", value: "-1") { $0.domainOffset = -1 },
        Bad(field: "maximumDomains", value: "0") { $0.maximumDomains = 0 },
        Bad(field: "maximumDomains", value: "-5") { $0.maximumDomains = -5 },
        Bad(field: "cpus", value: "empty") { $0.cpus = CPUSet() },
        Bad(field: "workersPerCore", value: "0") { $0.workersPerCore = 0 },
        Bad(field: "workersPerCore", value: "65") { $0.workersPerCore = 65 },
        Bad(field: "heavyNice", value: "-1") { $0.heavyNice = -1 },
        Bad(field: "heavyNice", value: "20") { $0.heavyNice = 20 },
        Bad(field: "storageLimits[.slow]", value: "0") { $0.storageLimits[.slow] = 0 },
        Bad(field: "storageLimits[.moderate]", value: "-1") { $0.storageLimits[.moderate] = -1 },
        Bad(field: "storageLimits[.fast]", value: "65537") { $0.storageLimits[.fast] = 65_537 },
        Bad(field: "storageLimits[.insane]", value: "\(Int.max)") { $0.storageLimits[.insane] = .max },
        Bad(field: "stackSize", value: "262143") { $0.stackSize = (256 << 10) - 1 },
        Bad(field: "stackSize", value: "1073741825") { $0.stackSize = (1 << 30) + 1 },
        Bad(field: "idleThreadTime", value: "0.0") { $0.idleThreadTime = .zero },
        Bad(field: "idleThreadTime", value: "-2.0") { $0.idleThreadTime = .seconds(-2) },
        Bad(field: "anchorIdleTime", value: "-1") { $0.anchorIdleTime = .seconds(-1) },
        Bad(field: "anchorIdleCapacity", value: "-1") { $0.anchorIdleCapacity = -1 },
        Bad(field: "anchorIdleCapacity", value: "100000001") { $0.anchorIdleCapacity = 100_000_001 },
        Bad(field: "eventBuffer", value: "0") { $0.eventBuffer = 0 },
        Bad(field: "eventBuffer", value: "16777217") { $0.eventBuffer = (1 << 24) + 1 },
    ]

    @Test(
        "C12 each configuration value out of its range is refused by validate and by the initialiser, named",
        arguments: bad)
    func outOfRange(_ bad: Bad) throws {
        var configuration = Configuration()
        bad.make(&configuration)
        let error = #expect(throws: TokenError.self) { try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains(bad.field) == true, "\(String(describing: error))")
        #expect(error?.message.contains(bad.value) == true, "\(String(describing: error))")
        let made = #expect(throws: TokenError.self) { try OperationsCoordinator(configuration) }
        #expect(made?.code == .invalidConfiguration)
    }

    @Test("C12 the ends of every range are allowed")
    func endsOfRanges() throws {
        var low = Configuration()
        low.maximumDomains = 1
        low.workersPerCore = 1
        low.heavyNice = 0
        for tier in StorageSpeed.allCases { low.storageLimits[tier] = 1 }
        low.stackSize = 256 << 10
        low.idleThreadTime = .nanoseconds(1)
        low.anchorIdleTime = .zero
        low.anchorIdleCapacity = 0
        low.eventBuffer = 1
        try low.validate()
        var high = Configuration()
        high.domainOffset = .max
        high.maximumDomains = .max
        high.workersPerCore = 64
        high.heavyNice = 19
        for tier in StorageSpeed.allCases { high.storageLimits[tier] = 65_536 }
        high.stackSize = 1 << 30
        high.idleThreadTime = .seconds(Int64.max)
        high.anchorIdleTime = .seconds(Int64.max)
        high.anchorIdleCapacity = 100_000_000
        high.eventBuffer = 1 << 24
        try high.validate()
        _ = try OperationsCoordinator(low)
        _ = try OperationsCoordinator(high)
    }

    @Test("C12 a coordinator at the low end of every range works")
    func lowEndWorks() async throws {
        try await withTestCoordinator { configuration in
            configuration.maximumDomains = 1
            configuration.workersPerCore = 1
            for tier in StorageSpeed.allCases { configuration.storageLimits[tier] = 1 }
            configuration.stackSize = 256 << 10
            configuration.idleThreadTime = .nanoseconds(1)
            configuration.anchorIdleTime = .zero
            configuration.anchorIdleCapacity = 0
            configuration.eventBuffer = 1
        } _: { coordinator in
            let body: @Sendable (Int) -> Int = { $0 }
            let kinds: [TaskTokenGuard<Int, Int>] = [
                TaskTokenGuard("c12.low", on: coordinator, body),
                TaskTokenGuard("c12.low-heavy", weight: .heavy, on: coordinator, body),
                TaskTokenGuard("c12.low-storage", storage: .slow, on: coordinator, body),
                TaskTokenGuard("c12.low-sticky", locality: .sticky("k", ordered: true), on: coordinator, body),
            ]
            let results = await gather((0..<50).flatMap { n in kinds.map { $0(n) } })
            #expect(results.allSatisfy { (try? $0.get()) != nil })
        }
    }

    @Test("C12 CPUs that the process may not use, and machines that cannot be read, are refused with their name")
    func machines() throws {
        let nowhere = try CPUSet([60_000])
        let cpus = #expect(throws: TokenError.self) { try makeCoordinator { $0.cpus = nowhere } }
        #expect(cpus?.code == .invalidConfiguration)
        #expect(cpus.map { "\($0)" }?.contains("60000") == true, "\(String(describing: cpus))")
        let root = #expect(throws: TokenError.self) { try makeCoordinator { $0.root = "/nonexistent-root" } }
        #expect(root?.code == .invalidConfiguration)
        #expect(root.map { "\($0)" }?.contains("nonexistent-root") == true, "\(String(describing: root))")
    }

    @Test(
        "C12 a storage limit out of range is refused at runtime, named, and the limit stays",
        arguments: [0, -1, 65_537, Int.min, Int.max])
    func storageLimit(_ limit: Int) async throws {
        let coordinator = try makeCoordinator()
        for speed in StorageSpeed.allCases {
            let error = #expect(throws: TokenError.self) { try coordinator.setStorageLimit(limit, for: speed) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("\(limit)") == true)
        }
        #expect(coordinator.statistics().tiers.map(\.limit) == StorageSpeed.allCases.map(\.defaultLimit))
        for allowed in [1, 65_536] { try coordinator.setStorageLimit(allowed, for: .slow) }
        await coordinator.stop()
    }

    @Test("C12 control of an operation type that is empty or too long is refused, and nothing has changed")
    func control() async throws {
        try await withTestCoordinator { coordinator in
            let gate = Gate()
            let slow = TaskTokenGuard("c12.control", on: coordinator) { (n: Int) in gate.pass() }
            let token = slow(1)
            for name in ["", String(repeating: "x", count: 256)] {
                let calls: [(String) throws -> Void] = [
                    { try coordinator.pause($0) }, { try coordinator.resume($0) }, { try coordinator.killAll($0) },
                    { try coordinator.discardWaiting($0) },
                ]
                for call in calls {
                    let error = #expect(throws: TokenError.self) { try call(name) }
                    #expect(error?.code == .invalidOperationType)
                }
            }
            #expect(!token.isSettled)
            gate.open()
            try await token.value
        }
    }

    @Test("C12 control of operation types that nobody has used changes nothing, and keeps no name but a paused one")
    func controlOfTheUnknown() async throws {
        try await withTestCoordinator { coordinator async throws in
            for name in (0..<100).map({ "c12.unknown.\($0)" }) {
                #expect(try !coordinator.resume(name))
                #expect(try coordinator.killAll(name) == 0)
                #expect(try coordinator.discardWaiting(name) == 0)
                #expect(try Operation.existing(name) == nil)
            }
            #expect(try coordinator.pause("c12.unknown.1"))
            #expect(try coordinator.resume("c12.unknown.1"))
        }
    }

    @Test("C12 bad guards settle their tokens at once and the coordinator never hears of them")
    func guards() async throws {
        try await withTestCoordinator { coordinator in
            let body: @Sendable (Int) -> Int = { $0 }
            let guards: [TaskTokenGuard<Int, Int>] = [
                TaskTokenGuard("", on: coordinator, body),
                TaskTokenGuard(String(repeating: "x", count: 300), on: coordinator, body),
                TaskTokenGuard("c12.key", locality: .sticky(""), on: coordinator, body),
                TaskTokenGuard("c12.keyed", locality: .sticky { _ in "" }, on: coordinator, body),
                TaskTokenGuard("c12.lead", locality: .lead(externalCalls: []), on: coordinator, body),
                TaskTokenGuard("c12.lead", locality: .lead(externalCalls: [""]), on: coordinator, body),
            ]
            let tokens = guards.map { $0(1) }
            #expect(tokens.allSatisfy { $0.state == .failed })
            for token in tokens { await #expect(throws: TokenError.self) { try await token.value } }
            #expect(coordinator.statistics().counts.submitted == 0)
            #expect(coordinator.statistics().liveAnchors == 0)
            #expect(coordinator.statistics().leasesOpened == 0)
        }
    }

    /// Takes tokens on itself, and then hands them to a coordinator.
    private final class Forwarder: TokenSubmitter {
        let realm = TokenRealm(origin: 4711)
        let coordinator: OperationsCoordinator
        init(to coordinator: OperationsCoordinator) { self.coordinator = coordinator }

        func submit(_ token: AnyTaskToken, claim: PlacementClaim) {
            token.assignNumber(in: realm)
            coordinator.submit(token, claim: claim)
        }
    }

    @Test("C12 a token that an executor of one's own has numbered is refused by a coordinator, which names both")
    func numberedElsewhere() async throws {
        try await withTestCoordinator { coordinator in
            let forwarder = Forwarder(to: coordinator)
            let token = TaskTokenGuard("c12.forwarded", on: forwarder) { (n: Int) in n }(1)
            let derived = token.map { $0 }
            let error = await #expect(throws: TokenError.self) { try await token.value }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("4711") == true, "\(String(describing: error))")
            #expect(error?.message.contains("c12.forwarded") == true, "\(String(describing: error))")
            await #expect(throws: TokenError.self) { try await derived.value }
            #expect(coordinator.statistics().counts.submitted == 0)
        }
    }

    @Test("C12 a token of one coordinator that is handed to another goes on where it is")
    func submittedTwice() async throws {
        try await withTestCoordinator { first in
            try await withTestCoordinator { second in
                let gate = Gate()
                let token = TaskTokenGuard("c12.elsewhere", on: first) { gate.pass() }()
                let derived = token.map { 7 }
                for token in [token, derived] as [AnyTaskToken] { second.submit(token, claim: .free) }
                gate.open()
                let value = try await derived.value
                #expect(value == 7)
                #expect(second.statistics().counts.submitted == 0)
            }
        }
    }
}
