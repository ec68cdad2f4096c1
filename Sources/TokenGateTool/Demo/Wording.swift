//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// How numbers and times are written for people.
enum Wording {
    /// Thousands apart: 1234567 is `1,234,567`.
    static func count(_ value: some BinaryInteger) -> String {
        var text = ""
        let digits = String(value.magnitude)
        for (position, digit) in digits.enumerated() {
            if position > 0 && (digits.count - position) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-" + text : text
    }

    /// Three digits or so, in the unit that suits: `870 ns`, `14.2 µs`, `3.07 ms`, `1.50 s`.
    static func time(_ duration: Duration) -> String { time(nanoseconds: duration.nanoseconds) }

    static func time(nanoseconds: Int64) -> String {
        let value = Double(nanoseconds)
        return switch nanoseconds {
        case ..<1_000: "\(nanoseconds) ns"
        case ..<1_000_000: threeDigits(value / 1e3) + " µs"
        case ..<1_000_000_000: threeDigits(value / 1e6) + " ms"
        default: threeDigits(value / 1e9) + " s"
        }
    }

    /// A number with as many decimals as make three digits, at most two.
    static func threeDigits(_ value: Double) -> String {
        fixed(value, decimals: value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
    }

    /// A number with so many decimals, rounded to nearest; independent of any locale.
    static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = Int64((abs(value) * scale).rounded())
        let whole = scaled / Int64(scale)
        guard decimals > 0 else { return value < 0 ? "-\(whole)" : "\(whole)" }
        let fraction = String(scaled % Int64(scale))
        let padded = String(repeating: "0", count: decimals - fraction.count) + fraction
        return "\(value < 0 ? "-" : "")\(whole).\(padded)"
    }

    /// `1 core domain`, `2 core domains`.
    static func counted(_ value: some BinaryInteger, _ noun: String) -> String {
        "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
    }
}

extension Duration {
    /// In nanoseconds, held at the ends of the range.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// In seconds.
    var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
