//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import TestSupport
import Testing
import TokenCore

@Suite("timers are called in order, once, and not when they were cancelled")
struct TimerQueueTests {
    @Test("in the order of their times, those of one time in the order they came", arguments: 0..<20)
    func order(_ seed: Int) {
        var random = SeededNumbers(seed: UInt64(seed))
        let time = ManualTime()
        let queue = TimerQueue(time: time) { _ in false }
        let called = Guarded<[(due: Int64, number: Int)]>([])
        var cancelled: Set<Int> = []
        var numbers: [UInt64] = []
        let begin = queue.now
        for number in 0..<500 {
            let due = begin + Int64.random(in: 0...50, using: &random)
            let made = queue.at(due) { called.withLock { $0.append((due, number)) } }
            if let made { numbers.append(made) }
        }
        for number in 0..<500 where Bool.random(using: &random) {
            #expect(queue.cancel(numbers[number]))
            cancelled.insert(number)
        }
        #expect(queue.count == 500 - cancelled.count)
        time.advance(by: .nanoseconds(25))
        let early = called.withLock { $0 }
        #expect(early.allSatisfy { $0.due <= begin + 25 })
        time.advance(by: .nanoseconds(25))
        let all = called.withLock { $0 }
        #expect(all.map(\.number) == all.sorted { ($0.due, $0.number) < ($1.due, $1.number) }.map(\.number))
        #expect(Set(all.map(\.number)) == Set(0..<500).subtracting(cancelled))
        #expect(queue.count == 0 && queue.nextDue == nil)
        #expect(!queue.cancel(numbers[0]))
    }

    @Test("one that is made by another is called at its time, also where the clock goes far at once")
    func chained() {
        let time = ManualTime()
        let queue = TimerQueue(time: time) { _ in false }
        let times = Guarded<[Int64]>([])
        let begin = queue.now
        queue.at(begin + 10) {
            times.withLock { $0.append(time.now - begin) }
            queue.at(time.now + 10) { times.withLock { $0.append(time.now - begin) } }
        }
        time.advance(by: .seconds(1))
        #expect(times.withLock { $0 } == [10, 20])
    }

    @Test("a hundred thousand cancelled ones leave nothing behind")
    func cancelling() {
        let queue = TimerQueue(time: ManualTime()) { _ in false }
        for _ in 0..<Sizes.part(of: 100_000) { if let number = queue.at(.max, {}) { queue.cancel(number) } }
        #expect(queue.count == 0 && queue.nextDue == nil)
    }

    @Test("on a thread of its own: calls come, an earlier one does not wait for a later one, closing ends it")
    func live() async {
        let ended = Tally()
        let queue = TimerQueue { work in
            Thread.detachNewThread {
                work()
                ended.add()
            }
            return true
        }
        let called = Tally()
        let never = Tally()
        queue.at(queue.now + 3_600_000_000_000) { never.add() }
        queue.at(queue.now + 1_000_000) { called.add() }
        queue.at(queue.now - 1) { called.add() }
        #expect(await eventually { called.value == 2 })
        queue.close()
        #expect(await eventually { ended.value == 1 })
        #expect(queue.at(queue.now) { never.add() } == nil && never.value == 0)
    }

    @Test("where no thread is to be had, the next timer asks again")
    func refused() async {
        let asked = Tally()
        let queue = TimerQueue { work in
            asked.add()
            if asked.value == 1 { return false }
            Thread.detachNewThread { work() }
            return true
        }
        let called = Tally()
        queue.at(queue.now) { called.add() }
        queue.at(queue.now) { called.add() }
        #expect(await eventually { called.value == 2 })
        queue.close()
    }
}
