// swift-tools-version: 6.2
//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Foundation
import PackageDescription

/// The settings of the root package.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Whether oneTBB is installed.
///
/// `TOKENGATE_BENCH_TBB` overrides: 1 or 0. Where it is not, its contenders are skipped by name.
let hasTBB =
    Context.environment["TOKENGATE_BENCH_TBB"].map { $0 == "1" }
    ?? FileManager.default.fileExists(atPath: "/usr/include/oneapi/tbb.h")

/// The flag that links oneTBB, where it is.
let systemTBB: [Target] =
    hasTBB
    ? [
        .systemLibrary(
            name: "SystemTBB", path: "CShim/SystemTBB", pkgConfig: "tbb", providers: [.apt(["libtbb-dev"])])
    ] : []

let package = Package(
    name: "TokenGateBenchmarks",
    dependencies: [
        .package(name: "TokenGate", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: systemTBB + [
        // What C and C++ say better: clocks and masks; oneTBB behind a C header; a malloc that counts.
        .target(name: "CBenchSupport", path: "CShim/Support"),
        .target(
            name: "CBenchTBB",
            dependencies: hasTBB ? ["SystemTBB"] : [],
            path: "CShim/TBB",
            // Not a dependency: the header would come as a module, which C++ targets cannot load.
            cxxSettings: [.headerSearchPath("../Support/include")] + (hasTBB ? [.define("BENCH_HAS_TBB")] : [])
        ),
        .target(name: "CBenchAllocations", path: "CShim/Allocations"),

        // The harness knows no workload; the workloads know no table.
        .target(
            name: "BenchmarkHarness",
            dependencies: [
                "CBenchSupport", "CBenchTBB", .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            path: "Harness",
            swiftSettings: house
        ),
        .executableTarget(
            name: "tokengate-bench",
            dependencies: [
                "BenchmarkHarness", "CBenchSupport", "CBenchTBB",
                .product(name: "TokenGate", package: "TokenGate"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Workloads",
            swiftSettings: house
        ),
        .executableTarget(
            name: "tokengate-count",
            dependencies: [
                "CBenchAllocations", .product(name: "TokenGate", package: "TokenGate"),
                .product(name: "Coordinator", package: "TokenGate"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Count",
            swiftSettings: house
        ),
    ],
    cxxLanguageStandard: .cxx20
)
