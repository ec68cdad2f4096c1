//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import SwiftDiagnostics
import SwiftParser
import SwiftSyntax

/// The attribute's arguments, checked: what the guard is made with.
struct GuardOptions {
    /// Between the parentheses of the guard's initialiser.
    let guardArguments: String
    /// For an anchor that is computed by each call: how, and from which of the function's names.
    let computedKey: String?
    /// Whether `Self` stands in what is evaluated once.
    let mentionSelf: Bool

    private static let labels = ["weight", "storage", "anchor", "anchorBy", "ordered", "externalCalls", "options"]

    /// Reports what is wrong; nil where nothing is left to go on with.
    init?(_ attribute: AttributeSyntax, of function: DecoratedFunction?, faults: Faults) {
        guard case .argumentList(let list)? = attribute.arguments, let first = list.first else { return nil }
        let reader = ArgumentReader(list, faults)
        Self.checkOperationType(first.expression, faults)
        reader.checkLabels(Self.labels)
        reader.checkRepetitions()

        let anchor = reader["anchor"]
        let anchorBy = reader["anchorBy"]
        let calls = reader["externalCalls"]
        let ordered = reader["ordered"]
        if let anchor, anchorBy != nil {
            reader.exclude(anchor, .twoAnchors, others: ["anchorBy"])
        }
        if let calls, let sticky = anchor ?? anchorBy, let label = sticky.label?.text {
            reader.exclude(calls, .stickyLead(anchor: label), others: ["anchor", "anchorBy"])
        }
        if let ordered, anchor == nil, anchorBy == nil {
            faults.add(
                .orderedWithoutAnchor, at: ordered.labelled,
                fixIts: [reader.removal(of: ["ordered"], "remove 'ordered'")])
        }
        if let anchor, anchor.expression.plainString == "" { faults.add(.emptyAnchor, at: anchor.expression) }
        if let calls { Self.checkExternalCalls(calls.expression, faults) }

        var arguments = [first.expression.trimmedDescription]
        for label in ["weight", "storage"] {
            if let argument = reader[label] { arguments.append(argument.trimmedWithoutComma) }
        }
        let inOrder = ordered.map { "ordered: \($0.expression.trimmedDescription)" }
        if let anchor {
            let parts = [anchor.expression.trimmedDescription, inOrder].compactMap(\.self)
            arguments.append("locality: .sticky(\(parts.joined(separator: ", ")))")
        } else if anchorBy != nil {
            arguments.append("locality: .sticky\(inOrder.map { "(\($0))" } ?? "") { call in call }")
        } else if let calls {
            arguments.append("locality: .lead(externalCalls: \(calls.expression.trimmedDescription))")
        }
        if let options = reader["options"] { arguments.append(options.trimmedWithoutComma) }
        guardArguments = arguments.joined(separator: ", ")
        mentionSelf = list.contains { $0.label?.text != "anchorBy" && DecoratedFunction.mentionsSelf($0) }
        computedKey =
            if let anchorBy, let function { ComputedKey.read(anchorBy.expression, of: function, faults) } else { nil }
    }

    private static func checkOperationType(_ expression: ExprSyntax, _ faults: Faults) {
        guard let name = expression.plainString else { return }
        if name.isEmpty { faults.add(.emptyOperationType, at: expression) }
        if name.utf8.count > 255 { faults.add(.longOperationType(bytes: name.utf8.count), at: expression) }
    }

    private static func checkExternalCalls(_ expression: ExprSyntax, _ faults: Faults) {
        guard let array = expression.as(ArrayExprSyntax.self) else { return }
        if array.elements.isEmpty { faults.add(.noExternalCalls, at: array) }
        for element in array.elements where element.expression.plainString == "" {
            faults.add(.emptyExternalCall, at: element.expression)
        }
    }
}

/// Finds the attribute's arguments, and takes them away for fix-its.
private struct ArgumentReader {
    let list: LabeledExprListSyntax
    let faults: Faults

    init(_ list: LabeledExprListSyntax, _ faults: Faults) {
        self.list = list
        self.faults = faults
    }

    /// The argument of that label; nil where it is not there, or `nil`.
    subscript(label: String) -> LabeledExprSyntax? {
        list.first { $0.label?.text == label && !$0.expression.is(NilLiteralExprSyntax.self) }
    }

    /// Reports labels that are not known, with the one that was meant where it is near.
    func checkLabels(_ known: [String]) {
        for argument in list.dropFirst() {
            guard let label = argument.label, !known.contains(label.text) else { continue }
            var fixIts: [FixIt] = []
            if let meant = known.nearest(to: label.text) {
                let token = TokenSyntax.identifier(meant).with(\.leadingTrivia, label.leadingTrivia)
                fixIts.append(.replace(label, with: token, "replace with '\(meant)'"))
            }
            faults.add(.unknownLabel(label.text), at: label, fixIts: fixIts)
        }
        if let label = list.first?.label { faults.add(.unknownLabel(label.text), at: label) }
    }

    /// Reports labels that stand there twice: takes the later one away to mend it.
    func checkRepetitions() {
        var seen: Set<String> = []
        for argument in list {
            guard let label = argument.label, !seen.insert(label.text).inserted else { continue }
            faults.add(
                .repeatedLabel(label.text), at: label,
                fixIts: [keep("remove the second '\(label.text)'") { $0.id != argument.id }])
        }
    }

    /// Reports two arguments that exclude each other: takes either away to mend it.
    func exclude(_ argument: LabeledExprSyntax, _ fault: Fault, others: [String]) {
        let own = argument.label?.text ?? ""
        let present = others.filter { self[$0] != nil }
        let names = present.map { "'\($0)'" }.joined(separator: ", ")
        // An order without an anchor would be the next fault.
        let alsoOrdered = own == "externalCalls" ? ["ordered"] : []
        faults.add(
            fault, at: argument.labelled,
            fixIts: [
                removal(of: [own], "remove '\(own)'"),
                removal(of: present + alsoOrdered, "remove \(names)"),
            ])
    }

    func removal(of labels: [String], _ message: String) -> FixIt {
        keep(message) { !labels.contains($0.label?.text ?? "") }
    }

    /// Takes away all arguments but those.
    private func keep(_ message: String, _ isKept: (LabeledExprSyntax) -> Bool) -> FixIt {
        var kept = list.filter(isKept)
        if let last = kept.indices.last {
            kept[last].trailingComma = nil
            kept[last].trailingTrivia = []
        }
        return .replace(list, with: kept, message)
    }
}

extension LabeledExprSyntax {
    /// Where a fault with the whole argument is shown.
    fileprivate var labelled: Syntax { label.map { Syntax($0) } ?? Syntax(self) }
    fileprivate var trimmedWithoutComma: String { with(\.trailingComma, nil).trimmedDescription }
}

extension ExprSyntax {
    /// What a string literal without interpolation says.
    fileprivate var plainString: String? { self.as(StringLiteralExprSyntax.self)?.representedLiteralValue }
}
