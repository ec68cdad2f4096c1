// swift-tools-version: 6.2
//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import CompilerPluginSupport
import PackageDescription

/// Every target is held to the same language: Swift 6, no warnings, imports that say what they mean.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A runnable example: one folder in `Examples/`, its expected output beside it.
func example(_ name: String, imports product: Target.Dependency = "TokenGate") -> Target {
    .executableTarget(
        name: name,
        dependencies: [product],
        path: "Examples/\(name)",
        exclude: ["expected.txt"],
        swiftSettings: house
    )
}

let package = Package(
    name: "TokenGate",
    products: [
        .library(name: "TokenCore", targets: ["TokenCore"]),
        .library(name: "Affinity", targets: ["Affinity"]),
        .library(name: "Routing", targets: ["Routing"]),
        .library(name: "Coordinator", targets: ["Coordinator"]),
        .library(name: "TokenGate", targets: ["TokenGate"]),
        .library(name: "TokenGateMacros", targets: ["TokenGateMacros"]),
        .library(name: "TokenGateC", type: .dynamic, targets: ["TokenGateC"]),
        .executable(name: "tokengate", targets: ["TokenGateTool"]),
        .executable(name: "tokengate-decorated", targets: ["DecoratedDemo"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        // For `TokenGateMacros` alone; its major version is the compiler's.
        .package(url: "https://github.com/swiftlang/swift-syntax", from: "603.0.1"),
    ],
    targets: [
        // C targets: each one folder in CShim/.
        .target(name: "CAffinity", path: "CShim/Affinity"),
        .target(name: "CExecution", path: "CShim/Execution"),
        .target(name: "CForeign", path: "CShim/Foreign"),
        .target(name: "CTokenGate", path: "CShim/API"),
        .systemLibrary(
            name: "CXXHash",
            path: "CShim/XXHash",
            pkgConfig: "libxxhash",
            providers: [.apt(["libxxhash-dev"])]
        ),

        // The layers, lowest first; a module imports only what stands above it.
        .target(
            name: "TokenCore",
            dependencies: [
                "CExecution", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: house
        ),
        .target(name: "Affinity", dependencies: ["CAffinity"], swiftSettings: house),
        .target(
            name: "Routing",
            dependencies: [
                "TokenCore", "CXXHash", .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "Coordinator",
            dependencies: [
                "TokenCore", "Affinity", "Routing", "CExecution",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "TokenGate",
            dependencies: ["TokenCore", "Affinity", "Routing", "Coordinator"],
            swiftSettings: house
        ),
        .macro(
            name: "TokenGateMacrosPlugin",
            dependencies: [
                .product(name: "SwiftCompilerPlugin", package: "swift-syntax"),
                .product(name: "SwiftDiagnostics", package: "swift-syntax"),
                .product(name: "SwiftParser", package: "swift-syntax"),
                .product(name: "SwiftSyntax", package: "swift-syntax"),
                .product(name: "SwiftSyntaxBuilder", package: "swift-syntax"),
                .product(name: "SwiftSyntaxMacros", package: "swift-syntax"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "TokenGateMacros",
            dependencies: ["TokenGate", "TokenGateMacrosPlugin"],
            swiftSettings: house
        ),
        .target(
            name: "TokenGateC",
            dependencies: [
                "Coordinator", "TokenCore", "Affinity", "CTokenGate", "CForeign", "CExecution",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "TokenGateTool",
            dependencies: [
                "TokenGate", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: house
        ),
        // Apart from the tool, which needs no swift-syntax.
        .executableTarget(
            name: "DecoratedDemo",
            dependencies: ["TokenGateMacros", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: house
        ),

        // Examples.
        example("HelloToken"),
        example("StorageTiers"),
        example("StickyAnchors"),
        example("LeadTokens"),
        example("GatherWithFailures"),
        example("BlockingCallers"),
        example("Resilience"),
        example("Retries"),
        example("Deadlines"),
        example("Schedules"),
        example("Breaker"),
        example("Overload"),
        example("Context"),
        example("Adaptation"),
        example("PinnedActors"),
        example("History"),
        example("Limits"),
        example("WaitCycles"),
        example("Decorators", imports: "TokenGateMacros"),

        // Tests.
        .target(name: "TestSupport", dependencies: ["TokenGate"], path: "Tests/Support", swiftSettings: house),
        .testTarget(name: "TokenCoreTests", dependencies: ["TokenCore", "TestSupport"], swiftSettings: house),
        .testTarget(name: "AffinityTests", dependencies: ["Affinity", "TestSupport"], swiftSettings: house),
        .testTarget(name: "RoutingTests", dependencies: ["Routing", "TestSupport"], swiftSettings: house),
        .testTarget(name: "CoordinatorTests", dependencies: ["TokenGate", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "MacroTests",
            dependencies: [
                "TokenGateMacros", "TokenGateMacrosPlugin", "TestSupport",
                .product(name: "SwiftDiagnostics", package: "swift-syntax"),
                .product(name: "SwiftParser", package: "swift-syntax"),
                .product(name: "SwiftSyntax", package: "swift-syntax"),
                .product(name: "SwiftSyntaxMacroExpansion", package: "swift-syntax"),
                .product(name: "SwiftSyntaxMacros", package: "swift-syntax"),
                .product(name: "SwiftSyntaxMacrosGenericTestSupport", package: "swift-syntax"),
            ],
            swiftSettings: house
        ),
    ]
)
