//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import SwiftDiagnostics
import SwiftSyntax

/// How each call computes the key of its anchor: from its arguments, or from the method's own instance.
enum ComputedKey {
    /// The closure or key path, then what it is applied to; reports what cannot be applied.
    static func read(_ expression: ExprSyntax, of function: DecoratedFunction, _ faults: Faults) -> String? {
        let name = function.declaration.name.text
        if expression.is(KeyPathExprSyntax.self) {
            guard function.hasInstance else {
                faults.add(.anchorByWithoutInstance(function: name), at: expression)
                return nil
            }
            return "\(expression.trimmedDescription), self"
        }
        guard let closure = expression.as(ClosureExprSyntax.self), let parameters = parameters(of: closure),
            !parameters.isEmpty
        else {
            faults.add(.anchorByNeedsNames, at: expression)
            return nil
        }
        let known = function.parameterNames
        for parameter in parameters {
            guard let own = parameter.identifier?.name else {
                faults.add(.anchorByNeedsNames, at: parameter)
                return nil
            }
            guard known.contains(own) else {
                let fixIts = known.nearest(to: own).map { renaming(own, to: $0, in: closure) }
                faults.add(
                    .anchorByUnknownParameter(own, function: name), at: parameter, fixIts: [fixIts].compactMap(\.self))
                return nil
            }
        }
        return ([expression.trimmedDescription] + parameters.map(\.text)).joined(separator: ", ")
    }

    private static func parameters(of closure: ClosureExprSyntax) -> [TokenSyntax]? {
        switch closure.signature?.parameterClause {
        case .simpleInput(let list): list.map(\.name)
        case .parameterClause(let clause): clause.parameters.map { $0.secondName ?? $0.firstName }
        case nil: nil
        }
    }

    private static func renaming(_ name: String, to meant: String, in closure: ClosureExprSyntax) -> FixIt {
        FixIt(
            message: Mending(message: "replace with '\(meant)'"),
            changes: closure.tokens(viewMode: .sourceAccurate).filter { $0.identifier?.name == name }.map {
                .replace(oldNode: Syntax($0), newNode: Syntax($0.with(\.tokenKind, .identifier(meant))))
            })
    }
}

extension [String] {
    /// The one that `word` was meant to be: at most two letters away, and not made of those alone.
    func nearest(to word: String) -> String? {
        let distances = map { ($0, distance($0, word)) }
        return distances.filter { $0.1 <= 2 && $0.1 < $0.0.count }.min { $0.1 < $1.1 }?.0
    }

    /// How many letters have to be inserted, removed, replaced, or swapped with their neighbour.
    private func distance(_ left: String, _ right: String) -> Int {
        let left = [Character](left)
        let right = [Character](right)
        var rows = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
        for i in 0...left.count { rows[i][0] = i }
        for j in 0...right.count { rows[0][j] = j }
        for i in left.indices {
            for j in right.indices {
                var best = Swift.min(rows[i][j + 1] + 1, rows[i + 1][j] + 1, rows[i][j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    best = Swift.min(best, rows[i - 1][j - 1] + 1)
                }
                rows[i + 1][j + 1] = best
            }
        }
        return rows[left.count][right.count]
    }
}
