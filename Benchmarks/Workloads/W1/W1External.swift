//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import BenchmarkHarness

/// The contenders in other languages, TokenGate's own C API among them.
enum W1External {
    static var all: [any Contender<Int>] {
        [
            ExternalPeer("TokenGate from C, a call a task", .c, .ours) { ["w1", "calls", "\($0)"] },
            ExternalPeer("TokenGate from C, in bulk", .c, .ours) { ["w1", "bulk", "\($0)"] },
            ExternalPeer("TokenGate from C, completion queue", .c, .ours) { ["w1", "queue", "\($0)"] },
            peer("Go, workers over one channel", .go, "channel"),
            peer("Go, the same, a handle a task", .go, "handles"),
            peer("Go, a goroutine a task", .go, "goroutine"),
            peer("rayon scope", .rust, "rayon-scope"), peer("rayon spawn", .rust, "rayon-spawn"),
            peer("tokio spawn", .rust, "tokio-spawn"), peer("tokio spawn_blocking", .rust, "tokio-blocking"),
        ]
    }

    private static func peer(_ name: String, _ program: PeerProgram, _ way: String) -> ExternalPeer<Int> {
        ExternalPeer(name, program) { ["w1", way, "\($0)"] }
    }
}
