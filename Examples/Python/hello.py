# SPDX-License-Identifier: Apache-2.0
"""A Py-TokenGate program on TokenGate: decorators, a lead with children, errors, asyncio."""

import asyncio

from tokengate import OperationsCoordinator, task_token_guard

coordinator = OperationsCoordinator()
coordinator.start()


@task_token_guard(operation_type="string_ops", tags={"weight": "light"})
def string_op(text):
    return text.upper()


@task_token_guard(operation_type="child_op")
def child_op(number):
    return number * number


@task_token_guard(operation_type="lead_op", tags={"weight": "heavy"}, external_calls=["child_op"])
def lead_op(number):
    return sum(child.wait() for child in [child_op(number + i) for i in range(4)])


@task_token_guard(operation_type="fails")
def fails():
    raise ValueError("as it should")


async def main():
    print(await asyncio.gather(*(string_op(word) for word in ["hello", "token", "gate"])))


print(string_op("hello").wait())
print(lead_op(1).wait())
try:
    fails().wait()
except ValueError as error:
    print("the body raised:", error)
asyncio.run(main())
print("abandoned at the stop:", coordinator.stop().abandoned)
