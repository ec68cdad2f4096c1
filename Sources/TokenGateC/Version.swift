//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import CTokenGate

private let versionText: StaticString = "0.1.0"

@c @implementation
package func tg_version_string() -> UnsafePointer<CChar>? {
    UnsafeRawPointer(versionText.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
package func tg_version_number() -> UInt32 {
    UInt32(TG_VERSION_MAJOR * 1_000_000 + TG_VERSION_MINOR * 1_000 + TG_VERSION_PATCH)
}

@c @implementation
package func tg_abi() -> UInt32 { UInt32(TG_ABI) }
