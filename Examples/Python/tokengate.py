# SPDX-License-Identifier: Apache-2.0
"""TokenGate for Python, in the shape of Py-TokenGate: an example of what the C API is for, to be copied and changed.

    from tokengate import OperationsCoordinator, task_token_guard

    coordinator = OperationsCoordinator()
    coordinator.start()

    @task_token_guard(operation_type='string_ops', tags={'weight': 'light'})
    def string_op(text):
        return text.upper()

    token = string_op('hello')      # returns at once
    print(token.wait())             # or: print(await token)

Python's own lock lets one body run at a time, except where bodies wait for files, sockets or numpy. What they get here is
real placement, storage limits, and control."""

import asyncio
import atexit
import ctypes
import functools
import os
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint64, c_void_p

_library = ctypes.CDLL(os.environ.get("TOKENGATE_LIBRARY", "libtokengate.so.1"))
FOREVER = 2**63 - 1
WEIGHTS = {None: 0, "light": 1, "medium": 2, "heavy": 3}
STORAGE = {None: 0, "SLOW": 1, "MODERATE": 2, "FAST": 3, "INSANE": 4}
_Body = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p)
_OnSettled = CFUNCTYPE(None, c_void_p, c_void_p)


class _Error(Structure):
    _fields_ = [("struct_size", c_size_t), ("status", c_int32), ("body_status", c_int32), ("message", c_char * 240)]


class _OperationOptions(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("weight", c_int32), ("storage", c_int32), ("anchor_mode", c_int32),
        ("ordered", c_int32), ("anchor", c_char_p), ("anchor_size", c_size_t), ("external_calls", POINTER(c_char_p)),
        ("external_call_count", c_size_t), ("user_data", c_void_p), ("destroy_user_data", c_void_p)]


class _StopReport(Structure):
    _fields_ = [
        ("struct_size", c_size_t), ("is_complete", c_int32), ("busy_threads", c_int32), ("abandoned", c_uint64),
        ("abandoned_executing", c_uint64), ("duration", c_int64)]


class TokenGateError(RuntimeError):
    """What a call of the C API failed with; `status` is its number."""

    def __init__(self, status, message):
        super().__init__(f"{_library.tg_status_name(status).decode()}: {message}")
        self.status = status


def _call(function, *arguments):
    error = _Error(ctypes.sizeof(_Error))
    status = function(*arguments, byref(error))
    if status != 0:
        raise TokenGateError(status, error.message.decode())


_library.tg_status_name.restype = c_char_p
_library.tg_token_wait.argtypes = [c_void_p, c_int64, c_void_p, c_void_p]
_library.tg_token_release.argtypes = _library.tg_token_state.argtypes = [c_void_p]
_library.tg_token_kill.argtypes = [c_void_p, c_void_p]
_library.tg_token_notify.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]
_library.tg_submit.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]
_library.tg_coordinator_stop.argtypes = [c_void_p, c_int64, c_void_p, c_void_p]

# Calls on their way, by number: what a body needs, and where it leaves its result.
_calls, _numbers = {}, iter(range(1, 2**62))


@_Body
def _run(context, argument, result):
    token = _calls.pop(argument, None)
    if token is None:  # killed a moment ago: its result is late
        return 1
    try:
        token._outcome = (token._function(*token._arguments, **token._keywords), None)
        return 0
    except BaseException as error:  # whatever a body raises is its token's
        token._outcome = (None, error)
        return 1


@_OnSettled
def _settled(handle, number):
    loop, future = _calls.pop(number)
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: future.done() or future.set_result(None))


class TaskToken:
    """One call. `wait()` from threads and bodies, `await` from asyncio."""

    def __init__(self, operation, function, arguments, keywords):
        self._function, self._arguments, self._keywords, self._outcome = function, arguments, keywords, None
        self._handle, self._number = c_void_p(), next(_numbers)
        _calls[self._number] = self
        try:
            _call(_library.tg_submit, operation, self._number, None, byref(self._handle))
        except TokenGateError:
            del _calls[self._number]
            raise

    def __del__(self):
        if _library is not None and getattr(self, "_handle", None):  # else the interpreter is on its way out
            _library.tg_token_release(self._handle)

    def kill(self):
        settled = c_int32()
        _library.tg_token_kill(self._handle, byref(settled))
        _calls.pop(self._number, None)  # where it has not begun, it never will
        return settled.value == 1

    def wait(self, timeout=None):
        try:
            _call(_library.tg_token_wait, self._handle, FOREVER if timeout is None else int(timeout * 1e9), None)
        except TokenGateError as error:
            if error.status != -12:  # settled, run or not: TG_E_WAIT_TIMED_OUT alone is not
                _calls.pop(self._number, None)
            if self._outcome is None or self._outcome[1] is None:
                raise
        if self._outcome[1] is not None:
            raise self._outcome[1]
        return self._outcome[0]

    def __await__(self):
        loop, number = asyncio.get_running_loop(), next(_numbers)
        future = loop.create_future()
        _calls[number] = (loop, future)
        _call(_library.tg_token_notify, self._handle, ctypes.cast(_settled, c_void_p), number, None)
        yield from future
        return self.wait(0)


class OperationsCoordinator:
    """Owns the workers. The last one made is where decorated functions go."""

    current = None

    def __init__(self):
        self.handle = c_void_p()
        _call(_library.tg_coordinator_create, None, byref(self.handle))
        OperationsCoordinator.current = self
        # No worker may call into an interpreter that is gone.
        atexit.register(self.stop, 5.0)

    def start(self):
        _call(_library.tg_coordinator_start, self.handle)

    def stop(self, timeout=30.0):
        report = _StopReport(ctypes.sizeof(_StopReport))
        _call(_library.tg_coordinator_stop, self.handle, int(timeout * 1e9), byref(report))
        atexit.unregister(self.stop)
        return report

    def kill(self, operation_type=None):
        """Settles live tokens, of one operation or of all; says how many. Their bodies never run, or are asked to end."""
        settled = c_uint64()
        name = None if operation_type is None else operation_type.encode()
        _call(_library.tg_coordinator_kill, self.handle, name, byref(settled))
        for number, token in list(_calls.items()):
            if isinstance(token, TaskToken) and _library.tg_token_state(token._handle) >= 4:  # settled: it never will run
                _calls.pop(number, None)
        return settled.value


def task_token_guard(operation_type, tags=None, external_calls=(), sticky_anchor=None):
    """Turns a function into an operation: calls return a `TaskToken`."""
    tags = dict(tags or {})
    options = _OperationOptions(ctypes.sizeof(_OperationOptions))
    sticky_anchor = tags.pop("sticky_anchor", sticky_anchor)
    weight, speed = tags.pop("weight", None), tags.pop("storage_speed", None)
    if weight not in WEIGHTS or speed not in STORAGE or tags:
        raise ValueError(f"{operation_type}: weight {weight!r}, storage_speed {speed!r}, unknown tags {sorted(tags)}")
    options.weight, options.storage = WEIGHTS[weight], STORAGE[speed]
    if sticky_anchor is not None:
        key = str(sticky_anchor).encode()
        options.anchor_mode, options.ordered, options.anchor, options.anchor_size = 1, 1, key, len(key)
    if external_calls:
        options.external_calls = (c_char_p * len(external_calls))(*(call.encode() for call in external_calls))
        options.external_call_count = len(external_calls)

    def decorate(function):
        operations = {}

        @functools.wraps(function)
        def submit(*arguments, **keywords):
            coordinator = OperationsCoordinator.current
            if coordinator is None:
                raise RuntimeError(f"{operation_type}: no OperationsCoordinator was made yet")
            if coordinator not in operations:
                operation = c_void_p()
                _call(_library.tg_operation_create, coordinator.handle, operation_type.encode(), _run, byref(options),
                      byref(operation))
                operations[coordinator] = operation
            return TaskToken(operations[coordinator], function, arguments, keywords)

        return submit

    return decorate
