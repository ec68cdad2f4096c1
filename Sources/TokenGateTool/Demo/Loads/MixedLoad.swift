//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

import TokenGate

/// Random batches of processor and file operations; about one file in a hundred is not there, and its token fails.
struct MixedLoad: Load {
    private static let payload = 2_048

    func run(in stage: Stage) async throws -> Findings {
        var random = stage.dice()
        let drill = Drill(Workbook(size: .large, using: &random), on: stage)
        let files = StorageSpeed.allCases.map { roundTrip(through: $0, stage) }
        let lookUp = TaskTokenGuard("missing_file", storage: .fast, on: stage.coordinator) { (path: String) throws in
            stage.sightings.note()
            return UInt64(try SmallFile.read(path, limit: Self.payload).count)
        }
        var findings = Findings()
        var results = ResultCheck()
        var spoilt = 0
        var batches = 0
        var fileTokens = 0
        repeat {
            let size = Int.random(in: 1...256, using: &random)
            var tokens: [TaskToken<UInt64>] = []
            var answers: [UInt64?] = []
            for _ in 0..<size {
                switch Int.random(in: 0..<100, using: &random) {
                case 0:
                    tokens.append(lookUp("\(stage.directory)/absent-\(findings.tokens + tokens.count)"))
                    answers.append(nil)
                case 1..<40:
                    let content = random.next()
                    let file = files[Int.random(in: 0..<files.count, using: &random)]
                    tokens.append(file(findings.tokens + tokens.count, content))
                    answers.append(Self.answer(content))
                    fileTokens += 1
                default:
                    let (token, answer) = drill.submit(Int.random(in: 0..<drill.count, using: &random))
                    tokens.append(token)
                    answers.append(answer)
                }
            }
            for (result, answer) in zip(await gather(tokens), answers) {
                if let answer {
                    results.add(result, expected: answer)
                } else if case .success = result {
                    spoilt += 1
                }
            }
            if let obstacle = results.obstacle { throw obstacle }
            findings.meantToFail += answers.count { $0 == nil }
            findings.tokens += size
            batches += 1
        } while !stage.isOver
        findings.remark =
            "\(Wording.count(batches)) batches of 1 … 256"
            + ", \(Wording.count(fileTokens)) files written and read back; "
            + "\(Wording.count(findings.meantToFail)) absent files failed their tokens, as they should"
        findings.promises = [
            results.promise,
            Promise(
                "C1", "a file that is not there fails its own token, and no other", checked: findings.meantToFail,
                broken: spoilt),
        ]
        return findings
    }

    /// Writes a file of its own, reads it back, removes it.
    private func roundTrip(through tier: StorageSpeed, _ stage: Stage) -> TaskTokenGuard<(Int, UInt64), UInt64> {
        TaskTokenGuard("file_\(tier)", storage: tier, on: stage.coordinator) { (number: Int, content: UInt64) throws in
            stage.sightings.note()
            let path = "\(stage.directory)/mixed-\(number)"
            try SmallFile.write(Self.bytes(content), to: path)
            defer { SmallFile.remove(path) }
            return fingerprint(try SmallFile.read(path, limit: Self.payload))
        }
    }

    private static func bytes(_ content: UInt64) -> [UInt8] {
        (0..<payload).map { UInt8(truncatingIfNeeded: content >> UInt64(8 * ($0 % 8))) }
    }

    private static func answer(_ content: UInt64) -> UInt64 { fingerprint(bytes(content)) }
}
