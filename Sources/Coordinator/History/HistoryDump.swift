//===----------------------------------------------------------------------===//
// This source file is part of the TokenGate project
// Copyright (c) 2026 the TokenGate project authors
// Licensed under the Apache License, Version 2.0; see LICENSE
// SPDX-License-Identifier: Apache-2.0
//===----------------------------------------------------------------------===//

internal import Affinity
internal import TokenCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The history as a file: JSON with the keys that Py-TokenGate's dump has, and ours beside them.
///
/// Written by hand, since what would encode it is not linked by this module.
struct HistoryDump {
    private let records: [ExecutionRecord]
    /// What is to be added to a monotonic time for that of the calendar, and the time of the dump, in nanoseconds.
    private let epoch: Int64
    private let now: Int64

    init(_ records: [ExecutionRecord], monotonic: Int64, calendar: Int64) {
        self.records = records
        epoch = calendar &- monotonic
        now = calendar
    }

    /// The calendar's time in nanoseconds since 1970.
    static var calendarNow: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    // MARK: JSON

    /// The whole file.
    func json() -> String {
        var text =
            "{\n  \"timestamp\": \(Self.seconds(now)),\n  \"total_executions\": \(records.count),\n  \"executions\": ["
        for (index, record) in records.enumerated() {
            text += index == 0 ? "\n    {" : ",\n    {"
            for (place, (key, value)) in fields(of: record).enumerated() {
                text += "\(place == 0 ? "" : ",")\n      \"\(key)\": \(value)"
            }
            text += "\n    }"
        }
        text += records.isEmpty ? "]\n}\n" : "\n  ]\n}\n"
        return text
    }

    private func fields(of record: ExecutionRecord) -> [(String, String)] {
        let run = record.runTime.map { Int64(clampedAdding: $0, to: 0) }
        return [
            // The peer's; null where there is nothing to tell.
            ("token_id", Self.quoted("\(record.id)")),
            ("operation_type", Self.quoted(record.operationType)),
            ("success", record.state == .completed ? "true" : "false"),
            ("execution_time", run.map(Self.seconds) ?? "null"),
            ("timestamp", calendar(record.settledAt)),
            ("core_id", record.domain.map { "\($0)" } ?? "null"),
            ("worker_id", record.worker.map(Self.quoted) ?? "null"),
            // Ours.
            ("number", "\(record.number)"),
            ("state", Self.quoted(record.state.rawValue)),
            ("error_code", record.code.map { Self.quoted("\($0)") } ?? "null"),
            ("error", record.error.map(Self.quoted) ?? "null"),
            ("attempts", "\(record.attempts)"),
            ("submitted_at", calendar(record.submittedAt)),
            ("started_at", record.startedAt.map(calendar) ?? "null"),
            ("wait_time", Self.seconds(Int64(clampedAdding: record.waitTime, to: 0))),
            ("weight", Self.quoted("\(record.weight)")),
            ("storage_speed", record.storage.map { Self.quoted("\($0)") } ?? "null"),
            ("anchor_hash", record.anchor.map { Self.quoted(Self.hex($0)) } ?? "null"),
            ("seed", record.seed.map { Self.quoted("\($0)") } ?? "null"),
        ]
    }

    private func calendar(_ monotonic: Int64) -> String { Self.seconds(monotonic &+ epoch) }

    /// Nanoseconds as seconds, exactly.
    static func seconds(_ nanoseconds: Int64) -> String {
        let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        return (nanoseconds < 0 ? "-" : "") + "\(whole)." + String(repeating: "0", count: 9 - digits.count) + digits
    }

    /// 16 lower-case hex digits.
    static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// A JSON string.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    // MARK: The file

    /// Writes a file beside the one of that name and gives it that name when it is complete and on its medium: readers find the
    /// old file or the new one.
    static func write(_ text: String, to path: String) throws(TokenError) {
        if path.isEmpty || path.utf8.contains(0) {
            throw TokenError(.invalidArgument, "the path \"\(path)\" of the history's dump is empty or has a zero byte")
        }
        let draft = path + "." + hex(.random(in: 0 ... .max))
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        if file < 0 { throw failed(path, "open") }
        do throws(TokenError) {
            try fill(file, text, path)
            if rename(draft, path) != 0 { throw failed(path, "rename") }
        } catch {
            unlink(draft)
            throw error
        }
    }

    private static func fill(_ file: Int32, _ text: String, _ path: String) throws(TokenError) {
        var text = text
        var problem: TokenError?
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while problem == nil, !rest.isEmpty {
                let written = writeBytes(file, rest)
                if written < 0, errno != EINTR { problem = failed(path, "write") }
                if written > 0 { rest = UnsafeRawBufferPointer(rebasing: rest[written...]) }
            }
        }
        if problem == nil, fsync(file) != 0 { problem = failed(path, "fsync") }
        if close(file) != 0, problem == nil { problem = failed(path, "close") }
        if let problem { throw problem }
    }

    /// Read at once, before another call changes `errno`.
    private static func failed(_ path: String, _ call: String) -> TokenError {
        TokenError(
            .fileFailed, "the history could not be written to \"\(path)\"",
            cause: SystemCallError(call, errno: errno))
    }
}

// `HistoryDump` has a function of that name itself.

private func writeBytes(_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(file, bytes.baseAddress, bytes.count)
}
