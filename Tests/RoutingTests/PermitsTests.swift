//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Routing
import Testing
import TokenCore

@Suite("C8 a tier never holds more than its limit, and the limit is reached")
struct PermitsTests {
    @Test("C8 every tier reaches its limit, then queues; a permit given back goes to the first in the queue")
    func reachesItsLimit() throws {
        for speed in StorageSpeed.allCases {
            var permits = try Permits<Int>(limit: speed.defaultLimit)
            for id in 0..<speed.defaultLimit {
                let granted = permits.acquire(id)
                #expect(granted)
            }
            #expect(permits.inUse == speed.defaultLimit && permits.peak == speed.defaultLimit)
            let (first, second, tried) = (permits.acquire(1_000), permits.acquire(1_001), permits.tryAcquire())
            #expect(!first && !second && !tried)
            #expect(permits.waiting == 2 && permits.inUse == speed.defaultLimit)
            var handed = [permits.release(), permits.release()]
            #expect(handed == [1_000, 1_001])
            handed = (0..<speed.defaultLimit).map { _ in permits.release() }
            #expect(handed.allSatisfy { $0 == nil })
            #expect(permits.inUse == 0 && permits.peak == speed.defaultLimit && permits.imbalances == 0)
        }
    }

    @Test("C8 a lower limit lets those inside finish and admits nobody until they have")
    func lowered() throws {
        var permits = try Permits<Int>(limit: 3)
        for id in 0..<5 { _ = permits.acquire(id) }
        var granted = try permits.setLimit(1)
        #expect(granted.isEmpty && permits.inUse == 3)
        var next = permits.release()
        #expect(next == nil && permits.inUse == 2)
        next = permits.release()
        #expect(next == nil && permits.inUse == 1)
        next = permits.release()
        #expect(next == 3 && permits.inUse == 1)
        granted = try permits.setLimit(10)
        #expect(granted == [4] && permits.inUse == 2 && permits.waiting == 0)
    }

    @Test("C8 waiters can be looked at and taken out of the queue")
    func removal() throws {
        var permits = try Permits<Int>(limit: 1)
        for id in 0..<6 { _ = permits.acquire(id) }
        let removed = permits.removeWaiters { $0 % 2 == 0 }
        #expect(removed == [2, 4])
        var seen: [Int] = []
        permits.forEachWaiter { seen.append($0) }
        #expect(seen == [1, 3, 5])
        let next = permits.release()
        #expect(next == 1)
    }

    @Test("C8 C12 a limit out of range is refused by name and changes nothing", arguments: [0, -1, 65_537, .min, .max])
    func badLimits(limit: Int) throws {
        var error = #expect(throws: TokenError.self) { try Permits<Int>(limit: limit) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("\(limit)") == true)
        var permits = try Permits<Int>(limit: 65_536)
        error = #expect(throws: TokenError.self) { try permits.setLimit(limit) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("\(limit)") == true)
        #expect(permits.limit == 65_536)
    }

    @Test("C8 a release too many changes nothing and is counted")
    func unbalanced() throws {
        var permits = try Permits<Int>(limit: 1)
        let next = permits.release()
        #expect(next == nil && permits.inUse == 0 && permits.imbalances == 1)
    }

    @Test("C8 a ledger under random acquire, release, kill and limit changes")
    func ledger() throws {
        var dice = Dice("C8 ledger")
        for _ in 0..<50 {
            var permits = try Permits<Int>(limit: 1 + dice.below(8))
            var (inside, queue, nextID, faults) = (Set<Int>(), [Int](), 0, [String]())
            // A grant must be the next in the queue, and fit under the limit of this moment.
            func grant(_ id: Int, limit: Int) {
                if queue.first == id { queue.removeFirst() } else { faults.append("\(id) before \(queue)") }
                inside.insert(id)
                if inside.count > limit { faults.append("\(inside.count) inside, limit \(limit)") }
            }
            for _ in 0..<2_000 {
                switch dice.below(12) {
                case 0...4:
                    queue.append(nextID)
                    if permits.acquire(nextID) { grant(nextID, limit: permits.limit) }
                    nextID += 1
                case 5:
                    queue.append(nextID)
                    if permits.tryAcquire() { grant(nextID, limit: permits.limit) } else { queue.removeLast() }
                    nextID += 1
                case 6...9:
                    guard let done = inside.randomElement(using: &dice) else { continue }
                    inside.remove(done)
                    if let id = permits.release() { grant(id, limit: permits.limit) }
                case 10:
                    let victim = dice.below(nextID + 1)
                    let removed =
                        dice.below(2) == 0
                        ? permits.removeWaiters { $0 == victim }
                        : permits.remove(UInt64(victim)) { UInt64($0) }.map { [$0] } ?? []
                    if removed != queue.filter({ $0 == victim }) { faults.append("removed \(removed)") }
                    queue.removeAll { $0 == victim }
                default:
                    for id in try permits.setLimit(1 + dice.below(10)) { grant(id, limit: permits.limit) }
                }
                if permits.inUse != inside.count || permits.waiting != queue.count {
                    faults.append("\(permits), really \(inside.count) inside and \(queue.count) waiting")
                }
                if !queue.isEmpty, inside.count < permits.limit { faults.append("\(queue) wait for free permits") }
            }
            #expect(faults.isEmpty)
            #expect(permits.imbalances == 0)
        }
    }
}
