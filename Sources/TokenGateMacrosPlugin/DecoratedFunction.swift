//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder

/// The function that carries the attribute, checked.
struct DecoratedFunction {
    let declaration: FunctionDeclSyntax
    /// What is written between its braces, and them.
    let body: CodeBlockSyntax
    /// The `R` of its result `TaskToken<R>`, as written.
    let output: String
    /// Whether the body suspends, and so runs as an async one.
    let isAsync: Bool
    private let surroundings: [Syntax]

    /// Reports what cannot be decorated; nil where nothing is left to go on with.
    init?(
        _ declaration: some DeclSyntaxProtocol, attribute: AttributeSyntax, surroundings: [Syntax], faults: Faults
    ) {
        guard let function = declaration.as(FunctionDeclSyntax.self) else {
            faults.add(.notAFunction, at: attribute)
            return nil
        }
        guard let written = function.body else {
            faults.add(.noBody(function: function.name.text), at: function.name)
            return nil
        }
        self.declaration = function
        self.surroundings = surroundings
        isAsync = SuspensionFinder.suspends(written)
        body = FunctionNameWriter(function).visit(written).trimmed
        Self.checkAttributes(function, faults)
        Self.checkEffects(function, faults)
        Self.checkParameters(function, faults)
        guard let output = Self.output(function, faults) else { return nil }
        self.output = output
    }

    /// The name as part of another name.
    var plainName: String {
        let name = declaration.name.identifier?.name ?? declaration.name.text
        let isPlain = name.allSatisfy { $0 == "_" || $0.isLetter || $0.isNumber }
        return isPlain ? name : "function"
    }

    /// How the body throws: as the function says, so that `throws(E)` is kept; untyped where it says nothing.
    var throwing: String { declaration.signature.effectSpecifiers?.throwsClause?.trimmedDescription ?? "throws" }

    /// The names that its parameters have inside.
    var parameterNames: [String] {
        declaration.signature.parameterClause.parameters.compactMap { ($0.secondName ?? $0.firstName).identifier?.name }
    }

    /// Whether the guard can be a static of a local type.
    ///
    /// Generic functions have no local types, nor have functions in generic types; what an extension extends, a macro
    /// cannot know. `Self` would be the local type in there. An inlinable function must not have local types.
    func allowsStatic(_ options: GuardOptions) -> Bool {
        let isInlinable = declaration.attributes.contains {
            ["inlinable", "_alwaysEmitIntoClient"].contains(
                $0.as(AttributeSyntax.self)?.attributeName.trimmedDescription ?? "")
        }
        return !isInlinable && !options.mentionSelf && !Self.mentionsSelf(declaration.signature.returnClause)
            && !([Syntax(declaration)] + surroundings).contains(where: Self.mayBeGeneric)
    }

    /// Whether there is a `self` that is an instance.
    var hasInstance: Bool {
        for syntax in [Syntax(declaration)] + surroundings {
            let modifiers = syntax.asProtocol((any WithModifiersSyntax).self)?.modifiers
            if syntax.asProtocol((any DeclGroupSyntax).self) != nil { return true }
            if modifiers?.contains(where: { ["static", "class"].contains($0.name.text) }) == true { return false }
        }
        return false
    }

    static func mentionsSelf(_ syntax: (some SyntaxProtocol)?) -> Bool {
        syntax?.tokens(viewMode: .sourceAccurate).contains { $0.tokenKind == .keyword(.Self) } ?? false
    }

    private static func mayBeGeneric(_ syntax: Syntax) -> Bool {
        if syntax.is(ExtensionDeclSyntax.self) || syntax.is(ProtocolDeclSyntax.self) { return true }
        if syntax.asProtocol((any WithGenericParametersSyntax).self)?.genericParameterClause != nil { return true }
        let parameters =
            syntax.as(FunctionDeclSyntax.self)?.signature.parameterClause
            ?? syntax.as(InitializerDeclSyntax.self)?.signature.parameterClause
            ?? syntax.as(SubscriptDeclSyntax.self)?.parameterClause
        return hasSome(parameters)
    }

    private static func hasSome(_ syntax: (some SyntaxProtocol)?) -> Bool {
        syntax?.tokens(viewMode: .sourceAccurate).contains { $0.tokenKind == .keyword(.some) } ?? false
    }

    /// Reports a second decorator, of which the compiler would expand one and drop the other without a word.
    private static func checkAttributes(_ function: FunctionDeclSyntax, _ faults: Faults) {
        var isFirst = true
        for attribute in function.attributes {
            guard let decorator = attribute.as(AttributeSyntax.self), decorator.isDecorator else { continue }
            if isFirst {
                isFirst = false
                continue
            }
            let others = function.attributes.filter { $0.id != attribute.id }
            faults.add(
                .decoratedTwice(function: function.name.text), at: decorator,
                fixIts: [.replace(function.attributes, with: others, "remove it")])
        }
    }

    private static func checkEffects(_ function: FunctionDeclSyntax, _ faults: Faults) {
        let name = function.name.text
        let signature = function.signature
        if let effects = signature.effectSpecifiers {
            if let asyncSpecifier = effects.asyncSpecifier {
                let mended = signature.with(\.effectSpecifiers, effects.with(\.asyncSpecifier, nil).unlessEmpty)
                faults.add(
                    .asyncFunction(name), at: asyncSpecifier,
                    fixIts: [.replace(signature, with: mended, "remove 'async'")])
            }
            if let clause = effects.throwsClause, clause.throwsSpecifier.tokenKind == .keyword(.rethrows) {
                let mended = signature.with(\.effectSpecifiers, effects.with(\.throwsClause, nil).unlessEmpty)
                faults.add(
                    .rethrowing(name), at: clause, fixIts: [.replace(signature, with: mended, "remove 'rethrows'")])
            }
        }
        if let modifier = function.modifiers.first(where: { ownership.contains($0.name.text) }) {
            var mended = function
            mended.modifiers = function.modifiers.filter { $0.id != modifier.id }
            mended.leadingTrivia = function.leadingTrivia
            let word = modifier.name.text
            faults.add(
                .ownedSelf(name, modifier: word), at: modifier,
                fixIts: [.replace(function, with: mended, "remove '\(word)'")])
        }
    }

    /// Words that tie what they stand before to the duration of the call.
    private static let ownership = ["inout", "mutating", "consuming", "borrowing"]

    private static func checkParameters(_ function: FunctionDeclSyntax, _ faults: Faults) {
        for parameter in function.signature.parameterClause.parameters {
            let name = (parameter.secondName ?? parameter.firstName).text
            let type = parameter.type
            let attributed = type.as(AttributedTypeSyntax.self)
            for specifier in attributed?.specifiers ?? [] where ownership.contains(specifier.trimmedDescription) {
                faults.add(.ownedParameter(name, specifier: specifier.trimmedDescription), at: specifier)
            }
            let attributes = attributed?.attributes.trimmedDescription ?? ""
            if (attributed?.baseType ?? type).is(FunctionTypeSyntax.self), !attributes.contains("@escaping") {
                let missing = attributes.contains("@Sendable") ? "@escaping " : "@escaping @Sendable "
                let mended = TypeSyntax("\(raw: missing)\(type.trimmed)").with(\.trailingTrivia, type.trailingTrivia)
                faults.add(
                    .escapes(parameter: name), at: type,
                    fixIts: [.replace(type, with: mended, "insert '\(missing.dropLast())'")])
            }
        }
    }

    /// What the tokens yield; reports a result that is not a token.
    private static func output(_ function: FunctionDeclSyntax, _ faults: Faults) -> String? {
        let signature = function.signature
        guard let clause = signature.returnClause else {
            let clause = ReturnClauseSyntax(
                arrow: .arrowToken(trailingTrivia: .space), type: TypeSyntax("TaskToken<Void>"), trailingTrivia: .space)
            var mended = signature.with(\.returnClause, clause)
            if !mended.description.dropLast(clause.description.count).hasSuffix(" ") {
                mended.returnClause?.leadingTrivia = .space
            }
            faults.add(
                .resultNotAToken(written: nil), at: function.name,
                fixIts: [.replace(signature, with: mended, "insert '-> TaskToken<Void>'")])
            return nil
        }
        let type = clause.type
        let member = type.as(MemberTypeSyntax.self)
        let name = type.as(IdentifierTypeSyntax.self)?.name.text ?? member?.name.text
        let arguments = type.as(IdentifierTypeSyntax.self)?.genericArgumentClause ?? member?.genericArgumentClause
        if let token = tokenInside(type) {
            faults.add(
                .resultNotAToken(written: type.trimmedDescription), at: type,
                fixIts: [
                    .replace(
                        type, with: token.trimmed.with(\.trailingTrivia, type.trailingTrivia),
                        "replace with '\(token.trimmedDescription)'")
                ])
            return nil
        }
        guard name == "TaskToken" else {
            guard !hasSome(type) else {
                faults.add(.opaqueResult, at: type)
                return nil
            }
            let wrapped = "TaskToken<\(type.trimmedDescription)>"
            let mended = TypeSyntax("\(raw: wrapped)").with(\.trailingTrivia, type.trailingTrivia)
            faults.add(
                .resultNotAToken(written: type.trimmedDescription), at: type,
                fixIts: [.replace(type, with: mended, "replace with '\(wrapped)'")])
            return nil
        }
        guard let arguments, arguments.arguments.count == 1, let output = arguments.arguments.first else {
            faults.add(.resultNotAToken(written: type.trimmedDescription), at: type)
            return nil
        }
        guard !hasSome(type) else {
            faults.add(.opaqueResult, at: type)
            return nil
        }
        return output.argument.trimmedDescription
    }

    /// The token of an optional one, however often it is optional.
    private static func tokenInside(_ type: TypeSyntax) -> TypeSyntax? {
        let generic = type.as(IdentifierTypeSyntax.self)
        let spelledOut = generic?.name.text == "Optional" ? generic?.genericArgumentClause?.arguments.first : nil
        guard
            let wrapped = type.as(OptionalTypeSyntax.self)?.wrappedType
                ?? type.as(ImplicitlyUnwrappedOptionalTypeSyntax.self)?.wrappedType
                ?? spelledOut?.argument.as(TypeSyntax.self)
        else { return nil }
        let name = wrapped.as(IdentifierTypeSyntax.self)?.name.text ?? wrapped.as(MemberTypeSyntax.self)?.name.text
        return name == "TaskToken" ? wrapped : tokenInside(wrapped)
    }
}

extension AttributeSyntax {
    /// Whether it is the macro's, with its module's name or without.
    fileprivate var isDecorator: Bool {
        let name =
            attributeName.as(IdentifierTypeSyntax.self)?.name.text ?? attributeName.as(MemberTypeSyntax.self)?.name.text
        return name == "TaskTokenGuard"
    }
}

extension FunctionEffectSpecifiersSyntax {
    fileprivate var unlessEmpty: FunctionEffectSpecifiersSyntax? {
        asyncSpecifier == nil && throwsClause == nil ? nil : self
    }
}
