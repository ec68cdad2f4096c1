//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Routing
internal import Synchronization
internal import TokenCore

/// Who stands in a line with an earlier permit in hand, by the line of that one.
///
/// Whoever comes to stand in a line is listed under that line's lock; it is taken off when it has all that it needs, or has lost the
/// permit. In between it may have left the line: whoever looks for it there does so under the line's lock.
struct Standers {
    struct Place {
        let line: Engine.Line
        let kind: Engine.PermitKind
    }

    private struct Holders {
        let line: Engine.Line
        let kind: Engine.PermitKind
        /// Where they stand, by the numbers of their tokens.
        var places: [UInt64: Place] = [:]
    }

    private var lines: [ObjectIdentifier: Holders] = [:]

    /// How many lines' permits are held by some who stand in another.
    var count: Int { lines.count }

    mutating func add(_ number: UInt64, _ kind: Engine.PermitKind, of line: Engine.Line, in place: Place) {
        lines[ObjectIdentifier(line), default: Holders(line: line, kind: kind)].places[number] = place
    }

    mutating func remove(_ number: UInt64, of line: Engine.Line) {
        let key = ObjectIdentifier(line)
        lines[key]?.places[number] = nil
        if lines[key]?.places.isEmpty == true { lines[key] = nil }
    }

    /// Where those stand who have a line's permits.
    func places(of line: Engine.Line) -> [UInt64: Place] { lines[ObjectIdentifier(line)]?.places ?? [:] }

    /// The lines of earlier permits that some have who stand in line.
    func lines(before kind: Engine.PermitKind) -> [(line: Engine.Line, kind: Engine.PermitKind)] {
        lines.values.filter { $0.kind.rawValue < kind.rawValue }.map { ($0.line, $0.kind) }
    }
}

extension Engine {
    /// A token, or the body of one, comes to stand in a line, under whose lock this is called.
    func noteStander(_ token: AnyTaskToken, having earlier: [(kind: PermitKind, line: Line)], in place: Standers.Place)
    {
        if earlier.isEmpty { return }
        standers.withLock { standers in
            for (kind, line) in earlier {
                standers.add(Unmanaged.passUnretained(token).number, kind, of: line, in: place)
            }
            standingLines.store(standers.count, ordering: .sequentiallyConsistent)
        }
    }

    /// The lines of the permits among some.
    func lines(of permits: TokenTags.Holdings, _ token: AnyTaskToken) -> [(kind: PermitKind, line: Line)] {
        if permits.isEmpty { return [] }
        return PermitKind.allCases.compactMap { kind in
            permits.contains(kind.holding) ? standingLine(kind, of: token).map { (kind, $0) } : nil
        }
    }

    /// It has all that it needs.
    func forgetStander(_ token: AnyTaskToken) {
        if standingLines.load(ordering: .sequentiallyConsistent) == 0 { return }
        for (_, line) in lines(of: token.holdings.intersection(.permits), token) { forgetStander(token, line) }
    }

    /// It loses its permit of a line.
    func forgetStander(_ token: AnyTaskToken, _ line: Line) {
        if standingLines.load(ordering: .sequentiallyConsistent) == 0 { return }
        standers.withLock { standers in
            standers.remove(Unmanaged.passUnretained(token).number, of: line)
            standingLines.store(standers.count, ordering: .sequentiallyConsistent)
        }
    }
}
