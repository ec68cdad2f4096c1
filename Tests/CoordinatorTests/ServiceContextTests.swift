//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import ServiceContextModule
import TestSupport
import Testing
import TokenGate

private enum RequestKey: ServiceContextKey {
    typealias Value = String
}

extension ServiceContext {
    fileprivate var request: String? {
        get { self[RequestKey.self] }
        set { self[RequestKey.self] = newValue }
    }
}

/// The context that logs, metrics and traces of the Swift server ecosystem look at.
@Suite struct ServiceContextTests {
    @Test("ServiceContext.current of the submission is there in the body, synchronous or async, and in its children's")
    func serviceContext() async throws {
        try await withTestCoordinator { coordinator in
            let options = OperationOptions(context: .captured)
            let child = TaskTokenGuard("service.child", options: options) { (_: Int) in ServiceContext.current?.request
            }
            let sync = TaskTokenGuard("service.sync", options: options, on: coordinator) { (n: Int) throws in
                [ServiceContext.current?.request, try child(n).wait()]
            }
            let async = TaskTokenGuard("service.async", options: options, on: coordinator) { (n: Int) async throws in
                let before = ServiceContext.current?.request
                await Task.yield()
                async let inChildTask = { ServiceContext.current?.request }()
                return [before, await inChildTask, try await child(n).value]
            }
            let without = TaskTokenGuard("service.without", on: coordinator) { (_: Int) in
                ServiceContext.current?.request
            }
            for number in 0..<20 {
                var context = ServiceContext.topLevel
                context.request = "request \(number)"
                let (one, two, three) = ServiceContext.withValue(context) {
                    (sync(number), async(number), without(number))
                }
                let found = try await (one.value, two.value, three.value)
                #expect(found.0 == ["request \(number)", "request \(number)"])
                #expect(found.1 == Array(repeating: "request \(number)", count: 3))
                #expect(found.2 == nil)
            }
            let outside = try await sync(0).value
            #expect(outside == [nil, nil])
        }
    }
}
