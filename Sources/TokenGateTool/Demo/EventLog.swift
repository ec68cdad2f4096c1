//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization
import TokenGate

/// Collects what a coordinator tells while a load runs, as far as it is wanted.
///
/// It subscribes when it is made, so nothing that comes later is missed; what its buffer had no room for is counted.
struct EventLog<Entry: Sendable>: Sendable {
    private let events: EventSubscription
    private let reader: Task<Void, Never>
    private let list: EntryList<Entry>

    /// Listens from now on.
    init(_ coordinator: OperationsCoordinator, _ wanted: @escaping @Sendable (Event.Kind) -> Entry?) {
        let events = coordinator.events
        let list = EntryList<Entry>()
        self.events = events
        self.list = list
        reader = Task {
            for await event in events {
                if let entry = wanted(event.kind) { list.append(entry) }
            }
        }
    }

    /// What has come so far, in order.
    var entries: [Entry] { list.entries }

    /// How many events were lost: whoever judges what is missing must look at it.
    var lost: UInt64 { events.dropped }

    /// Waits until so many have come, or a time has passed.
    ///
    /// - Returns: whether they came.
    func waitFor(_ count: Int, atMost limit: Duration) async -> Bool {
        let start = ContinuousClock.now
        while list.entries.count < count, .now - start < limit { try? await Task.sleep(for: .milliseconds(1)) }
        return list.entries.count >= count
    }

    /// Listens no more.
    func end() { reader.cancel() }
}

/// A list that one task appends to and others read.
private final class EntryList<Entry: Sendable>: Sendable {
    private let list = Mutex<[Entry]>([])

    func append(_ entry: Entry) { list.withLock { $0.append(entry) } }

    var entries: [Entry] { list.withLock { $0 } }
}
