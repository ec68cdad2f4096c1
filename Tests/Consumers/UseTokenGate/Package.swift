// swift-tools-version: 6.2
//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import PackageDescription

let package = Package(
    name: "UseTokenGate",
    dependencies: [
        .package(name: "TokenGate", path: "../../.."),
        .package(url: "https://github.com/apple/swift-service-context", from: "1.3.0"),
    ],
    targets: [
        .executableTarget(
            name: "UseTokenGate",
            dependencies: [
                .product(name: "TokenGate", package: "TokenGate"),
                .product(name: "ServiceContextModule", package: "swift-service-context"),
            ])
    ]
)
