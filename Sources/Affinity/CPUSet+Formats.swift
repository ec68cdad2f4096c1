//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

extension CPUSet {
    /// Reads the kernel's list format: `0-3,8,10-12`.
    ///
    /// A range may carry a stride, `0-10:2` (every second CPU from 0), or the kernel's `0-31:2/8` (the first 2 of every
    /// 8). Spaces separate like commas; a trailing NUL or newline is ignored; empty text is the empty set.
    ///
    /// - Throws: ``AffinityError`` with code `invalidCPUList` or `cpuOutOfRange`, whose message quotes the part at fault.
    public init(list text: some StringProtocol) throws(AffinityError) {
        self.init()
        for item in Self.payload(of: text).split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            try insert(item: item)
        }
    }

    /// Reads the kernel's mask format: groups of up to eight hexadecimal digits, the highest CPUs first,
    /// `ff,00000000,0000000f`.
    ///
    /// One ungrouped number of any length is accepted too, as is a leading `0x`; a trailing NUL or newline is ignored;
    /// empty text is the empty set.
    ///
    /// - Throws: ``AffinityError`` with code `invalidCPUMask` or `cpuOutOfRange`, whose message quotes the part at fault.
    public init(mask text: some StringProtocol) throws(AffinityError) {
        self.init()
        var digits = Self.payload(of: text)
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") { digits = digits.dropFirst(2) }
        if digits.isEmpty { return }
        let groups = digits.split(separator: ",", omittingEmptySubsequences: false)
        var bit = 0
        for group in groups.reversed() {
            guard !group.isEmpty, groups.count == 1 || group.utf8.count <= 8 else {
                throw AffinityError(.invalidCPUMask, "group \(Self.quoted(group)) in mask \(Self.quoted(digits))")
            }
            for (place, digit) in group.reversed().enumerated() {
                guard digit.isASCII, let value = digit.hexDigitValue else {
                    throw AffinityError(.invalidCPUMask, "\(Self.quoted(digit)) in mask \(Self.quoted(digits))")
                }
                for offset in 0..<4 where value & (1 << offset) != 0 {
                    let cpu = bit + place * 4 + offset
                    guard cpu <= Self.maximumCPU else {
                        throw AffinityError(
                            .cpuOutOfRange, "CPU \(cpu) is above \(Self.maximumCPU) in mask \(Self.quoted(digits))")
                    }
                    set(cpu)
                }
            }
            bit += groups.count == 1 ? 0 : 32
        }
    }

    /// The set as the kernel lists it: `0-3,8`; empty text for the empty set.
    public var listFormat: String {
        var parts: [String] = []
        var start = -1
        var end = -1
        for cpu in self {
            if start >= 0, cpu == end + 1 {
                end = cpu
                continue
            }
            if start >= 0 { parts.append(start == end ? "\(start)" : "\(start)-\(end)") }
            start = cpu
            end = cpu
        }
        if start >= 0 { parts.append(start == end ? "\(start)" : "\(start)-\(end)") }
        return parts.joined(separator: ",")
    }

    /// The set as a kernel mask: `ff,00000000`, without leading zeros; `0` for the empty set.
    public var maskFormat: String {
        var groups = words.reversed().flatMap {
            [UInt32(truncatingIfNeeded: $0 >> 32), UInt32(truncatingIfNeeded: $0)]
        }
        if groups.first == 0 { groups.removeFirst() }
        guard let top = groups.first else { return "0" }
        let rest = groups.dropFirst().map { group in
            let hex = String(group, radix: 16)
            return String(repeating: "0", count: 8 - hex.count) + hex
        }
        return ([String(top, radix: 16)] + rest).joined(separator: ",")
    }

    private mutating func insert(item: Substring) throws(AffinityError) {
        func wrong(_ why: String) -> AffinityError {
            AffinityError(.invalidCPUList, "\(Self.quoted(item)) in a CPU list: \(why)")
        }
        func number(_ digits: Substring) throws(AffinityError) -> Int {
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw wrong("\(Self.quoted(digits)) is not a number")
            }
            guard let value = Int(digits), value <= Self.maximumCPU else {
                throw AffinityError(
                    .cpuOutOfRange, "\(Self.quoted(item)) in a CPU list: \(digits) is above \(Self.maximumCPU)")
            }
            return value
        }
        let halves = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let bounds = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let low = try number(bounds[0])
        guard bounds.count == 2 else {
            guard halves.count == 1 else { throw wrong("a stride needs a range") }
            return set(low)
        }
        let high = try number(bounds[1])
        guard low <= high else { throw wrong("the range runs backwards") }
        var used = 1
        var group = 1
        if halves.count == 2 {
            let sizes = halves[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            if sizes.count == 2 {
                (used, group) = (try number(sizes[0]), try number(sizes[1]))
            } else {
                group = try number(sizes[0])
            }
            guard used >= 1, used <= group else { throw wrong("a stride must be at least 1") }
        }
        for cpu in low...high where (cpu - low) % group < used { set(cpu) }
    }

    /// The text without surrounding white space and up to its first NUL.
    private static func payload(of text: some StringProtocol) -> Substring {
        var rest = Substring(text).prefix { $0 != "\0" }
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }

    /// The text in quotes, on one line and no longer than an error message bears.
    private static func quoted(_ text: some CustomStringConvertible) -> String {
        let shown = String(describing: text)
        return "'" + (shown.count > 64 ? shown.prefix(61) + "..." : shown[...]) + "'"
    }
}

extension CPUSet: CustomStringConvertible, Codable {
    /// The list format in braces: `{0-3,8}`.
    public var description: String { "{\(listFormat)}" }

    /// Reads a list format string.
    public init(from decoder: any Decoder) throws {
        try self.init(list: try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the list format as a string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(listFormat)
    }
}
