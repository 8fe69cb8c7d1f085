"""Seeing what code reaches for while it runs: clocks, dice, files, the network, other processes.

Two witnesses: the interpreter's audit events for what touches the machine, and its profile hook for
calls, so that ``from time import time`` is seen as well as ``time.time()``. What happens while a module is
imported does not count, nor does reading files that were installed with one (time zones, locales).
"""

from __future__ import annotations

import gc
import os
import random
import socket
import sys
import sysconfig
import threading
import time
import zoneinfo
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import FrameType
from typing import Any, Final, NamedTuple, Self

__all__ = ["Reach", "Reached", "Watch"]


class Reach(StrEnum):
    """What code reached for."""

    CLOCK = "clock"
    DICE = "dice"
    FILES = "files"
    ENVIRONMENT = "environment"
    OTHERS = "others"
    """The network, a database, another process, another thread, the event loop."""
    SLEEP = "sleep"
    WAIT = "wait"
    """A socket that holds up the thread it is called in."""


class Reached(NamedTuple):
    """One time that code reached out."""

    reach: Reach
    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} at {self.where}"


_CLOCKS: Final = {
    "clock_gettime",
    "clock_gettime_ns",
    "gmtime",
    "localtime",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "process_time",
    "process_time_ns",
    "thread_time",
    "thread_time_ns",
    "time",
    "time_ns",
}
_TODAYS: Final = {"now", "today", "utcnow"}
_DICE_MODULES: Final = {"uuid_utils", "uuid_utils._uuid_utils", "_uuid", "uuid7"}
_SOCKET_CALLS: Final = {"accept", "connect", "recv", "recv_into", "recvfrom", "send", "sendall"}
_OTHERS: Final = {
    "aiohttp",
    "asyncio",
    "asyncpg",
    "concurrent",
    "http",
    "httpx",
    "multiprocessing",
    "obstore",
    "piccolo",
    "psycopg",
    "psycopg2",
    "redis",
    "requests",
    "smtplib",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "subprocess",
    "urllib3",
    "valkey",
}
"""Packages that nobody calls who only thinks."""
_WAITING: Final = {
    ("subprocess", name) for name in ("call", "run", "Popen.communicate", "Popen.wait")
}
_FILE_EVENTS: Final = {
    "open",
    "os.link",
    "os.listdir",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.truncate",
}
_PROCESS_EVENTS: Final = {
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "subprocess.Popen",
}
_NETWORK_EVENTS: Final = {
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "sqlite3.connect",
    "urllib.Request",
}
_ENVIRONMENT: Final = {os.environ.__getitem__.__code__, os.environ.__iter__.__code__}

_watched = threading.local()
_hooked = threading.Lock()
_is_hooked = False


class Watch:
    """Notes what the current thread reaches for in a ``with`` block.

    ``alone`` is for code that should only think: any call into a package that talks to others counts.
    Without it (code that may talk, and must not hold up the event loop) only what waits or touches files
    does.
    """

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._before: Any = None
        self._collects = False
        self.seen: list[Reached] = []

    def reached(self, *reaches: Reach) -> str | None:
        """What was reached for of these kinds, in words; ``None`` for nothing."""
        found = list(dict.fromkeys(str(each) for each in self.seen if each.reach in reaches))
        return "; ".join(found[:5]) or None

    def __enter__(self) -> Self:
        _hook()
        # A collection in the middle would run callbacks of others, and they look at clocks.
        self._collects = gc.isenabled()
        gc.disable()
        self._before = sys.getprofile()
        _watched.by = self
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_exc: object) -> None:
        sys.setprofile(self._before)
        _watched.by = None
        if self._collects:
            gc.enable()

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """An audit event of the thread."""
        if event in _FILE_EVENTS:
            if event != "open" or not _is_installed(args[0]):
                self._note(Reach.FILES, f"{event}({args[0]!r})", sys._getframe(1))  # noqa: SLF001 - documented
        elif event in _PROCESS_EVENTS and self._alone:
            self._note(Reach.OTHERS, event, sys._getframe(1))  # noqa: SLF001 - likewise
        elif event in _NETWORK_EVENTS and self._alone:
            self._note(Reach.OTHERS, event, sys._getframe(1))  # noqa: SLF001 - likewise
            message = "no network here: a rule is being watched"
            raise ConnectionRefusedError(message)

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call":
            reach = _of_builtin(arg)
            if reach is not None:
                self._note(reach, _name(arg), frame)
        elif event == "call" and not self._alone:
            if (frame.f_globals.get("__name__"), frame.f_code.co_qualname) in _WAITING:
                self._note(Reach.WAIT, f"subprocess.{frame.f_code.co_qualname}", frame)
        elif event == "call":
            if frame.f_code in _ENVIRONMENT:
                self._note(Reach.ENVIRONMENT, "os.environ", frame)
            module = frame.f_globals.get("__name__") or ""
            if module.partition(".")[0] in _OTHERS:
                self._note(Reach.OTHERS, f"{module}.{frame.f_code.co_qualname}", frame)

    def _note(self, reach: Reach, what: str, frame: FrameType) -> None:
        if len(self.seen) > 1_000:
            return
        where = _where(frame)
        if where is not None:
            self.seen.append(Reached(reach, what, where))


def _hook() -> None:
    """An audit hook cannot be taken off again, so there is one for all watches, which mostly sleeps."""
    global _is_hooked  # noqa: PLW0603 - once in the life of the process
    with _hooked:
        if not _is_hooked:
            sys.addaudithook(_audit)
            _is_hooked = True


def _audit(event: str, args: tuple[Any, ...]) -> None:
    watch = getattr(_watched, "by", None)
    if watch is not None:
        watch.audit(event, args)


def _of_builtin(function: Any) -> Reach | None:  # noqa: PLR0911 - a table of cases
    name = function.__name__
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None)
    if owner is time or module == "time":
        if name == "sleep":
            return Reach.SLEEP
        return Reach.CLOCK if name in _CLOCKS else None
    if name in _TODAYS and isinstance(owner, type) and issubclass(owner, date):
        return Reach.CLOCK
    if isinstance(owner, random.Random):
        # One's own generator with a seed of one's own throws the same every time.
        is_shared = owner is random._inst or isinstance(owner, random.SystemRandom)  # noqa: SLF001 - the one behind random.random()
        return Reach.DICE if is_shared else None
    if name == "urandom" or module in _DICE_MODULES:
        return Reach.DICE
    if name == "fsync":
        return Reach.FILES
    if name in {"start_new_thread", "start_joinable_thread"}:
        return Reach.OTHERS
    if isinstance(owner, socket.socket) and name in _SOCKET_CALLS:
        return None if owner.gettimeout() == 0 else Reach.WAIT
    if module == "_socket" and name in {"getaddrinfo", "gethostbyname", "getnameinfo"}:
        return Reach.WAIT
    return None


def _name(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    place = function.__module__ or getattr(owner, "__name__", None) or type(owner).__name__
    return f"{place}.{function.__name__}"


@lru_cache(maxsize=1)
def _installed() -> tuple[str, ...]:
    folders = {
        os.path.realpath(path)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_path(name))
    }
    return tuple(sorted({*folders, *(os.path.realpath(path) for path in zoneinfo.TZPATH)}))


def _is_installed(path: object) -> bool:
    """Whether a file came with an installed package, and so is as constant as code."""
    if not isinstance(path, str | bytes | os.PathLike):
        return True  # a descriptor that is open already
    return os.path.realpath(os.fsdecode(path)).startswith(_installed())


def _where(frame: FrameType | None) -> str | None:
    """The nearest line that is not the standard library's; ``None`` while something is imported."""
    nearest = None
    standard = _installed_standard()
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib"):
            return None
        outside = not name.startswith(standard) or "site-packages" in name
        if nearest is None and outside and not name.startswith("<") and name != __file__:
            nearest = f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return nearest or "the standard library"


@lru_cache(maxsize=1)
def _installed_standard() -> str:
    return sysconfig.get_path("stdlib")
