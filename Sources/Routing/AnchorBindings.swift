//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// Which anchors are bound to which domains: the part of an ``AnchorTable`` that knows nothing of waiters.
///
/// Slots sit in one array; a dictionary finds an anchor's slot. A slot is in one of three states:
///
/// | state | means | in the dictionary | in the idle list |
/// |---|---|---|---|
/// | live | `references > 0` or `turnTaken` | yes | no |
/// | idle | neither; the home is remembered | yes | yes, in the order of turning idle |
/// | free | no anchor | no | no, in the free chain (by `next`) |
@usableFromInline
struct AnchorBindings: Sendable {
    @usableFromInline
    struct Slot: Sendable {
        @usableFromInline var hash: AnchorHash
        @usableFromInline var domain: Int
        @usableFromInline var references: Int
        /// When the last reference went; set while `references == 0`.
        @usableFromInline var idleSince: Int64
        /// The neighbours in the idle list, or the free chain's next.
        @usableFromInline var previous: Int32
        @usableFromInline var next: Int32
        @usableFromInline var isIdle: Bool
        /// Somebody holds the turn; so it is whenever the queue is not empty.
        @usableFromInline var turnTaken: Bool
        @usableFromInline var queue: WaiterQueue
    }

    /// An anchor's hash in the dictionary: it is spread well already, so it is not hashed once more (300 instructions a look-up, of
    /// which a token takes four).
    private struct Key: Hashable {
        let value: UInt64
        init(_ hash: AnchorHash) { value = hash.rawValue }
        func hash(into hasher: inout Hasher) { hasher.combine(value) }
        // What the dictionary asks for; the standard library's own integers answer it themselves, too.
        // swift-format-ignore: NoLeadingUnderscores
        func _rawHashValue(seed: Int) -> Int {
            // Folded with the process's seed, so that keys chosen for equal low bits do not fall together.
            let (high, low) = (value ^ UInt64(bitPattern: Int64(seed))).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            return Int(truncatingIfNeeded: high ^ low)
        }
    }

    /// With nothing bound, more slots than this give their memory back.
    private static let retained = 256

    private let idleCapacity: Int
    private let idleTime: Int64
    private var slotOf: [Key: Int32] = [:]
    @usableFromInline var slots: [Slot] = []
    private var free: Int32 = -1
    private var oldestIdle: Int32 = -1
    private var newestIdle: Int32 = -1
    private(set) var idleCount = 0

    init(idleCapacity: Int, idleTime: Int64) {
        (self.idleCapacity, self.idleTime) = (idleCapacity, idleTime)
    }

    /// Anchors that are live.
    var liveCount: Int { slotOf.count - idleCount }

    /// The slot of a live or remembered anchor.
    @usableFromInline
    func slot(of hash: AnchorHash) -> Int? { slotOf[Key(hash)].map { Int($0) } }

    /// Adds a reference, binding the anchor where it has no home that holds; one look into the dictionary.
    @usableFromInline
    mutating func arrive(_ hash: AnchorHash, now: Int64, forgetsIdle: Bool = false, home: () -> Int) -> Int {
        // The slot that would be used next names no anchor yet; finding it means that the anchor is new.
        let fresh = free >= 0 ? free : Int32(slots.count)
        let slot = Int(Self.claim(&slotOf[Key(hash), default: -1], fresh))
        if slot == Int(fresh) {
            let next = slot < slots.count ? slots[slot].next : -1
            let binding = Slot(
                hash: hash, domain: home(), references: 1, idleSince: 0, previous: -1, next: -1,
                isIdle: false, turnTaken: false, queue: WaiterQueue())
            if slot < slots.count {
                free = next
                slots[slot] = binding
            } else {
                slots.append(binding)
            }
            expireIdle(now: now, atMost: 2)
        } else if slots[slot].isIdle {
            unlinkIdle(slot)
            if forgetsIdle || now &- slots[slot].idleSince >= idleTime { slots[slot].domain = home() }
            slots[slot].references = 1
        } else {
            slots[slot].references &+= 1
        }
        return slot
    }

    private static func claim(_ entry: inout Int32, _ fresh: Int32) -> Int32 {
        if entry < 0 { entry = fresh }
        return entry
    }

    /// Takes a reference away.
    ///
    /// - Returns: false where there was none.
    mutating func depart(_ hash: AnchorHash, now: Int64) -> Bool {
        guard let slot = slot(of: hash), slots[slot].references > 0 else { return false }
        slots[slot].references &-= 1
        if slots[slot].references == 0 {
            slots[slot].idleSince = now
            settle(slot)
        }
        return true
    }

    /// Turns a slot idle, or frees it, once nothing holds it; the time is that of its last departure.
    @usableFromInline
    mutating func settle(_ slot: Int) {
        guard slots[slot].references == 0, !slots[slot].turnTaken else { return }
        guard idleCapacity > 0, idleTime > 0 else { return release(slot) }
        let now = slots[slot].idleSince
        linkIdle(slot)
        if idleCount > idleCapacity { evictOldest() }
        expireIdle(now: now, atMost: 2)
    }

    /// Forgets idle anchors whose time has passed, oldest first.
    ///
    /// - Returns: how many.
    @discardableResult
    mutating func expireIdle(now: Int64, atMost: Int) -> Int {
        var count = 0
        while count < atMost, oldestIdle >= 0, now &- slots[Int(oldestIdle)].idleSince >= idleTime {
            evictOldest()
            count += 1
        }
        return count
    }

    /// Moves the home of an anchor, if it is idle.
    mutating func rehome(_ hash: AnchorHash, to domain: Int) -> Bool {
        guard let slot = slot(of: hash), slots[slot].isIdle else { return false }
        slots[slot].domain = domain
        return true
    }

    /// Moves the homes of all idle anchors of a domain.
    mutating func rehomeIdle(from domain: Int, home: (AnchorHash) -> Int) -> [(hash: AnchorHash, to: Int)] {
        var moved: [(hash: AnchorHash, to: Int)] = []
        var next = oldestIdle
        while next >= 0 {
            let slot = Int(next)
            next = slots[slot].next
            guard slots[slot].domain == domain else { continue }
            slots[slot].domain = home(slots[slot].hash)
            moved.append((slots[slot].hash, slots[slot].domain))
        }
        return moved
    }

    /// Forgets all idle anchors.
    mutating func forgetIdle() {
        while oldestIdle >= 0 { evictOldest() }
    }

    private mutating func evictOldest() {
        let slot = Int(oldestIdle)
        unlinkIdle(slot)
        release(slot)
    }

    private mutating func release(_ slot: Int) {
        slotOf.removeValue(forKey: Key(slots[slot].hash))
        slots[slot].next = free
        free = Int32(slot)
        if slotOf.isEmpty, slots.count > Self.retained { (slotOf, slots, free) = ([:], [], -1) }
    }

    private mutating func linkIdle(_ slot: Int) {
        slots[slot].isIdle = true
        slots[slot].previous = newestIdle
        slots[slot].next = -1
        if newestIdle >= 0 { slots[Int(newestIdle)].next = Int32(slot) } else { oldestIdle = Int32(slot) }
        newestIdle = Int32(slot)
        idleCount &+= 1
    }

    private mutating func unlinkIdle(_ slot: Int) {
        let (previous, next) = (slots[slot].previous, slots[slot].next)
        if previous >= 0 { slots[Int(previous)].next = next } else { oldestIdle = next }
        if next >= 0 { slots[Int(next)].previous = previous } else { newestIdle = previous }
        slots[slot].isIdle = false
        idleCount &-= 1
    }
}
