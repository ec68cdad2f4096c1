//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TestSupport
import TokenGateMacros

// Decorated functions as a program has them, of every kind that can be decorated.

@TaskTokenGuard("macro.string", weight: .light)
func stringOp(_ s: String) -> TaskToken<Int> { s.count }

@TaskTokenGuard("macro.nothing")
@discardableResult
func nothing() -> TaskToken<Void> {}

/// Labels, a default, several of a kind, a closure; and more than one statement.
@TaskTokenGuard("macro.labels", weight: .heavy)
func labelled(
    _ first: Int, by second: Int = 10, plus rest: Int..., then last: @escaping @Sendable (Int) -> String
) -> TaskToken<String> {
    var sum = first * second
    for number in rest { sum += number }
    return last(sum)
}

@TaskTokenGuard("macro.expression")
func sign(_ n: Int) -> TaskToken<String> { if n < 0 { "negative" } else { "positive" } }

struct Sour: Error, Equatable { var number = 0 }

@TaskTokenGuard("macro.throws")
func thrower(_ n: Int) -> TaskToken<Int> { throw Sour(number: n) }

/// `throws` is kept: a call needs `try`, and what the body throws settles the token all the same.
@TaskTokenGuard("macro.declared")
func declaredThrower(_ n: Int) throws -> TaskToken<Int> { throw Sour(number: n) }

/// So is its type, which the body can lean on.
@TaskTokenGuard("macro.typed")
func typedThrower(_ isSour: Bool) throws(Sour) -> TaskToken<Int> { if isSour { throw .init(number: 3) } else { 3 } }

@TaskTokenGuard("macro.async", storage: .fast)
func asynchronous(_ n: Int) -> TaskToken<Int> {
    async let more = stringOp("abc").value
    await Task.yield()
    return try await n + more
}

/// Awaits nothing itself: its body is a synchronous one.
@TaskTokenGuard("macro.nested")
func nestedAwait() -> TaskToken<Bool> {
    _ = { () async in await Task.yield() }
    return TokenContext.current != nil
}

@TaskTokenGuard("macro.generic")
func generic<T: Sendable & Equatable>(_ a: T, _ b: some Equatable & Sendable, same: T) -> TaskToken<[T]> {
    a == same ? [a, same] : []
}

@TaskTokenGuard("macro.named")
func named(_ n: Int, of m: Int) -> TaskToken<[String]> { [#function, { #function }()] }

@available(*, deprecated, message: "for the test")
@TaskTokenGuard("macro.old")
func old() -> TaskToken<Int> { 1 }

/// A name, and names in its body, that the expansion might want for itself.
@TaskTokenGuard("macro.taken")
func taken(_ body: Int, operation: Int, takenBody: Int) -> TaskToken<Int> {
    enum Decorated { static let value = 1000 }
    return body + operation + takenBody + Decorated.value
}

struct Greeter: Sendable {
    let greeting: String
    static let sign = "!"

    @TaskTokenGuard("macro.greet")
    func greet(_ name: String) -> TaskToken<String> { "\(greeting), \(name)\(Self.sign)" }

    @TaskTokenGuard("macro.shout")
    static func shout(_ text: String) -> TaskToken<String> { text.uppercased() + sign }

    @TaskTokenGuard("macro.self")
    func me() -> TaskToken<Self> { self }

    @TaskTokenGuard("macro.plus")
    static func + (left: Greeter, right: Greeter) -> TaskToken<Greeter> {
        Greeter(greeting: left.greeting + right.greeting)
    }
}

extension Greeter {
    @TaskTokenGuard("macro.extension")
    func wave() -> TaskToken<String> { "\(greeting) ~" }
}

/// Implicit `self` in a class, `super`, an override, a requirement.
protocol Named: Sendable {
    func title(_ n: Int) -> TaskToken<String>
}

extension Named {
    @TaskTokenGuard("macro.protocol")
    func twice(_ n: Int) -> TaskToken<String> { try await title(n).value + title(n).value }
}

class Base: @unchecked Sendable, Named {
    let text = "base"

    @TaskTokenGuard("macro.base")
    func title(_ n: Int) -> TaskToken<String> { "\(text)\(n)" }

    func plain() -> String { text }
}

final class Derived: Base, @unchecked Sendable {
    @TaskTokenGuard("macro.derived")
    override func title(_ n: Int) -> TaskToken<String> { "derived " + super.plain() + "\(n)" + text }
}

struct Box<Content: Sendable>: Sendable {
    let content: Content

    @TaskTokenGuard("macro.box")
    func unpacked() -> TaskToken<Content> { content }

    @TaskTokenGuard("macro.boxed")
    static func boxed(_ content: Content) -> TaskToken<Box> { Self(content: content) }
}

actor Till {
    private var sum = 0
    let name = "till"

    @TaskTokenGuard("macro.add")
    func add(_ amount: Int) -> TaskToken<Int> { await added(amount) }

    @TaskTokenGuard("macro.till")
    nonisolated func title() -> TaskToken<String> { name }

    private func added(_ amount: Int) -> Int {
        sum += amount
        return sum
    }
}

@MainActor
@TaskTokenGuard("macro.main")
func fromMain(_ n: Int) -> TaskToken<Int> { n + 1 }

// Anchors and leads.

struct Sight: Sendable, Equatable {
    var domain: Int
    var seed: Seed?

    static var here: Sight { Sight(domain: TokenContext.current?.domain ?? 0, seed: TokenContext.current?.seed) }
}

@TaskTokenGuard("macro.fixed", anchor: "one place")
func fixed() -> TaskToken<Int> { Sight.here.domain }

@TaskTokenGuard("macro.ordered", anchorBy: { (user: Int) in user }, ordered: true)
func ordered(_ amount: Int, for user: Int, in journal: Journal<Int>) -> TaskToken<Int> {
    journal.note(amount)
    return Sight.here.domain
}

@TaskTokenGuard("macro.two", anchorBy: { (b: String, a: Int) in "\(a)/\(b)" })
func keyedByTwo(a: Int, b: String) -> TaskToken<Int> { Sight.here.domain }

@TaskTokenGuard("macro.keyedGeneric", anchorBy: { (key: String) in key }, ordered: true)
func keyedGeneric<T: Sendable>(_ value: T, key: String) -> TaskToken<T> {
    await Task.yield()
    return value
}

struct Account: Sendable {
    let id: String

    @TaskTokenGuard("macro.account", weight: .light, anchorBy: \Account.id, ordered: true)
    func look() -> TaskToken<Int> { Sight.here.domain }
}

@TaskTokenGuard("macro.lead", externalCalls: ["macro.child"])
func lead(_ n: Int) -> TaskToken<[Sight]> {
    let children = (0..<n).map { _ in child() }
    return try [.here] + waitForAll(children).map { try $0.get() }
}

@TaskTokenGuard("macro.child")
func child() -> TaskToken<Sight> { .here }

/// Throws as often as it is told.
@TaskTokenGuard("macro.options", options: OperationOptions(retry: RetryPolicy(attempts: 3, backOff: .none)))
func stubborn(failing times: Int) -> TaskToken<Int> {
    let attempt = TokenContext.current?.attempt ?? 0
    if attempt <= times { throw Sour(number: attempt) }
    return attempt
}

struct Desk: Sendable {
    static let atOnce = OperationOptions(concurrency: 1)
    let id: Int

    /// In a method, with a computed key, and from a constant.
    @TaskTokenGuard("macro.desk", anchorBy: \Desk.id, ordered: true, options: Desk.atOnce)
    func answer() -> TaskToken<Int> { id }
}

@TaskTokenGuard("macro.badOptions", options: OperationOptions(retry: RetryPolicy(attempts: 0)))
func hopeless() -> TaskToken<Int> { 1 }

// The operation type is evaluated where the guard is made.

let madeOnce = Tally()
let madeEach = Tally()

func name(_ name: String, countedIn tally: Tally) -> String {
    tally.add()
    return name
}

@TaskTokenGuard(name("macro.once", countedIn: madeOnce))
func once() -> TaskToken<Int> { 1 }

@TaskTokenGuard(name("macro.each", countedIn: madeEach))
func each<T: Sendable>(_ value: T) -> TaskToken<T> { value }

let noName = ""

@TaskTokenGuard(noName)
func badName() -> TaskToken<Int> { 1 }
