//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CExecution
internal import CTokenGate
internal import DequeModule
internal import Synchronization
internal import TokenCore

/// What a handle other than a token's stands for.
///
/// The raw value is the first word of the memory that the handle points to; a token's begins with the address of its class.
enum HandleKind: UInt {
    case coordinator = 0xC00D_1A70_5EED_0001
    case operation = 0xC00D_1A70_5EED_0003
    case queue = 0xC00D_1A70_5EED_0005
    case subscription = 0xC00D_1A70_5EED_0007
    /// A running body's context, which is no handle of this table.
    case context = 0xC00D_1A70_5EED_0009
    case gone = 0xC00D_1A70_5EED_000B
}

/// The memory behind a handle.
///
/// Never freed, and given out again only after many others: so a handle that was destroyed is known as such.
///
/// `word` is atomic; `object`, an owned reference, is written before it becomes a kind and taken by who makes it `gone`, once
/// nobody is counted in `takers` any more.
private struct Slot: ~Copyable {
    let word: Atomic<UInt>
    /// Threads that are about to take a reference of their own.
    let takers = Atomic<Int>(0)
    var object: UnsafeRawPointer?
}

/// All handles but those of tokens.
enum Handles {
    private typealias Slots = UnsafeMutablePointer<Slot>

    // Addresses, oldest first. Protected by its lock.
    private static let free = Guarded<Deque<UInt>>([])

    /// So many stay out of use after they were destroyed.
    private static let quarantine = 1_024

    /// Makes a handle, which owns a reference to `object`.
    static func make(_ object: AnyObject, _ kind: HandleKind) -> OpaquePointer {
        let reused = free.withLock { $0.count > quarantine ? $0.popFirst() : nil }
        let slot: Slots
        if let reused, let known = Slots(bitPattern: reused) {
            slot = known
        } else {
            slot = Slots.allocate(capacity: 1)
            slot.initialize(to: Slot(word: Atomic(HandleKind.gone.rawValue), object: nil))
        }
        slot.pointee.object = UnsafeRawPointer(Unmanaged.passRetained(object).toOpaque())
        slot.pointee.word.store(kind.rawValue, ordering: .releasing)
        return OpaquePointer(slot)
    }

    private static func slot(
        _ handle: OpaquePointer?, _ kind: HandleKind, _ name: StaticString
    ) throws(Failure) -> Slots {
        guard let handle else { throw .null("\(name)") }
        let address = UInt(bitPattern: handle)
        guard address % UInt(MemoryLayout<Slot>.alignment) == 0, let slot = Slots(bitPattern: address) else {
            throw Failure(TG_E_INVALID_HANDLE, "\(name) \(handle) is no handle")
        }
        let found = slot.pointee.word.load(ordering: .acquiring)
        guard found == kind.rawValue else {
            let what = HandleKind(rawValue: found).map { $0 == .gone ? "was destroyed" : "is that of a \($0)" }
            throw Failure(TG_E_INVALID_HANDLE, "\(name) \(handle) \(what ?? "is that of something else")")
        }
        return slot
    }

    /// Lends what a handle stands for: nobody may destroy the handle meanwhile.
    @inline(__always)
    static func borrow<Object: AnyObject>(
        _ handle: OpaquePointer?, _ kind: HandleKind, _ name: StaticString, as: Object.Type = Object.self
    ) throws(Failure) -> Unmanaged<Object> {
        .fromOpaque(try slot(handle, kind, name).pointee.object.unsafelyUnwrapped)
    }

    /// A reference to what a handle stands for, which others may destroy meanwhile.
    static func reference<Object: AnyObject>(
        _ handle: OpaquePointer?, _ kind: HandleKind, _ name: StaticString, as: Object.Type = Object.self
    ) throws(Failure) -> Object {
        let slot = try slot(handle, kind, name)
        // Counted before the second look: who makes the handle `gone` sees the count, or is seen.
        slot.pointee.takers.add(1, ordering: .sequentiallyConsistent)
        defer { slot.pointee.takers.subtract(1, ordering: .sequentiallyConsistent) }
        guard slot.pointee.word.load(ordering: .sequentiallyConsistent) == kind.rawValue else {
            throw Failure(TG_E_INVALID_HANDLE, "\(name) \(handle as Any) was destroyed")
        }
        return Unmanaged<Object>.fromOpaque(slot.pointee.object.unsafelyUnwrapped).takeUnretainedValue()
    }

    /// Takes what a handle stands for out of it: the handle is gone.
    static func destroy<Object: AnyObject>(
        _ handle: OpaquePointer, _ kind: HandleKind, _ name: StaticString, as: Object.Type = Object.self
    ) throws(Failure) -> Object {
        let slot = try slot(handle, kind, name)
        let (won, _) = slot.pointee.word.compareExchange(
            expected: kind.rawValue, desired: HandleKind.gone.rawValue, ordering: .sequentiallyConsistent)
        guard won, let object = slot.pointee.object else {
            throw Failure(TG_E_INVALID_HANDLE, "\(name) \(handle) was destroyed")
        }
        while slot.pointee.takers.load(ordering: .sequentiallyConsistent) != 0 { tge_yield() }
        slot.pointee.object = nil
        free.withLock { $0.append(UInt(bitPattern: slot)) }
        return Unmanaged<Object>.fromOpaque(object).takeRetainedValue()
    }
}
