//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

package import SwiftSyntax
import SwiftSyntaxBuilder
package import SwiftSyntaxMacros

/// `@TaskTokenGuard`: makes a call of the function a submission of what is written as its body.
///
/// The written body becomes a local function, so that parameters, `self`, generic parameters and what surrounds the
/// function mean in it what they meant where it was written. The guard is a static of a local type, made once; where the
/// language has no such statics (`DecoratedFunction.allowsStatic`), it is made by each call. What a call hands to the
/// guard as its input is the local function.
package enum TaskTokenGuardMacro: BodyMacro {
    package static func expansion(
        of attribute: AttributeSyntax,
        providingBodyFor declaration: some DeclSyntaxProtocol & WithOptionalCodeBlockSyntax,
        in context: some MacroExpansionContext
    ) throws -> [CodeBlockItemSyntax] {
        let faults = Faults(context)
        let function = DecoratedFunction(
            declaration, attribute: attribute, surroundings: context.lexicalContext, faults: faults)
        let options = GuardOptions(attribute, of: function, faults: faults)
        guard let function, let options, !faults.wereFound else {
            // Fits every result type, so that the compiler has nothing to add.
            return ["fatalError(\"a function that @TaskTokenGuard could not expand\")"]
        }
        return try expansion(of: function, options)
    }

    private static func expansion(
        of function: DecoratedFunction, _ options: GuardOptions
    ) throws -> [CodeBlockItemSyntax] {
        var names = FreshNames(avoiding: function.declaration)
        let bodyName = names.take("\(function.plainName)Body")
        let effects = function.isAsync ? "async throws" : "throws"
        let tryIt = function.isAsync ? "try await" : "try"
        let output = function.output
        let bodyType = "@Sendable () \(effects) -> \(output)"

        let input: String
        let call: String
        let submitted: String
        if let key = options.computedKey {
            input = "TokenGateMacros.AnchoredCall<\(bodyType)>"
            call = "{ call in \(tryIt) call.body() }"
            submitted = "TokenGateMacros.AnchoredCall(by: \(key), body: \(bodyName))"
        } else {
            input = bodyType
            call = "{ body in \(tryIt) body() }"
            submitted = bodyName
        }
        let make = "TokenCore.TaskTokenGuard<\(input), \(output)>(\(options.guardArguments)) \(call)"

        var items: [CodeBlockItemSyntax] = []
        let guardName: String
        if function.allowsStatic(options) {
            let type = names.take("Decorated")
            guardName = "\(type).operation"
            items.append(
                """
                enum \(raw: type) {
                    nonisolated static let operation = \(raw: make)
                }
                """)
        } else {
            guardName = names.take("operation")
            items.append("let \(raw: guardName) = \(raw: make)")
        }
        let bodyEffects = function.isAsync ? "async \(function.throwing)" : function.throwing
        let bodyHeader = "@Sendable nonisolated func \(bodyName)() \(bodyEffects) -> \(output)"
        var body = try FunctionDeclSyntax("\(raw: bodyHeader)") {}
        // Put in, not interpolated: that would indent it anew.
        body.body = function.body
        items.append(CodeBlockItemSyntax(item: .decl(DeclSyntax(body))))
        items.append("return \(raw: guardName)(\(raw: submitted))")
        return items
    }
}
