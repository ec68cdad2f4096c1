# SPDX-License-Identifier: Apache-2.0

"""The Python contenders: original.py WORKLOAD CONTENDER NUMBER… warms up, measures once, prints the checksum and the
metrics. The one workload is tg-guard's own benchmark, after its max_concurrency_test.py."""

import asyncio
import contextlib
import hashlib
import importlib.metadata
import io
import os
import platform
import string
import sys
import time
from array import array
from itertools import islice

from tokenguard import OperationsCoordinator, task_token_guard

MASK = (1 << 64) - 1


def xorshift(seed):
    """Numbers that are the same in every language."""
    state = seed + 88_172_645_463_325_252
    while True:
        state ^= (state << 13) & MASK
        state ^= state >> 7
        state ^= (state << 17) & MASK
        yield state


def number(digest):
    """The first eight bytes."""
    return int.from_bytes(digest[:8], "little")


def cpu_crunch(limit):
    """The sum of the primes below a limit, by trial division."""
    total = 0
    for candidate in range(2, limit):
        if all(candidate % divisor != 0 for divisor in range(2, int(candidate**0.5) + 1)):
            total += candidate
    return total


def string_transform(seed):
    """300 letters, reversed, in upper case, three of them replaced."""
    text = "".join(string.ascii_letters[value % 52] for value in islice(xorshift(seed), 300))
    changed = text[::-1].upper().replace("A", "4").replace("E", "3").replace("I", "1")
    return number(hashlib.sha256(changed.encode()).digest())


def data_sort(size):
    """So many numbers below 100,000, sorted."""
    data = sorted([value % 100_000 for value in islice(xorshift(size), size)])
    return number(hashlib.sha256(array("Q", data)).digest())


def hash_chain(seed, iterations):
    """So many hashes, each of the one before it."""
    digest = seed.encode()
    for _ in range(iterations):
        digest = hashlib.sha256(digest).digest()
    return number(digest)


def turns(crunch, transform, sort, chain):
    """What token i of a wave does: number i % 4 of these, called with i."""
    return [
        lambda i: crunch(60 + i % 25),
        lambda i: transform(i * 31),
        lambda i: sort(400 + i % 300),
        lambda i: chain(f"wave_seed_{i}", 120 + i % 80),
    ]


PLAIN = turns(cpu_crunch, string_transform, data_sort, hash_chain)
# With the original's names and tags.
GUARDED = turns(
    task_token_guard(operation_type="cpu_crunch", tags={"weight": "medium"})(cpu_crunch),
    task_token_guard(operation_type="string_ops", tags={"weight": "medium"})(string_transform),
    task_token_guard(operation_type="data_transform", tags={"weight": "heavy"})(data_sort),
    task_token_guard(operation_type="hash_compute", tags={"weight": "heavy"})(hash_chain),
)


def wave(operations, size):
    return [operations[i % 4](i) for i in range(size)]


async def serial(size):
    """A wave without a runtime; async only to be measured like the other."""
    return sum(wave(PLAIN, size))


async def tokens(size):
    """A wave of tokens, gathered."""
    return sum(await asyncio.gather(*wave(GUARDED, size)))


async def measure(run, size, repeats):
    """As W3: one wave to warm up, the serial loop for the clock, then the waves."""
    await run(size)
    begin = time.perf_counter_ns()
    for _ in range(repeats):
        await serial(size)
    alone = time.perf_counter_ns() - begin
    checksum = 0
    begin = time.perf_counter_ns()
    for _ in range(repeats):
        checksum += await run(size)
    together = time.perf_counter_ns() - begin
    cpus = len(os.sched_getaffinity(0))
    return checksum & MASK, together / (size * repeats), 100 * alone / (cpus * together)


def measure_tokens(size, repeats):
    coordinator = OperationsCoordinator()
    coordinator.start()
    # start() comes back before the coordinator's loop takes tokens, and those made until then never run.
    time.sleep(0.1)
    try:
        return asyncio.run(measure(tokens, size, repeats))
    finally:
        coordinator.stop()


def measure_serial(size, repeats):
    return asyncio.run(measure(serial, size, repeats))


CONTENDERS = {"original tokens": measure_tokens, "original serial": measure_serial}


def main(arguments):
    if arguments == ["version"]:
        print(f"Python\t{platform.python_version()}\ntg-guard\t{importlib.metadata.version('tg-guard')}")
        return
    if len(arguments) < 2:
        sys.exit("usage: original.py WORKLOAD CONTENDER NUMBER…")
    run = CONTENDERS.get(f"{arguments[0]} {arguments[1]}")
    if run is None:
        sys.exit(f"error: unknown contender: {arguments[0]} {arguments[1]}")
    # The library prints, too; standard output is for the sample alone.
    with contextlib.redirect_stdout(io.StringIO()):
        sample = run(*map(int, arguments[2:]))
    print(*sample)


if __name__ == "__main__":
    main(sys.argv[1:])
