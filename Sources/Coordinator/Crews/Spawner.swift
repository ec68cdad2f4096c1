//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import TokenCore

/// Makes threads on behalf of heavy workers.
///
/// A new thread inherits the nice value of its maker, and without privilege cannot get a better one; so a storage or
/// spare thread must not be made by a worker that has taken a higher value. This thread has taken none.
///
/// `requests` and `isClosed` are protected by the lock.
final class Spawner: Sendable {
    private struct State {
        var requests: [Crew] = []
        var isClosed = false
    }
    private let state = Guarded(State())
    private let parker = Parker()

    /// Starts the thread; `make` is called on it for each request.
    ///
    /// Where it cannot be started, `ask` answers false.
    func start(_ make: @escaping @Sendable (Crew) -> Void) {
        let thread = try? PinnedThread.spawn(name: "tg-spawn", cpus: nil, stackSize: 256 << 10) { [self] _ in
            while true {
                let (crews, isClosed) = state.withLock { state in
                    let crews = state.requests
                    state.requests = []
                    return (crews, state.isClosed)
                }
                crews.forEach(make)
                if isClosed { return }
                if crews.isEmpty { _ = parker.park() }
            }
        }
        if let thread { thread.detach() } else { close() }
    }

    /// Has a thread of a crew made soon; false when there is nobody to do it.
    func ask(for crew: Crew) -> Bool {
        let taken = state.withLock { state in
            if !state.isClosed { state.requests.append(crew) }
            return !state.isClosed
        }
        if taken { parker.unpark() }
        return taken
    }

    /// Ends the thread, after what it was asked for.
    func close() {
        state.withLock { $0.isClosed = true }
        parker.unpark()
    }
}
