// swift-tools-version: 6.2
//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import PackageDescription

let package = Package(
    name: "UseAffinity",
    dependencies: [.package(name: "TokenGate", path: "../../..")],
    targets: [
        .executableTarget(name: "UseAffinity", dependencies: [.product(name: "Affinity", package: "TokenGate")])
    ]
)
