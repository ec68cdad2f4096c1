//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

package import CTokenGate

/// A structure of the API that begins with `struct_size` and grows at its end.
protocol Growing {
    /// All zero.
    init()
}
extension tg_stop_report: Growing {}
extension tg_statistics: Growing {}
extension tg_health: Growing {}

/// One that the caller fills in.
protocol Options: Growing {
    /// What it was in each version that changed it, in bytes, the present one last: a size in between would cut a field in two.
    static var sizes: [Int] { get }
}
extension tg_config: Options { static var sizes: [Int] { [96, 112, 136] } }
extension tg_operation_options: Options { static var sizes: [Int] { [72, 120, 144] } }
extension tg_submit_options: Options { static var sizes: [Int] { [72, 80, 136] } }
extension tg_retry_policy: Options { static var sizes: [Int] { [64] } }
extension tg_rate_limit: Options { static var sizes: [Int] { [24] } }
extension tg_circuit_breaker: Options { static var sizes: [Int] { [40] } }

/// Options as the caller gave them: what the library does not find is zero.
struct Given<Structure: Options> {
    /// What could be read, also where its unknown rest is a problem: what is transferred must be destroyed all the same.
    let value: Structure
    private let problem: Failure?

    init(_ pointer: UnsafePointer<Structure>?) {
        var value = Structure()
        guard let pointer else {
            (self.value, problem) = (value, nil)
            return
        }
        let source = UnsafeRawPointer(pointer)
        let size = source.load(as: Int.self)
        let known = MemoryLayout<Structure>.size
        // The usual size first.
        guard size == known || Structure.sizes.contains(size) || (known...Self.most).contains(size) else {
            (self.value, problem) = (value, Failure(TG_E_STRUCT_SIZE, "struct_size \(size) of \(Structure.self)"))
            return
        }
        withUnsafeMutableBytes(of: &value) { $0.baseAddress?.copyMemory(from: source, byteCount: min(size, known)) }
        let rest = UnsafeRawBufferPointer(start: source, count: size).dropFirst(known)
        self.value = value
        problem =
            rest.allSatisfy { $0 == 0 }
            ? nil
            : Failure(
                TG_E_STRUCT_SIZE, "\(Structure.self) of \(size) bytes: what comes after byte \(known) is not known here"
            )
    }

    /// More than any version will have: it is not memory of the caller's, then, that should be looked at.
    private static var most: Int { 4_096 }

    @inline(__always)
    func checked() throws(Failure) -> Structure {
        if let problem { throw problem }
        return value
    }
}

/// Whether the caller's structure can be written to.
func checkRoom<Structure: Growing>(_ target: UnsafeMutablePointer<Structure>) throws(Failure) {
    let size = UnsafeRawPointer(target).load(as: Int.self)
    guard size >= MemoryLayout<Int>.size else {
        throw Failure(TG_E_STRUCT_SIZE, "struct_size \(size) of \(Structure.self)")
    }
}

/// Writes a structure to the caller, as much as there is room for; its size stays.
func give<Structure: Growing>(_ value: Structure, to target: UnsafeMutablePointer<Structure>) {
    let target = UnsafeMutableRawPointer(target)
    let head = MemoryLayout<Int>.size
    let size = min(target.load(as: Int.self), MemoryLayout<Structure>.size)
    withUnsafeBytes(of: value) { bytes in
        (target + head).copyMemory(from: bytes.baseAddress.unsafelyUnwrapped + head, byteCount: size - head)
    }
}

/// Zeroes a structure of the caller's and notes its size.
private func initialize(_ structure: UnsafeMutableRawPointer?, _ size: Int, _ name: StaticString) -> tg_status {
    attempt { () throws(Failure) in
        guard let structure else { throw .null("\(name)") }
        guard size >= MemoryLayout<Int>.size else {
            throw Failure(TG_E_STRUCT_SIZE, "struct_size \(size) of \(name)")
        }
        structure.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        structure.storeBytes(of: size, as: Int.self)
    }
}

@c @implementation
package func tg_config_init(_ config: UnsafeMutablePointer<tg_config>?, _ struct_size: Int) -> tg_status {
    initialize(config, struct_size, "config")
}

@c @implementation
package func tg_operation_options_init(
    _ options: UnsafeMutablePointer<tg_operation_options>?, _ struct_size: Int
) -> tg_status { initialize(options, struct_size, "options") }

@c @implementation
package func tg_submit_options_init(
    _ options: UnsafeMutablePointer<tg_submit_options>?, _ struct_size: Int
) -> tg_status { initialize(options, struct_size, "options") }

@c @implementation
package func tg_retry_policy_init(_ policy: UnsafeMutablePointer<tg_retry_policy>?, _ struct_size: Int) -> tg_status {
    initialize(policy, struct_size, "policy")
}

@c @implementation
package func tg_rate_limit_init(_ limit: UnsafeMutablePointer<tg_rate_limit>?, _ struct_size: Int) -> tg_status {
    initialize(limit, struct_size, "limit")
}

@c @implementation
package func tg_circuit_breaker_init(
    _ breaker: UnsafeMutablePointer<tg_circuit_breaker>?, _ struct_size: Int
) -> tg_status { initialize(breaker, struct_size, "breaker") }
