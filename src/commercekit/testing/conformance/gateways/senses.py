"""What a trial hears, sees and feels: log lines, what is remembered, steps that take long."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import io
import logging
import resource
import sys
import time
import traceback
from collections.abc import Awaitable, Collection, Generator, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from msgspec import Struct
from structlog.testing import capture_logs

__all__ = ["Stepped", "loose_tasks", "overheard", "remembered", "spellings", "told_by"]

T = TypeVar("T")

_NOT_THE_GATEWAYS: Final = (
    "_",
    "asyncio",
    "asyncpg",
    "builtins",
    "commercekit.",
    "cryptography",
    "enum",
    "httpcore",
    "httpx",
    "logging",
    "piccolo",
    "ssl",
    "structlog",
    "threading",
    "typing",
)
_AS_MANY: Final = 20_000
_OF_THIS_THREAD: Final[int | None] = getattr(resource, "RUSAGE_THREAD", None)
"""Linux knows what a single thread did; elsewhere only the clock on the wall is looked at."""


class Stepped(Generic[T]):
    """Awaits ``call`` and notes how long each of its steps kept the loop."""

    def __init__(self, call: Awaitable[T], steps: list[tuple[str, float]]) -> None:
        self._call = call
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, T]:
        name = getattr(self._call, "__name__", type(self._call).__name__)
        inner: Any = self._call.__await__()
        thrown: BaseException | None = None
        while True:
            began = _moment()
            try:
                waited_for = inner.send(None) if thrown is None else inner.throw(thrown)
            except StopIteration as done:
                answer: T = done.value
                return answer
            finally:
                self._steps.append((name, _kept_the_loop(began, _moment())))
            thrown = None
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001 - handed on to the call it is meant for
                thrown = error


def _moment() -> tuple[float, float, int]:
    """Now by the clock on the wall, by this thread's own, and how often it gave the processor up."""
    gave_up = resource.getrusage(_OF_THIS_THREAD).ru_nvcsw if _OF_THIS_THREAD is not None else -1
    return time.perf_counter(), time.thread_time(), gave_up


def _kept_the_loop(began: tuple[float, float, int], ended: tuple[float, float, int]) -> float:
    """Seconds that the step took by itself: what others did with the processor is not its fault.

    Who gives the processor up waits for something (a sleep, a socket, a lock): then the wall counts.
    """
    wall, own = ended[0] - began[0], ended[1] - began[1]
    waited = ended[2] != began[2] or ended[2] < 0
    return wall if waited else own


@contextlib.contextmanager
def overheard() -> Iterator[list[str]]:
    """Everything that is logged or printed meanwhile, by whichever way, in the order it is known."""
    heard: list[str] = []
    handler = _Listener(heard)
    root = logging.getLogger()
    level = root.level
    printed = io.StringIO()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with (
            capture_logs() as entries,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            yield heard
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        heard.append(printed.getvalue())
        for entry in entries:
            heard.append(repr(dict(entry)))
            error = entry.get("exc_info")
            if isinstance(error, BaseException):
                heard.append(told_by(error))


class _Listener(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(self.format(record) + repr(vars(record)))


def told_by(error: BaseException) -> str:
    """All that an exception says, with what led to it."""
    fields = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    return "".join(traceback.format_exception(error)) + repr(error) + repr(fields)


def spellings(text: str) -> list[str]:
    """The ways in which a secret may be written down."""
    raw = text.encode()
    return [
        text,
        quote(text, safe=""),
        base64.b64encode(raw).decode(),
        base64.b64encode(raw + b":").decode(),
    ]


def remembered(gateway: object) -> str:
    """All text that the gateway keeps: in itself, in its class, in the globals of its modules."""
    found: list[str] = []
    kinds = [kind for kind in type(gateway).__mro__ if not _foreign(kind)]
    globals_ = [
        vars(sys.modules[kind.__module__]) for kind in kinds if kind.__module__ in sys.modules
    ]
    held = [value for names in globals_ for value in names.values() if _is_container(value)]
    stack: list[Any] = [gateway, *held, *(dict(vars(kind)) for kind in kinds)]
    seen: set[int] = set()
    while stack and len(seen) < _AS_MANY:
        thing = stack.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, str):
            found.append(thing)
        elif isinstance(thing, bytes | bytearray):
            found.append(bytes(thing).decode("utf-8", "replace"))
        else:
            stack.extend(_within(thing))
    return "\n".join(found)


def _within(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Mapping):
        yield from thing.keys()
        yield from thing.values()
    elif _is_container(thing):
        yield from thing
    elif isinstance(thing, Struct):
        yield from (getattr(thing, name) for name in thing.__struct_fields__)
    elif isinstance(thing, type) or callable(thing) or _foreign(type(thing)):
        return
    else:
        if dataclasses.is_dataclass(thing):
            yield from (getattr(thing, each.name, None) for each in dataclasses.fields(thing))
        yield from getattr(thing, "__dict__", {}).values()


def _is_container(thing: Any) -> bool:
    return isinstance(thing, Collection) and not isinstance(thing, str | bytes | bytearray | type)


def _foreign(kind: type) -> bool:
    return f"{kind.__module__}.".startswith(tuple(f"{n.rstrip('.')}." for n in _NOT_THE_GATEWAYS))


def loose_tasks(before: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Tasks that were not there before, and are not the present one."""
    return {
        task
        for task in asyncio.all_tasks() - before
        if task is not asyncio.current_task() and not task.done()
    }
