//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Affinity
import Testing

@Suite("CPU sets speak the kernel's formats")
struct CPUSetTests {
    @Test(
        "a list is read as the kernel writes it",
        arguments: [
            ("0-3,8,10-12", [0, 1, 2, 3, 8, 10, 11, 12]),
            ("0-10:2", [0, 2, 4, 6, 8, 10]),
            ("0-15:2/8", [0, 1, 8, 9]),
            ("5\n", [5]), ("5\0", [5]), ("5\n\0\0", [5]), ("", []), ("\n", []), ("3, 1", [1, 3]),
            ("65535", [65535]),
        ])
    func list(_ text: String, _ cpus: [Int]) throws {
        #expect(Array(try CPUSet(list: text)) == cpus)
    }

    @Test(
        "a mask is read as the kernel writes it",
        arguments: [
            ("3", [0, 1]), ("0x11\n", [0, 4]), ("1,00000000", [32]), ("00000001,00000000,00000002", [1, 64]),
            ("ff\0", Array(0..<8)), ("0", []), ("00000000,00000000", []), ("100000000", [32]), ("Ff\n\0", Array(0..<8)),
        ])
    func mask(_ text: String, _ cpus: [Int]) throws {
        #expect(Array(try CPUSet(mask: text)) == cpus)
    }

    @Test(
        "C12: a bad list is refused with its bad part named",
        arguments: [
            ("0-3,x", "x"), ("7-3", "7-3"), ("-1", "-1"), ("1-", "1-"), ("0-4:0", "0-4:0"), ("3:2", "3:2"), ("٣", "٣"),
            ("0-4:3/2", "0-4:3/2"), ("0-4:0/2", "0-4:0/2"), ("0-4:0/0", "0-4:0/0"),
            ("0-99999", "99999"), ("18446744073709551616", "18446744073709551616"),
        ])
    func badList(_ text: String, _ named: String) throws {
        let error = try #require(throws: AffinityError.self) { try CPUSet(list: text) }
        #expect([.invalidCPUList, .cpuOutOfRange].contains(error.code))
        #expect(error.message.contains(named))
    }

    @Test(
        "C12: a bad mask is refused with its bad part named",
        arguments: [
            ("fg", "g"), ("1,", "''"), ("123456789,00000000", "123456789"), ("-1", "-"), ("\u{FF11}", "\u{FF11}"),
        ])
    func badMask(_ text: String, _ named: String) throws {
        let error = try #require(throws: AffinityError.self) { try CPUSet(mask: text) }
        #expect(error.code == .invalidCPUMask)
        #expect(error.message.contains(named))
    }

    @Test(
        "C12: a CPU number outside 0...65535 is refused and changes nothing", arguments: [-1, 65536, Int.max, Int.min])
    func range(_ cpu: Int) throws {
        var set = try CPUSet([1])
        let error = try #require(throws: AffinityError.self) { try set.insert(cpu) }
        #expect(error.code == .cpuOutOfRange)
        #expect(error.message.contains("\(cpu)"))
        #expect(Array(set) == [1])
        #expect(throws: AffinityError.self) { try CPUSet(mask: "1" + String(repeating: "0", count: 16384)) }
    }

    @Test("C4: a set beyond 1,024 CPUs serialises both ways")
    func large() throws {
        let set = try CPUSet(list: "0,1023-1025,4096,65535")
        #expect(set.count == 6)
        #expect(set.listFormat == "0,1023-1025,4096,65535")
        #expect(try CPUSet(mask: set.maskFormat) == set)
        #expect(set.maskFormat.split(separator: ",").count == 2048)
    }

    @Test("any set survives list and mask format, and the algebra agrees with Swift's Set")
    func roundTrip() throws {
        let seed = UInt64.random(in: 0...(.max))
        var generator = SplitMix(state: seed)
        for _ in 0..<300 {
            let bound = [8, 64, 65, 1024, 5000, 65536].randomElement(using: &generator) ?? 8
            func draw() -> Set<Int> {
                Set(
                    (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                        Int.random(in: 0..<bound, using: &generator)
                    })
            }
            let (left, right) = (draw(), draw())
            let (a, b) = (try CPUSet(left), try CPUSet(right))
            #expect(try CPUSet(list: a.listFormat) == a, "seed \(seed)")
            #expect(try CPUSet(mask: a.maskFormat) == a, "seed \(seed)")
            #expect(Array(a) == left.sorted(), "seed \(seed)")
            #expect(a.first == left.min() && a.last == left.max() && a.count == left.count, "seed \(seed)")
            #expect(Array(a.union(b)) == left.union(right).sorted(), "seed \(seed)")
            #expect(Array(a.intersection(b)) == left.intersection(right).sorted(), "seed \(seed)")
            #expect(Array(a.subtracting(b)) == left.subtracting(right).sorted(), "seed \(seed)")
            #expect(a.symmetricDifference(b) == (try CPUSet(left.symmetricDifference(right))), "seed \(seed)")
            #expect(a.isSubset(of: a.union(b)) && a.subtracting(b).isDisjoint(with: b), "seed \(seed)")
            var emptied = a
            for cpu in left { emptied.remove(cpu) }
            #expect(emptied == CPUSet(), "seed \(seed)")
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
