//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxMacros

/// What was found wrong with one use of the macro; each fault is reported as it is found.
final class Faults {
    private let report: (Diagnostic) -> Void
    private(set) var wereFound = false

    init(_ context: some MacroExpansionContext) { report = { context.diagnose($0) } }

    /// Reports a fault at `node`.
    func add(_ fault: Fault, at node: some SyntaxProtocol, fixIts: [FixIt] = []) {
        wereFound = true
        report(Diagnostic(node: node, message: fault, fixIts: fixIts))
    }
}

/// One thing that can be wrong with a use of the macro.
enum Fault: DiagnosticMessage {
    case notAFunction
    case noBody(function: String)
    case decoratedTwice(function: String)
    case asyncFunction(String)
    case rethrowing(String)
    case resultNotAToken(written: String?)
    case opaqueResult
    case ownedSelf(String, modifier: String)
    case ownedParameter(String, specifier: String)
    case escapes(parameter: String)

    case unknownLabel(String)
    case repeatedLabel(String)
    case emptyOperationType
    case longOperationType(bytes: Int)
    case stickyLead(anchor: String)
    case twoAnchors
    case orderedWithoutAnchor
    case emptyAnchor
    case noExternalCalls
    case emptyExternalCall
    case anchorByNeedsNames
    case anchorByUnknownParameter(String, function: String)
    case anchorByWithoutInstance(function: String)

    var message: String {
        switch self {
        case .notAFunction: "'@TaskTokenGuard' decorates functions only"
        case .noBody(let function): "'\(function)' has no body to decorate"
        case .decoratedTwice(let function): "'\(function)' is decorated twice: a call of it is one submission"
        case .asyncFunction(let function):
            "'\(function)' cannot be 'async': a call returns its token at once; a body that awaits is run as an async body"
        case .rethrowing(let function):
            "'\(function)' cannot be 'rethrows': what its body throws settles the token"
        case .resultNotAToken(let written?): "the result of a decorated function is a 'TaskToken', not '\(written)'"
        case .resultNotAToken(nil): "the result of a decorated function is a 'TaskToken'; this one declares none"
        case .opaqueResult: "the result of a decorated function names its type: 'some' cannot stand in it"
        case .ownedSelf(let function, let modifier):
            "'\(function)' cannot be '\(modifier)': its body runs after the call has returned"
        case .ownedParameter(let name, let specifier):
            "'\(name)' cannot be '\(specifier)': the body runs after the call has returned"
        case .escapes(let name): "'\(name)' must be '@escaping @Sendable': the body runs after the call has returned"
        case .unknownLabel(let label): "'@TaskTokenGuard' has no argument '\(label)'"
        case .repeatedLabel(let label): "'\(label)' is given twice"
        case .emptyOperationType: "the operation type is empty"
        case .longOperationType(let bytes): "the operation type has \(bytes) UTF-8 bytes, more than 255"
        case .stickyLead(let anchor):
            "'\(anchor)' and 'externalCalls' exclude each other: an operation is sticky or a lead, not both"
        case .twoAnchors: "'anchor' and 'anchorBy' exclude each other: the key is fixed or computed"
        case .orderedWithoutAnchor:
            "'ordered' needs 'anchor' or 'anchorBy': it is the tokens of one anchor that it orders"
        case .emptyAnchor: "the anchor key is empty"
        case .noExternalCalls: "a lead names at least one external call"
        case .emptyExternalCall: "the external call is empty"
        case .anchorByNeedsNames:
            "'anchorBy' is a closure whose parameters are named after the function's, or a key path from 'self'"
        case .anchorByUnknownParameter(let name, let function): "'\(function)' has no parameter '\(name)'"
        case .anchorByWithoutInstance(let function):
            "'\(function)' has no 'self' for the key path to start from: use a closure over its parameters"
        }
    }

    private var name: String {
        switch self {
        case .notAFunction: "notAFunction"
        case .noBody: "noBody"
        case .decoratedTwice: "decoratedTwice"
        case .asyncFunction: "asyncFunction"
        case .rethrowing: "rethrowing"
        case .resultNotAToken: "resultNotAToken"
        case .opaqueResult: "opaqueResult"
        case .ownedSelf: "ownedSelf"
        case .ownedParameter: "ownedParameter"
        case .escapes: "escapes"
        case .unknownLabel: "unknownLabel"
        case .repeatedLabel: "repeatedLabel"
        case .emptyOperationType: "emptyOperationType"
        case .longOperationType: "longOperationType"
        case .stickyLead: "stickyLead"
        case .twoAnchors: "twoAnchors"
        case .orderedWithoutAnchor: "orderedWithoutAnchor"
        case .emptyAnchor: "emptyAnchor"
        case .noExternalCalls: "noExternalCalls"
        case .emptyExternalCall: "emptyExternalCall"
        case .anchorByNeedsNames: "anchorByNeedsNames"
        case .anchorByUnknownParameter: "anchorByUnknownParameter"
        case .anchorByWithoutInstance: "anchorByWithoutInstance"
        }
    }

    var diagnosticID: MessageID { MessageID(domain: "TokenGateMacros", id: name) }
    var severity: DiagnosticSeverity { .error }
}

/// What a fix-it says it does.
struct Mending: FixItMessage {
    let message: String
    let fixItID = MessageID(domain: "TokenGateMacros", id: "fixIt")
}

extension FixIt {
    /// Puts `new` in place of `old`, keeping what is written around it.
    static func replace(
        _ old: some SyntaxProtocol, with new: some SyntaxProtocol, _ message: String
    ) -> FixIt {
        FixIt(message: Mending(message: message), changes: [.replace(oldNode: Syntax(old), newNode: Syntax(new))])
    }
}
