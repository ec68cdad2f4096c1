//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// What callers from other languages need of options, which `TaskTokenGuard.with(…)` does not offer: keys of any bytes, a look at
/// what is wrong before the submission, a wait for a place.
extension CallOptions {
    /// - Parameter key: 1…1,024 bytes, any; copied.
    package init(
        delay: Duration?, after: [AnyTaskToken], afterFailure: AfterFailure, timeout: Duration?,
        key: UnsafeRawBufferPointer?
    ) {
        self.init(delay: delay, after: after, afterFailure: afterFailure, timeout: timeout)
        guard let key else { return }
        // A scalar for each byte. No two such texts are equal but those of equal bytes: composed and decomposed forms, which are equal as
        // strings, need scalars beyond these.
        self.key = String(String.UnicodeScalarView(key.map { Unicode.Scalar($0) }))
        isKeyOfBytes = true
    }

    /// Throws what is wrong with them, if anything.
    package func validate() throws(TokenError) { if let problem { throw problem } }
}

extension TaskTokenGuard {
    /// The guard with what a call asks for.
    package func with(_ options: CallOptions) -> TaskTokenCall<Input, Output> {
        TaskTokenCall(core.planWithOptions, coordinator, options)
    }
}

extension TaskTokenCall {
    /// As a call, once there is room for it; blocks the calling thread until then.
    ///
    /// - Throws: `waitTimedOut`; then nothing was submitted.
    package func submitBlocking(_ input: Input, timeout: Duration?) throws(TokenError) -> TaskToken<Output> {
        let deadline = try deadline(after: timeout)
        if let call = deferred { return call(input) }
        guard let keeper = placeKeeper else { return self(input) }
        let wait = beginWait(at: keeper)
        defer { endWait(wait, at: keeper) }
        let places = try keeper.blockForPlaces(for: plan.operation, until: deadline, callOff: wait)
        return plan.submit(input, options, to: keeper, places: places, unless: wait)
    }
}
