//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import SwiftParser
import SwiftSyntax
import SwiftSyntaxMacroExpansion
import SwiftSyntaxMacros
import SwiftSyntaxMacrosGenericTestSupport
import Testing
import TokenGateMacrosPlugin

/// Expands the macro in `source` and compares: the result, the diagnostics with line and column, and what the fix-its of the
/// first one make of it.
func expectExpansion(
    _ source: String, _ expanded: String, diagnostics: [DiagnosticSpec] = [], applying fixIts: [String]? = nil,
    fixed: String? = nil, at location: Testing.SourceLocation = #_sourceLocation
) {
    assertMacroExpansion(
        source, expandedSource: expanded, diagnostics: diagnostics,
        macroSpecs: ["TaskTokenGuard": MacroSpec(type: TaskTokenGuardMacro.self)],
        applyFixIts: fixIts, fixedSource: fixed
    ) { failure in
        Issue.record(Comment(rawValue: failure.message), sourceLocation: location)
    }
}

/// The expansion of what has no faults.
func expanded(_ source: String) -> String {
    let file = Parser.parse(source: source)
    let context = BasicMacroExpansionContext(
        sourceFiles: [file: .init(moduleName: "MacroTests", fullFilePath: "MacroTests.swift")])
    let result = file.expand(macros: ["TaskTokenGuard": TaskTokenGuardMacro.self]) {
        BasicMacroExpansionContext(sharingWith: context, lexicalContext: $0.allMacroLexicalContexts())
    }
    #expect(context.diagnostics.isEmpty)
    return result.description
}

/// What the macro makes of each kind of function.
@Suite struct ExpansionTests {
    @Test("The body becomes a local function, the guard a static of a local type; all else stays")
    func plain() {
        expectExpansion(
            """
            /// Counts.
            @available(*, deprecated)
            @TaskTokenGuard("string_ops", weight: .light)
            @discardableResult
            public func stringOp(_ s: String) throws -> TaskToken<Int> {
                // A comment.
                let count = s.count
                return count
            }
            """,
            """
            /// Counts.
            @available(*, deprecated)
            @discardableResult
            public func stringOp(_ s: String) throws -> TaskToken<Int> {
                enum Decorated {
                    nonisolated static let operation = TokenCore.TaskTokenGuard<@Sendable () throws -> Int, Int>("string_ops", weight: .light) { body in
                        try body()
                    }
                }
                @Sendable nonisolated func stringOpBody() throws -> Int {
                    // A comment.
                    let count = s.count
                    return count
                }
                return Decorated.operation(stringOpBody)
            }
            """)
    }

    @Test("A body that awaits is async, and throws what the function says")
    func async() {
        expectExpansion(
            """
            @TaskTokenGuard("load", storage: .slow)
            func load(_ n: Int) throws(Sour) -> TokenGate.TaskToken<[Int]> { await read(n) }
            """,
            """
            func load(_ n: Int) throws(Sour) -> TokenGate.TaskToken<[Int]> {
                enum Decorated {
                    nonisolated static let operation = TokenCore.TaskTokenGuard<@Sendable () async throws -> [Int], [Int]>("load", storage: .slow) { body in
                        try await body()
                    }
                }
                @Sendable nonisolated func loadBody() async throws(Sour) -> [Int] {
                    await read(n)
                }
                return Decorated.operation(loadBody)
            }
            """)
    }

    @Test("An `await` of a closure or a function inside is not the body's; `async let` is")
    func innerAwait() {
        let inner = ["_ = { await f() }", "func g() async { await f() }", "struct S { func g() async { await f() } }"]
        for line in inner {
            #expect(isAsync(body: line) == false, "\(line)")
        }
        for line in [
            "async let x = f()", "for await x in y {}", "if a { _ = try await f() }", "let (a, b) = await f()",
        ] {
            #expect(isAsync(body: line) == true, "\(line)")
        }
    }

    @Test("A computed key is passed with the body")
    func computedKey() {
        expectExpansion(
            """
            @TaskTokenGuard("deposit", weight: .light, anchorBy: { (user: Int) in user }, ordered: true)
            func deposit(_ amount: Int, to user: Int) -> TaskToken<Int> { amount }
            """,
            """
            func deposit(_ amount: Int, to user: Int) -> TaskToken<Int> {
                enum Decorated {
                    nonisolated static let operation = TokenCore.TaskTokenGuard<TokenGateMacros.AnchoredCall<@Sendable () throws -> Int>, Int>("deposit", weight: .light, locality: .sticky(ordered: true) { call in
                            call
                        }) { call in
                        try call.body()
                    }
                }
                @Sendable nonisolated func depositBody() throws -> Int {
                    amount
                }
                return Decorated.operation(TokenGateMacros.AnchoredCall(by: { (user: Int) in
                            user
                        }, user, body: depositBody))
            }
            """)
    }

    @Test("A fixed key, and external calls, become the guard's locality")
    func locality() {
        expectOperation(
            "@TaskTokenGuard(name, anchor: \"k\")", "(name, locality: .sticky(\"k\"))")
        expectOperation(
            "@TaskTokenGuard(\"op\", anchor: key, ordered: flag)", "(\"op\", locality: .sticky(key, ordered: flag))")
        expectOperation(
            "@TaskTokenGuard(\"op\", weight: .heavy, externalCalls: [\"a\", \"b\"])",
            "(\"op\", weight: .heavy, locality: .lead(externalCalls: [\"a\", \"b\"]))")
        expectOperation("@TaskTokenGuard(\"op\", storage: nil, anchor: nil)", "(\"op\")")
    }

    @Test("Options become the guard's, behind its locality; one that names `Self` is made by the call")
    func options() {
        expectOperation(
            "@TaskTokenGuard(\"op\", options: OperationOptions(retry: RetryPolicy(attempts: 3)))",
            "(\"op\", options: OperationOptions(retry: RetryPolicy(attempts: 3)))")
        expectOperation(
            "@TaskTokenGuard(\"op\", weight: .light, storage: .slow, anchor: \"k\", ordered: true, options: mine)",
            "(\"op\", weight: .light, storage: .slow, locality: .sticky(\"k\", ordered: true), options: mine)")
        expectOperation(
            "@TaskTokenGuard(\"op\", externalCalls: [\"a\"], options: mine)",
            "(\"op\", locality: .lead(externalCalls: [\"a\"]), options: mine)")
        expectOperation("@TaskTokenGuard(\"op\", options: nil)", "(\"op\")")
        let keyed = expanded(
            "@TaskTokenGuard(\"op\", anchorBy: { (n: Int) in n }, options: mine) func f(n: Int) -> TaskToken<Int> { n }"
        )
        #expect(keyed.contains("options: mine) { call in"))
        let own = expanded("struct S { @TaskTokenGuard(\"op\", options: Self.mine) func f() -> TaskToken<Int> { 1 } }")
        #expect(own.contains("options: Self.mine)") && !own.contains("static let operation"))
    }

    @Test("Generic functions have no local types: the guard is made by the call")
    func generic() {
        expectExpansion(
            """
            @TaskTokenGuard("same")
            func same<T: Sendable>(_ value: T) -> TaskToken<T> { value }
            """,
            """
            func same<T: Sendable>(_ value: T) -> TaskToken<T> {
                let operation = TokenCore.TaskTokenGuard<@Sendable () throws -> T, T>("same") { body in
                    try body()
                }
                @Sendable nonisolated func sameBody() throws -> T {
                    value
                }
                return operation(sameBody)
            }
            """)
    }

    @Test("A static is made wherever the language has one")
    func statics() {
        let function = "@TaskTokenGuard(\"op\") func f() -> TaskToken<Int> { 1 }"
        let with = [
            "struct S { \(function) }", "class C { class D { \(function) } }", "actor A { \(function) }",
            "func g() { \(function) }",
        ]
        let without = [
            "struct S<T> { \(function) }", "class C<T> { class D { \(function) } }", "extension S { \(function) }",
            "func g<T>(_ t: T) { \(function) }", "func g(_ t: some P) { \(function) }",
            "struct S { @TaskTokenGuard(\"op\") func f() -> TaskToken<Self> { self } }",
            "struct S { @TaskTokenGuard(Self.name) func f() -> TaskToken<Int> { 1 } }",
            "@TaskTokenGuard(\"op\") func f(_ t: some P) -> TaskToken<Int> { 1 }",
            "@inlinable @TaskTokenGuard(\"op\") func f() -> TaskToken<Int> { 1 }",
        ]
        for source in with { #expect(expanded(source).contains("static let operation"), "\(source)") }
        for source in without { #expect(expanded(source).contains("let operation"), "\(source)") }
        for source in without { #expect(!expanded(source).contains("static let operation"), "\(source)") }
    }

    @Test("Names that the function uses are left to it, and `#function` means the function")
    func names() {
        expectExpansion(
            """
            @TaskTokenGuard("names")
            func names(_ Decorated: Int, of namesBody: Int) -> TaskToken<String> { #function }
            """,
            """
            func names(_ Decorated: Int, of namesBody: Int) -> TaskToken<String> {
                enum Decorated2 {
                    nonisolated static let operation = TokenCore.TaskTokenGuard<@Sendable () throws -> String, String>("names") { body in
                        try body()
                    }
                }
                @Sendable nonisolated func namesBody2() throws -> String {
                    "names(_:of:)"
                }
                return Decorated2.operation(namesBody2)
            }
            """)
    }

    private func expectOperation(
        _ attribute: String, _ arguments: String, at location: Testing.SourceLocation = #_sourceLocation
    ) {
        let text = expanded("\(attribute) func f() -> TaskToken<Int> { 1 }")
        #expect(
            text.contains("TaskTokenGuard<@Sendable () throws -> Int, Int>\(arguments) {"), sourceLocation: location)
    }

    private func isAsync(body: String) -> Bool {
        expanded("@TaskTokenGuard(\"op\") func f() -> TaskToken<Int> { \(body) }").contains("func fBody() async throws")
    }
}
