//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import SwiftDiagnostics
import SwiftSyntaxMacrosGenericTestSupport
import Testing

/// Every misuse that the macro sees: what it says, where, and what its fix-its make of it.
///
/// The attribute stands in line 1, the function in line 2.
@Suite struct MisuseTests {
    @Test("An async function")
    func asyncFunction() {
        expectFault(
            "asyncFunction", "@TaskTokenGuard(\"op\")", "func fetch(_ n: Int) async throws -> TaskToken<Int>", "{ n }",
            "'fetch' cannot be 'async': a call returns its token at once; a body that awaits is run as an async body",
            line: 2, column: 22,
            fixIts: [
                "remove 'async'": ["@TaskTokenGuard(\"op\")", "func fetch(_ n: Int) throws -> TaskToken<Int> { n }"]
            ])
        expectFault(
            "asyncFunction", "@TaskTokenGuard(\"op\")", "func fetch() async -> TaskToken<Int>", "{ await load() }",
            "'fetch' cannot be 'async': a call returns its token at once; a body that awaits is run as an async body",
            line: 2, column: 14,
            fixIts: ["remove 'async'": ["@TaskTokenGuard(\"op\")", "func fetch() -> TaskToken<Int> { await load() }"]])
    }

    @Test("A function that rethrows")
    func rethrowing() {
        expectFault(
            "rethrowing", "@TaskTokenGuard(\"op\")", "func twice() rethrows -> TaskToken<Int>", "{ 2 }",
            "'twice' cannot be 'rethrows': what its body throws settles the token", line: 2, column: 14,
            fixIts: ["remove 'rethrows'": ["@TaskTokenGuard(\"op\")", "func twice() -> TaskToken<Int> { 2 }"]])
    }

    @Test("A result that is not a token")
    func notAToken() {
        expectFault(
            "resultNotAToken", "@TaskTokenGuard(\"op\")", "func length(_ s: String) -> Int", "{ s.count }",
            "the result of a decorated function is a 'TaskToken', not 'Int'", line: 2, column: 29,
            fixIts: [
                "replace with 'TaskToken<Int>'": [
                    "@TaskTokenGuard(\"op\")", "func length(_ s: String) -> TaskToken<Int> { s.count }",
                ]
            ])
        expectFault(
            "resultNotAToken", "@TaskTokenGuard(\"op\")", "func length() -> TaskToken", "{ 1 }",
            "the result of a decorated function is a 'TaskToken', not 'TaskToken'", line: 2, column: 18)
    }

    @Test("A token that is optional: no token of a token is offered")
    func optionalToken() {
        for written in ["TaskToken<Int>?", "TaskToken<Int>!", "TaskToken<Int>??", "Optional<TaskToken<Int>>"] {
            expectFault(
                "resultNotAToken", "@TaskTokenGuard(\"op\")", "func length() throws -> \(written)", "{ 1 }",
                "the result of a decorated function is a 'TaskToken', not '\(written)'", line: 2, column: 25,
                fixIts: [
                    "replace with 'TaskToken<Int>'": [
                        "@TaskTokenGuard(\"op\")", "func length() throws -> TaskToken<Int> { 1 }",
                    ]
                ])
        }
        expectFault(
            "resultNotAToken", "@TaskTokenGuard(\"op\")", "func length() -> TokenCore.TaskToken<Int?>?", "{ 1 }",
            "the result of a decorated function is a 'TaskToken', not 'TokenCore.TaskToken<Int?>?'", line: 2,
            column: 18,
            fixIts: [
                "replace with 'TokenCore.TaskToken<Int?>'": [
                    "@TaskTokenGuard(\"op\")", "func length() -> TokenCore.TaskToken<Int?> { 1 }",
                ]
            ])
        expectFault(
            "resultNotAToken", "@TaskTokenGuard(\"op\")", "func length() -> Int?", "{ 1 }",
            "the result of a decorated function is a 'TaskToken', not 'Int?'", line: 2, column: 18,
            fixIts: [
                "replace with 'TaskToken<Int?>'": [
                    "@TaskTokenGuard(\"op\")", "func length() -> TaskToken<Int?> { 1 }",
                ]
            ])
    }

    @Test("No result")
    func noResult() {
        expectFault(
            "resultNotAToken", "@TaskTokenGuard(\"op\")", "func note(_ s: String)", "{ print(s) }",
            "the result of a decorated function is a 'TaskToken'; this one declares none", line: 2, column: 6,
            fixIts: [
                "insert '-> TaskToken<Void>'": [
                    "@TaskTokenGuard(\"op\")", "func note(_ s: String) -> TaskToken<Void> { print(s) }",
                ]
            ])
        expectFault(
            "resultNotAToken", "@TaskTokenGuard(\"op\")", "func note() throws", "{ print() }",
            "the result of a decorated function is a 'TaskToken'; this one declares none", line: 2, column: 6,
            fixIts: [
                "insert '-> TaskToken<Void>'": [
                    "@TaskTokenGuard(\"op\")", "func note() throws -> TaskToken<Void> { print() }",
                ]
            ])
    }

    @Test("An opaque result")
    func opaque() {
        expectFault(
            "opaqueResult", "@TaskTokenGuard(\"op\")", "func make() -> TaskToken<some Sendable>", "{ 1 }",
            "the result of a decorated function names its type: 'some' cannot stand in it", line: 2, column: 16)
        expectFault(
            "opaqueResult", "@TaskTokenGuard(\"op\")", "func make() -> some Sendable", "{ 1 }",
            "the result of a decorated function names its type: 'some' cannot stand in it", line: 2, column: 16)
    }

    @Test("A mutating method")
    func mutating() {
        expectFault(
            "ownedSelf", "@TaskTokenGuard(\"op\")", "public mutating func grow() -> TaskToken<Int>", "{ 1 }",
            "'grow' cannot be 'mutating': its body runs after the call has returned", line: 2, column: 8,
            fixIts: ["remove 'mutating'": ["@TaskTokenGuard(\"op\")", "public func grow() -> TaskToken<Int> { 1 }"]])
    }

    @Test("An inout parameter")
    func inOut() {
        expectFault(
            "ownedParameter", "@TaskTokenGuard(\"op\")", "func grow(by n: inout Int) -> TaskToken<Int>", "{ n }",
            "'n' cannot be 'inout': the body runs after the call has returned", line: 2, column: 17)
        expectFault(
            "ownedParameter", "@TaskTokenGuard(\"op\")", "func eat(n: consuming Int) -> TaskToken<Int>", "{ n }",
            "'n' cannot be 'consuming': the body runs after the call has returned", line: 2, column: 13)
    }

    @Test("A closure that cannot escape")
    func escaping() {
        expectFault(
            "escapes", "@TaskTokenGuard(\"op\")", "func use(_ f: () -> Int) -> TaskToken<Int>", "{ f() }",
            "'f' must be '@escaping @Sendable': the body runs after the call has returned", line: 2, column: 15,
            fixIts: [
                "insert '@escaping @Sendable'": [
                    "@TaskTokenGuard(\"op\")", "func use(_ f: @escaping @Sendable () -> Int) -> TaskToken<Int> { f() }",
                ]
            ])
        expectFault(
            "escapes", "@TaskTokenGuard(\"op\")", "func use(_ f: @Sendable () -> Int) -> TaskToken<Int>", "{ f() }",
            "'f' must be '@escaping @Sendable': the body runs after the call has returned", line: 2, column: 15,
            fixIts: [
                "insert '@escaping'": [
                    "@TaskTokenGuard(\"op\")", "func use(_ f: @escaping @Sendable () -> Int) -> TaskToken<Int> { f() }",
                ]
            ])
    }

    @Test("Something that is no function")
    func noFunction() {
        expectFault(
            "notAFunction", "@TaskTokenGuard(\"op\")", "init()", "{ }", "'@TaskTokenGuard' decorates functions only",
            line: 1, column: 1)
    }

    @Test("A function that is decorated twice")
    func decoratedTwice() {
        let fault = DiagnosticSpec(
            id: MessageID(domain: "TokenGateMacros", id: "decoratedTwice"),
            message: "'f' is decorated twice: a call of it is one submission", line: 1, column: 22,
            fixIts: [FixItSpec(message: "remove it")])
        // The compiler expands one of the two. Here both are, and that is told, too.
        let both = DiagnosticSpec(
            message: "function can not have more than one body macro applied to it", line: 1, column: 1)
        expectExpansion(
            "@TaskTokenGuard(\"A\") @TaskTokenGuard(\"B\") func f() -> TaskToken<Int> { 1 }",
            """
            func f() -> TaskToken<Int> {
                fatalError("a function that @TaskTokenGuard could not expand")
            }
            """,
            diagnostics: [fault, fault, both])
    }

    @Test("A function that is decorated twice, once with the module's name")
    func decoratedTwiceByModule() {
        expectExpansion(
            """
            /// Counts.
            @TaskTokenGuard("A")
            @discardableResult
            @TokenGateMacros.TaskTokenGuard("B", weight: .light)
            public func f() -> TaskToken<Int> { 1 }
            """,
            """
            /// Counts.
            @discardableResult
            @TokenGateMacros.TaskTokenGuard("B", weight: .light)
            public func f() -> TaskToken<Int> {
                fatalError("a function that @TaskTokenGuard could not expand")
            }
            """,
            diagnostics: [
                DiagnosticSpec(
                    id: MessageID(domain: "TokenGateMacros", id: "decoratedTwice"),
                    message: "'f' is decorated twice: a call of it is one submission", line: 4, column: 1,
                    fixIts: [FixItSpec(message: "remove it")])
            ],
            applying: ["remove it"],
            fixed: """
                /// Counts.
                @TaskTokenGuard("A")
                @discardableResult
                public func f() -> TaskToken<Int> { 1 }
                """)
    }

    @Test("A function without a body")
    func noBody() {
        expectExpansion(
            """
            protocol P {
                @TaskTokenGuard("op") func f() -> TaskToken<Int>
            }
            """,
            """
            protocol P {
                func f() -> TaskToken<Int> {
                    fatalError("a function that @TaskTokenGuard could not expand")
                }
            }
            """,
            diagnostics: [DiagnosticSpec(message: "'f' has no body to decorate", line: 2, column: 32)])
    }

    @Test("Sticky together with external calls")
    func stickyLead() {
        let message = "'anchor' and 'externalCalls' exclude each other: an operation is sticky or a lead, not both"
        expectFault(
            "stickyLead", "@TaskTokenGuard(\"op\", anchor: \"k\", ordered: true, externalCalls: [\"child\"])",
            "func lead() -> TaskToken<Int>", "{ 1 }", message, line: 1, column: 51,
            fixIts: [
                "remove 'externalCalls'": [
                    "@TaskTokenGuard(\"op\", anchor: \"k\", ordered: true)", "func lead() -> TaskToken<Int> { 1 }",
                ],
                "remove 'anchor'": [
                    "@TaskTokenGuard(\"op\", externalCalls: [\"child\"])", "func lead() -> TaskToken<Int> { 1 }",
                ],
            ])
        expectFault(
            "stickyLead",
            "@TaskTokenGuard(\"op\", anchorBy: { (n: Int) in n }, externalCalls: [\"child\"])",
            "func lead(n: Int) -> TaskToken<Int>", "{ n }",
            "'anchorBy' and 'externalCalls' exclude each other: an operation is sticky or a lead, not both",
            line: 1, column: 52,
            fixIts: [
                "remove 'externalCalls'": [
                    "@TaskTokenGuard(\"op\", anchorBy: { (n: Int) in n })", "func lead(n: Int) -> TaskToken<Int> { n }",
                ],
                "remove 'anchorBy'": [
                    "@TaskTokenGuard(\"op\", externalCalls: [\"child\"])", "func lead(n: Int) -> TaskToken<Int> { n }",
                ],
            ])
    }

    @Test("A fixed and a computed key")
    func twoAnchors() {
        expectFault(
            "twoAnchors", "@TaskTokenGuard(\"op\", anchor: \"k\", anchorBy: { (n: Int) in n })",
            "func f(n: Int) -> TaskToken<Int>", "{ n }",
            "'anchor' and 'anchorBy' exclude each other: the key is fixed or computed", line: 1, column: 23,
            fixIts: [
                "remove 'anchor'": [
                    "@TaskTokenGuard(\"op\", anchorBy: { (n: Int) in n })", "func f(n: Int) -> TaskToken<Int> { n }",
                ],
                "remove 'anchorBy'": [
                    "@TaskTokenGuard(\"op\", anchor: \"k\")", "func f(n: Int) -> TaskToken<Int> { n }",
                ],
            ])
    }

    // The compiler finds these first, where it checks the attribute against the macro's declaration. It says, at the argument
    // or the opening parenthesis: "incorrect argument label in macro expansion (have '_:wieght:', expected '_:weight:')".
    @Test("An unknown label")
    func unknownLabel() {
        expectFault(
            "unknownLabel", "@TaskTokenGuard(\"op\", wieght: .light)", "func f() -> TaskToken<Int>", "{ 1 }",
            "'@TaskTokenGuard' has no argument 'wieght'", line: 1, column: 23,
            fixIts: [
                "replace with 'weight'": [
                    "@TaskTokenGuard(\"op\", weight: .light)", "func f() -> TaskToken<Int> { 1 }",
                ]
            ])
        expectFault(
            "unknownLabel", "@TaskTokenGuard(\"op\", colour: .red)", "func f() -> TaskToken<Int>", "{ 1 }",
            "'@TaskTokenGuard' has no argument 'colour'", line: 1, column: 23)
    }

    // As with unknown labels the compiler is first: "extra argument 'options' in macro expansion".
    @Test("An argument that is given twice")
    func repeated() {
        expectFault(
            "repeatedLabel", "@TaskTokenGuard(\"op\", options: a, options: b)", "func f() -> TaskToken<Int>", "{ 1 }",
            "'options' is given twice", line: 1, column: 35,
            fixIts: [
                "remove the second 'options'": [
                    "@TaskTokenGuard(\"op\", options: a)", "func f() -> TaskToken<Int> { 1 }",
                ]
            ])
        expectFault(
            "repeatedLabel", "@TaskTokenGuard(\"op\", weight: .light, weight: .heavy, options: a)",
            "func f() -> TaskToken<Int>", "{ 1 }", "'weight' is given twice", line: 1, column: 39,
            fixIts: [
                "remove the second 'weight'": [
                    "@TaskTokenGuard(\"op\", weight: .light, options: a)", "func f() -> TaskToken<Int> { 1 }",
                ]
            ])
    }

    @Test("A misspelt `options`")
    func misspeltOptions() {
        expectFault(
            "unknownLabel", "@TaskTokenGuard(\"op\", anchor: \"k\", option: a)", "func f() -> TaskToken<Int>", "{ 1 }",
            "'@TaskTokenGuard' has no argument 'option'", line: 1, column: 36,
            fixIts: [
                "replace with 'options'": [
                    "@TaskTokenGuard(\"op\", anchor: \"k\", options: a)", "func f() -> TaskToken<Int> { 1 }",
                ]
            ])
    }

    @Test("An order without an anchor")
    func order() {
        expectFault(
            "orderedWithoutAnchor", "@TaskTokenGuard(\"op\", weight: .light, ordered: true)",
            "func f() -> TaskToken<Int>", "{ 1 }",
            "'ordered' needs 'anchor' or 'anchorBy': it is the tokens of one anchor that it orders", line: 1,
            column: 39,
            fixIts: [
                "remove 'ordered'": [
                    "@TaskTokenGuard(\"op\", weight: .light)", "func f() -> TaskToken<Int> { 1 }",
                ]
            ])
    }

    @Test("C12 a literal that names nothing")
    func emptyLiterals() {
        expectFault(
            "emptyOperationType", "@TaskTokenGuard(\"\")", "func f() -> TaskToken<Int>", "{ 1 }",
            "the operation type is empty", line: 1, column: 17)
        let long = String(repeating: "ä", count: 128)
        expectFault(
            "longOperationType", "@TaskTokenGuard(\"\(long)\")", "func f() -> TaskToken<Int>", "{ 1 }",
            "the operation type has 256 UTF-8 bytes, more than 255", line: 1, column: 17)
        expectFault(
            "emptyAnchor", "@TaskTokenGuard(\"op\", anchor: \"\")", "func f() -> TaskToken<Int>", "{ 1 }",
            "the anchor key is empty", line: 1, column: 31)
        expectFault(
            "noExternalCalls", "@TaskTokenGuard(\"op\", externalCalls: [])", "func f() -> TaskToken<Int>", "{ 1 }",
            "a lead names at least one external call", line: 1, column: 38)
        expectFault(
            "emptyExternalCall", "@TaskTokenGuard(\"op\", externalCalls: [\"child\", \"\"])",
            "func f() -> TaskToken<Int>",
            "{ 1 }", "the external call is empty", line: 1, column: 48)
    }

    @Test("A key of a parameter that is not there")
    func unknownParameter() {
        expectFault(
            "anchorByUnknownParameter", "@TaskTokenGuard(\"op\", anchorBy: { (usre: Int) in usre })",
            "func f(of user: Int) -> TaskToken<Int>", "{ user }", "'f' has no parameter 'usre'", line: 1, column: 36,
            fixIts: [
                "replace with 'user'": [
                    "@TaskTokenGuard(\"op\", anchorBy: { (user: Int) in user })",
                    "func f(of user: Int) -> TaskToken<Int> { user }",
                ]
            ])
        expectFault(
            "anchorByUnknownParameter", "@TaskTokenGuard(\"op\", anchorBy: { (of: Int) in of })",
            "func f(of user: Int) -> TaskToken<Int>", "{ user }", "'f' has no parameter 'of'", line: 1, column: 36)
    }

    @Test("A key without names")
    func namelessKey() {
        let message =
            "'anchorBy' is a closure whose parameters are named after the function's, or a key path from 'self'"
        for key in ["{ $0 }", "{ \"k\" }", "key"] {
            expectFault(
                "anchorByNeedsNames", "@TaskTokenGuard(\"op\", anchorBy: \(key))", "func f(n: Int) -> TaskToken<Int>",
                "{ n }", message, line: 1, column: 33)
        }
        expectFault(
            "anchorByNeedsNames", "@TaskTokenGuard(\"op\", anchorBy: { (_: Int) in 1 })",
            "func f(n: Int) -> TaskToken<Int>", "{ n }", message, line: 1, column: 36)
    }

    @Test("A key path where there is no instance")
    func keyPath() {
        expectFault(
            "anchorByWithoutInstance", "@TaskTokenGuard(\"op\", anchorBy: \\Account.id)", "func f() -> TaskToken<Int>",
            "{ 1 }", "'f' has no 'self' for the key path to start from: use a closure over its parameters",
            line: 1, column: 33)
    }

    @Test("Several faults are reported together")
    func together() {
        let source = """
            @TaskTokenGuard("", ordered: true)
            func f(_ n: inout Int) async -> Int { n }
            """
        expectExpansion(
            source,
            """
            func f(_ n: inout Int) async -> Int {
                fatalError("a function that @TaskTokenGuard could not expand")
            }
            """,
            diagnostics: [
                DiagnosticSpec(
                    message:
                        "'f' cannot be 'async': a call returns its token at once; a body that awaits is run as an async body",
                    line: 2, column: 24, fixIts: [FixItSpec(message: "remove 'async'")]),
                DiagnosticSpec(
                    message: "'n' cannot be 'inout': the body runs after the call has returned", line: 2, column: 13),
                DiagnosticSpec(
                    message: "the result of a decorated function is a 'TaskToken', not 'Int'", line: 2, column: 33,
                    fixIts: [FixItSpec(message: "replace with 'TaskToken<Int>'")]),
                DiagnosticSpec(message: "the operation type is empty", line: 1, column: 17),
                DiagnosticSpec(
                    message: "'ordered' needs 'anchor' or 'anchorBy': it is the tokens of one anchor that it orders",
                    line: 1, column: 21, fixIts: [FixItSpec(message: "remove 'ordered'")]),
            ])
    }
}

/// Expects one fault, at this place, and that each fix-it makes these lines of the source.
private func expectFault(
    _ id: String, _ attribute: String, _ declaration: String, _ body: String, _ message: String, line: Int, column: Int,
    fixIts: KeyValuePairs<String, [String]> = [:], at location: SourceLocation = #_sourceLocation
) {
    let expanded = """
        \(declaration) {
            fatalError("a function that @TaskTokenGuard could not expand")
        }
        """
    let diagnostic = DiagnosticSpec(
        id: MessageID(domain: "TokenGateMacros", id: id), message: message, line: line, column: column,
        fixIts: fixIts.map { FixItSpec(message: $0.key) })
    let source = "\(attribute)\n\(declaration) \(body)"
    expectExpansion(source, expanded, diagnostics: [diagnostic], at: location)
    for (fixIt, lines) in fixIts {
        expectExpansion(
            source, expanded, diagnostics: [diagnostic], applying: [fixIt], fixed: lines.joined(separator: "\n"),
            at: location)
    }
}
