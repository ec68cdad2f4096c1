//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Histogram

/// Latencies in nanoseconds, in an HDR histogram of three significant digits.
package struct Latencies: Sendable {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)

    package init() {}

    package init(_ nanoseconds: some Sequence<Int64>) {
        for value in nanoseconds { record(value) }
    }

    package mutating func record(_ nanoseconds: Int64) {
        histogram.record(UInt64(clamping: min(max(nanoseconds, 0), 60_000_000_000)))
    }

    /// A percentile in microseconds.
    package func percentile(_ percentile: Double) -> Double {
        Double(histogram.valueAtPercentile(percentile)) / 1_000
    }

    /// The largest in microseconds.
    package var maximum: Double { Double(histogram.maxRecorded) / 1_000 }
}
