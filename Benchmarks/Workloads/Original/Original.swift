//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// A wave of the original's benchmark: its four operations in turn.
struct OriginalWave: Waves {
    let size: Int
    let repeats: Int

    /// For programs in other languages.
    var arguments: [String] { ["\(size)", "\(repeats)"] }

    func serial() -> UInt64 {
        let turns = OriginalOperation.plain
        return (0..<size).reduce(0) { $0 &+ turns[$1 % turns.count]($1) }
    }
}

/// The benchmark of the Python original, tg-guard, beside the same in Swift.
///
/// Efficiency compares each with the serial loop of its own language. Unlike the original's, the clock runs while tokens
/// are submitted, and nothing that tokens say of themselves counts.
struct Original: Workload {
    let name = "original"
    let title = "the Python original's own benchmark: four operations in turn, in waves of 8 to 16,384"
    let metrics = OriginalWave.metrics

    var isOptional: Bool { true }

    var contenders: [any Contender<OriginalWave>] {
        [
            OriginalTokenGate(), OriginalSerial(),
            ExternalPeer("tg-guard, in Python", .python) { ["original", "tokens"] + $0.arguments },
            ExternalPeer("serial loop, in Python", .python, .reference) { ["original", "serial"] + $0.arguments },
        ]
    }

    func points(_ scale: Scale) -> [Point<OriginalWave>] {
        scale.pick([8, 64, 512, 4_096, 16_384], quick: [8, 64]).map { size in
            let repeats = max(1, scale.pick(4_096, quick: 512) / size)
            return Point("waves of \(size)", OriginalWave(size: size, repeats: repeats))
        }
    }

    func checksum(_ wave: OriginalWave) -> UInt64 { wave.checksum }
}
