"""A handler's call on a thread, into which an exception can be raised from outside."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from jobcontrol.pipeline import StepStopped

_SET = ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
_raise_in_thread = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)(_SET)
#: With NULL, for which no object can stand: what was raised and has not arrived yet is taken back.
_take_back = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)(_SET)


class HandlerCall:
    """One call, made on a thread of a pool and interrupted at most once, from any other thread.

    The exception is raised as soon as the thread runs Python code again, so not while it waits in C. However
    the two meet, it is raised inside of the call or not at all: the pool's own code never sees it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self.is_interrupted = False

    def run(self, handler: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
        """On the pool's thread: the answer, or what was raised.

        As a value, because neither a future nor a coroutine can raise a StopIteration.
        """
        try:
            self._enter()
            try:
                return handler(*arguments), None
            finally:
                self._leave()
        except BaseException as error:  # noqa: BLE001 - around a handler
            return None, error

    def interrupt(self) -> None:
        """Raise StepStopped in the call. Nothing happens if it is over, or was interrupted before."""
        with self._lock:
            if self._thread_id is not None and not self.is_interrupted:
                self.is_interrupted = True
                _raise_in_thread(self._thread_id, StepStopped)

    def _enter(self) -> None:
        with self._lock:
            self._thread_id = threading.get_ident()

    def _leave(self) -> None:
        with self._lock:
            if self.is_interrupted:
                _take_back(threading.get_ident(), None)
            self._thread_id = None
