//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import SwiftSyntax
import SwiftSyntaxBuilder

/// Names for what the expansion declares, which nothing in the function mentions.
///
/// Readable ones, since they are seen in profiles and stack traces.
struct FreshNames {
    private var taken: Set<String>

    init(avoiding declaration: FunctionDeclSyntax) {
        taken = Set(declaration.tokens(viewMode: .sourceAccurate).compactMap(\.identifier?.name))
    }

    /// Answers `wish`, or that with the first number from 2 on that makes it fresh.
    mutating func take(_ wish: String) -> String {
        var name = wish
        var number = 2
        while !taken.insert(name).inserted {
            name = "\(wish)\(number)"
            number += 1
        }
        return name
    }
}

/// Writes out what `#function` says, which would name the local function otherwise.
final class FunctionNameWriter: SyntaxRewriter {
    private let name: String

    init(_ declaration: FunctionDeclSyntax) {
        let labels = declaration.signature.parameterClause.parameters.map { "\($0.firstName.text):" }
        name = "\(declaration.name.identifier?.name ?? declaration.name.text)(\(labels.joined()))"
        super.init()
    }

    override func visit(_ node: MacroExpansionExprSyntax) -> ExprSyntax {
        guard node.macroName.text == "function", node.arguments.isEmpty else { return super.visit(node) }
        let literal = ExprSyntax(StringLiteralExprSyntax(content: name))
        return literal.with(\.leadingTrivia, node.leadingTrivia).with(\.trailingTrivia, node.trailingTrivia)
    }

    override func visit(_ node: FunctionDeclSyntax) -> DeclSyntax { DeclSyntax(node) }
    override func visit(_ node: ClassDeclSyntax) -> DeclSyntax { DeclSyntax(node) }
    override func visit(_ node: StructDeclSyntax) -> DeclSyntax { DeclSyntax(node) }
    override func visit(_ node: EnumDeclSyntax) -> DeclSyntax { DeclSyntax(node) }
    override func visit(_ node: ActorDeclSyntax) -> DeclSyntax { DeclSyntax(node) }
}

/// Finds out whether a body suspends: every place where it can is marked, `async let` apart.
final class SuspensionFinder: SyntaxVisitor {
    private(set) var isFound = false

    static func suspends(_ body: CodeBlockSyntax) -> Bool {
        let finder = SuspensionFinder(viewMode: .sourceAccurate)
        finder.walk(body)
        return finder.isFound
    }

    override func visit(_ token: TokenSyntax) -> SyntaxVisitorContinueKind {
        if token.tokenKind == .keyword(.await) { isFound = true }
        return .visitChildren
    }

    override func visit(_ node: VariableDeclSyntax) -> SyntaxVisitorContinueKind {
        if node.modifiers.contains(where: { $0.name.tokenKind == .keyword(.async) }) { isFound = true }
        // Accessors suspend on their own account.
        for binding in node.bindings { if let value = binding.initializer { walk(value) } }
        return .skipChildren
    }

    // What these await, they await when they are called.
    override func visit(_ node: ClosureExprSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
    override func visit(_ node: FunctionDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
    override func visit(_ node: ClassDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
    override func visit(_ node: StructDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
    override func visit(_ node: EnumDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
    override func visit(_ node: ActorDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
}
