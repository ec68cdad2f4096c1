//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A submitter with a limited number of places for live tokens.
package protocol PlaceKeeper: TokenSubmitter {
    /// Waits for a place, for a token that is not made yet; it is told of by `.place` among the token's holdings.
    ///
    /// - Returns: whether there is one; false where none is needed, or the submitter stops.
    /// - Throws: `CancellationError` where the calling task is cancelled first.
    func awaitPlace() async throws -> Bool

    /// As `awaitPlace`, for callers that are threads.
    ///
    /// - Parameter deadline: monotonic nanoseconds; nil: without limit.
    /// - Throws: `waitTimedOut`.
    func blockForPlace(until deadline: Int64?) throws(TokenError) -> Bool

    /// A place that was waited for is not used after all.
    func returnPlace()
}

extension GuardCore {
    /// Whom to ask for a place, from outside of bodies.
    private func placeKeeper(_ coordinator: (any TokenSubmitter)?) -> (any PlaceKeeper)? {
        guard problem == nil, let place = Submission.place(explicit: coordinator), place.lineage == nil else {
            return nil
        }
        return place.submitter as? any PlaceKeeper
    }

    /// As `submit`, once there is a place.
    @usableFromInline
    func submitWaiting(_ input: Input, to coordinator: (any TokenSubmitter)?) async throws -> TaskToken<Output> {
        guard let keeper = placeKeeper(coordinator) else { return submit(input, to: coordinator) }
        return submit(input, to: keeper, withPlace: try await keeper.awaitPlace())
    }

    /// As `submit`, once there is a place; blocks the calling thread until then.
    @usableFromInline
    func submitBlocking(
        _ input: Input, to coordinator: (any TokenSubmitter)?, timeout: Duration?
    ) throws(TokenError) -> TaskToken<Output> {
        guard let keeper = placeKeeper(coordinator) else { return submit(input, to: coordinator) }
        let deadline = try deadline(after: timeout)
        return submit(input, to: keeper, withPlace: try keeper.blockForPlace(until: deadline))
    }

    private func submit(_ input: Input, to keeper: any PlaceKeeper, withPlace: Bool) -> TaskToken<Output> {
        if let managed { return managed.submit(input, CallOptions(), to: keeper, place: withPlace ? keeper : nil) }
        let token = makeToken(input)
        if withPlace { token.holdings.insert(.place) }
        handOver(token, input, keeper)
        // Refused on its way there: nobody else gives the place back.
        if withPlace, token.realm == nil { keeper.returnPlace() }
        return token
    }
}
