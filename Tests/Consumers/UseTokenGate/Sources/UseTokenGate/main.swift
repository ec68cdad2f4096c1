//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

// Everything, with the usual import; and beside the context that logs, metrics and traces of the Swift server ecosystem look at.

import ServiceContextModule
import TokenGate

let shout = TaskTokenGuard("shout", weight: .light) { (text: String) in text.uppercased() }
let text = try await withCoordinator { _ in try await shout("hello").value }
precondition(text == "HELLO")

enum RequestKey: ServiceContextKey { typealias Value = String }
let options = OperationOptions(context: .captured)
let child = TaskTokenGuard("child", options: options) { (_: Int) in ServiceContext.current?[RequestKey.self] }
let request = TaskTokenGuard("request", options: options) { (number: Int) throws in
    [ServiceContext.current?[RequestKey.self], try child(number).wait()]
}
let requestAsync = TaskTokenGuard("request_async", options: options) { (number: Int) async throws in
    let before = ServiceContext.current?[RequestKey.self]
    await Task.yield()
    async let inChildTask = { ServiceContext.current?[RequestKey.self] }()
    return [before, await inChildTask, try await child(number).value]
}
let without = TaskTokenGuard("without") { (_: Int) in ServiceContext.current?[RequestKey.self] }
try await withCoordinator { _ in
    for number in 0..<20 {
        var context = ServiceContext.topLevel
        context[RequestKey.self] = "request \(number)"
        let tokens = ServiceContext.withValue(context) { (request(number), requestAsync(number), without(number)) }
        let found = try await (tokens.0.value, tokens.1.value, tokens.2.value)
        precondition(found.0 == Array(repeating: "request \(number)", count: 2), "\(found)")
        precondition(found.1 == Array(repeating: "request \(number)", count: 3), "\(found)")
        precondition(found.2 == nil, "\(found)")
    }
    let outside = try await request(0).value
    precondition(outside == [nil, nil], "\(outside)")
}

let machine = try Machine.current()  // Affinity
let home = Rendezvous.home(of: AnchorHash("user:42"), domains: 4, slack: 4)  // Routing
print("\(text), \(machine.domains.count > 0), \(home + 1)")
