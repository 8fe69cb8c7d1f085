"""Who has the event loop's thread at this moment, and how to take it back.

Every step of a provider's code on the loop stands on the stage, under the name of its call. The watchdog
looks at it from a thread of its own while the loop stands still: it names whoever is there, and throws
:class:`Overran` into pure Python code that has been there for longer than its deadline.

*No lock on the way of a call.* The thread of the loop first leaves the stage, then looks whether somebody
aims at it; the watchdog first aims, then looks who is on the stage. One of the two sees the other, so that
what is thrown never reaches anybody else's code.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from types import CoroutineType
from typing import Any, Final, NamedTuple, TypeVar

__all__ = ["Act", "Overran", "Stage", "throw_into"]

T = TypeVar("T")

_set_async_exc: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc


def throw_into(thread: int, error: type[BaseException] | None) -> None:
    """Have ``error`` raised in ``thread``; ``None`` takes back what was not delivered yet."""
    what = ctypes.py_object(error) if error is not None else None
    _set_async_exc(ctypes.c_ulong(thread), what)


class Overran(BaseException):
    """Thrown into a provider that keeps the event loop for itself; not to be caught."""


class Act(NamedTuple):
    """One verb of one provider, as it is named while it is on the stage."""

    family: str
    provider: str
    verb: str
    plugin: str
    deadline: float
    """Seconds after which it is thrown out."""


class Stage:
    """One per event loop."""

    __slots__ = ("_lock", "act", "aimed", "serial")

    def __init__(self) -> None:
        self.act: Act | None = None
        """Whose code runs; ``None`` while it is the core's own."""
        self.serial = 0
        """Another number for each entrance: the same act twice is not one that stays."""
        self.aimed = False
        """Whether somebody may have thrown."""
        self._lock = threading.Lock()

    def run(self, act: Act, work: Callable[[], T]) -> T:
        """What ``work`` gives, on the stage; raises :class:`Overran` when it was thrown out."""
        before = self.act
        self.serial += 1
        try:
            try:
                self.act = act
                return work()
            finally:
                self.act = before
                self.serial += 1
                if self.aimed:
                    self.settle()
        except Overran:
            # It may have come between two instructions of the lines above.
            self.act = before
            self.serial += 1
            if self.aimed:
                self.settle()
            raise

    def walk(self, act: Act, work: Callable[[], Awaitable[T]]) -> Coroutine[Any, Any, T]:
        """What ``work`` makes, as a coroutine every step of which is taken on the stage."""
        return _Walk(self, act, work)

    def throw_out(self, serial: int, thread: int) -> bool:
        """From another thread: interrupt who entered as ``serial``, if they are still there.

        Python delivers it at the next instruction; who is inside of C code hears of it afterwards.
        """
        with self._lock:
            before, self.aimed = self.aimed, True
            if self.act is None or self.serial != serial:
                self.aimed = before
                return False
            throw_into(thread, Overran)
            return True

    def settle(self) -> None:
        """Take in what was thrown and has not arrived yet; nothing is thrown any more by now."""
        with suppress(Overran), self._lock:
            throw_into(threading.get_ident(), None)
        self.aimed = False


class _Walk(Coroutine[Any, Any, Any]):
    """Drives a coroutine; what it awaits goes up to the task unchanged.

    A task calls ``send`` and ``throw`` itself, so that a step costs half a microsecond more than without.
    """

    __slots__ = ("_act", "_stage", "_steps", "_work")

    def __init__(self, stage: Stage, act: Act, work: Callable[[], Awaitable[Any]]) -> None:
        self._stage = stage
        self._act = act
        self._work = work
        self._steps: Any = None

    def send(self, value: Any) -> Any:
        """Begin, or go on; as :meth:`Stage.run`, spelt out because every call passes here."""
        stage = self._stage
        before = stage.act
        stage.serial += 1
        try:
            try:
                stage.act = self._act
                if self._steps is None:
                    made: Any = self._work()
                    self._steps = made if type(made) is CoroutineType else made.__await__()
                return self._steps.send(value)
            finally:
                stage.act = before
                stage.serial += 1
                if stage.aimed:
                    stage.settle()
        except Overran:
            stage.act = before
            stage.serial += 1
            if stage.aimed:
                stage.settle()
            self.close()
            raise
        except SystemExit as error:
            raise _left(error) from error

    def throw(self, *error: Any) -> Any:
        """Tell it of a failure or of its cancellation."""
        if self._steps is None:  # cancelled before it began
            raise error[0]
        try:
            return self._stage.run(self._act, lambda: self._steps.throw(*error))
        except Overran:
            self.close()
            raise
        except SystemExit as left:
            raise _left(left) from left

    def close(self) -> None:
        """End it; what it says to that is not heard."""
        if self._steps is not None:
            with suppress(BaseException):
                self._stage.run(self._act, self._steps.close)

    def __await__(self) -> Generator[Any, Any, Any]:
        message = "a walk is driven by a task"
        raise RuntimeError(message)


def _left(error: SystemExit) -> RuntimeError:
    """A task would hand ``SystemExit`` on to the event loop, and the process would end."""
    return RuntimeError(f"SystemExit: {error.code!r:.100}")
