//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

/// A submitter with a limited number of places for live tokens.
package protocol PlaceKeeper: TokenSubmitter {
    /// Waits for the places that a token of an operation needs, which is not made yet.
    ///
    /// - Parameter callOff: what may end the wait.
    /// - Returns: those that it has now, to be put among the token's holdings, or given back; none where none is needed, or the
    ///   submitter stops.
    /// - Throws: `CancellationError` where the calling task is cancelled first.
    func awaitPlaces(for operation: Operation, callOff: CallOff?) async throws -> TokenTags.Holdings

    /// As `awaitPlaces`, for callers that are threads.
    ///
    /// - Parameters:
    ///   - deadline: monotonic nanoseconds; nil: without limit.
    ///   - callOff: what may end the wait.
    /// - Throws: `waitTimedOut`.
    func blockForPlaces(
        for operation: Operation, until deadline: Int64?, callOff: CallOff?
    ) throws(TokenError) -> TokenTags.Holdings

    /// Places that were waited for are not used after all.
    func returnPlaces(_ places: TokenTags.Holdings, of operation: Operation)
}

extension Submission {
    /// Whom to ask for a place, from outside of bodies.
    static func placeKeeper(_ coordinator: (any TokenSubmitter)?) -> (any PlaceKeeper)? {
        guard let place = place(explicit: coordinator), place.lineage == nil else { return nil }
        return place.submitter as? any PlaceKeeper
    }
}

extension GuardCore {
    /// Whom to ask for a place, from outside of bodies.
    private func placeKeeper(_ coordinator: (any TokenSubmitter)?) -> (any PlaceKeeper)? {
        guard problem == nil, let keeper = Submission.placeKeeper(coordinator) else { return nil }
        managed?.stateLimits(to: keeper)
        return keeper
    }

    /// As `submit`, once there is a place.
    @usableFromInline
    func submitWaiting(_ input: Input, to coordinator: (any TokenSubmitter)?) async throws -> TaskToken<Output> {
        guard let keeper = placeKeeper(coordinator) else { return submit(input, to: coordinator) }
        return submit(input, to: keeper, with: try await keeper.awaitPlaces(for: operation, callOff: nil))
    }

    /// As `submit`, once there is a place; blocks the calling thread until then.
    @usableFromInline
    func submitBlocking(
        _ input: Input, to coordinator: (any TokenSubmitter)?, timeout: Duration?
    ) throws(TokenError) -> TaskToken<Output> {
        let deadline = try deadline(after: timeout)
        guard let keeper = placeKeeper(coordinator) else { return submit(input, to: coordinator) }
        return submit(
            input, to: keeper, with: try keeper.blockForPlaces(for: operation, until: deadline, callOff: nil))
    }

    private func submit(
        _ input: Input, to keeper: any PlaceKeeper, with places: TokenTags.Holdings
    ) -> TaskToken<Output> {
        if let managed { return managed.submit(input, CallOptions(), to: keeper, places: places) }
        let token = makeToken(input)
        token.holdings.formUnion(places)
        handOver(token, input, keeper)
        // Refused on its way there: nobody else gives the places back.
        if token.realm == nil { keeper.returnPlaces(places, of: operation) }
        return token
    }
}
