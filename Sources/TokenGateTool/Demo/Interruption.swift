//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Ctrl-C: the first one ends the run early, in good order; the second one ends the process.
enum Interruption {
    private static let flag = Atomic<Bool>(false)

    /// Whether the run is to end.
    static var isRequested: Bool { flag.load(ordering: .relaxed) }

    /// Takes the interrupt signal on.
    ///
    /// Called once, before the first load.
    static func listen() {
        _ = isRequested  // the flag exists before a handler could need it
        signal(SIGINT) { _ in
            Interruption.flag.store(true, ordering: .relaxed)
            signal(SIGINT, SIG_DFL)
        }
    }
}
